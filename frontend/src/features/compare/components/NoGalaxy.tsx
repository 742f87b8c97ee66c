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

const TITLES: Record<string, string> = {
  all_done: "That was the last one",
  no_campaign: "There is no such campaign",
  campaign_paused: "A short break",
  campaign_closed: "This campaign is finished",
};

/** Nothing to judge: still on its way, all done, or why not. */
export function NoGalaxy({ problem, notice, onUndo, onRetry }: Props) {
  const code = problem instanceof ApiError ? problem.code : "";
  return (
    <div className="compare">
      <Header />
      <main className="message">
        {problem ? (
          <>
            <h1>{TITLES[code] ?? "No galaxy just now"}</h1>
            <p>{inWords(problem)}</p>
            <p className="actions">
              {code === "no_campaign" ? (
                <Link to="/" className="button primary">
                  To the first page
                </Link>
              ) : (
                <>
                  <Link to="/me" className="button">
                    My galaxies
                  </Link>
                  <button type="button" className="button primary" onClick={onRetry}>
                    Look again
                  </button>
                </>
              )}
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
