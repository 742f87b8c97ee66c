import { Header } from "@/components/Header";
import { Link } from "@/components/Link";
import { ApiError } from "@/lib/api/client";
import { inWords } from "@/lib/errorWords";
import type { Notice } from "../hooks/useNotice";
import { NoticeLine } from "./NoticeLine";

interface Props {
  problem: Error | null;
  notice: Notice | null;
  onUndo: (() => void) | undefined;
  onRetry: () => void;
}

/** Nothing to judge: still on its way, all done, or why not. */
export function NoGalaxy({ problem, notice, onUndo, onRetry }: Props) {
  const isDone = problem instanceof ApiError && problem.code === "all_done";
  return (
    <div className="compare">
      <Header />
      <main className="message">
        {problem ? (
          <>
            <h1>{isDone ? "That was the last one" : "No galaxy just now"}</h1>
            <p>{inWords(problem)}</p>
            <p className="actions">
              <Link to="/me" className="button">
                My galaxies
              </Link>
              <button type="button" className="button primary" onClick={onRetry}>
                Look again
              </button>
            </p>
          </>
        ) : (
          <p className="arriving" aria-live="polite">
            Your galaxy is on its way
          </p>
        )}
        <NoticeLine notice={notice && onUndo ? { ...notice, canUndo: true } : notice} onUndo={onUndo} />
      </main>
    </div>
  );
}
