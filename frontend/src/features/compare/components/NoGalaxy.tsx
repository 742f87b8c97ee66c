import { Footer } from "@/components/Footer";
import { Header } from "@/components/Header";
import { Link } from "@/components/Link";
import { ApiError } from "@/lib/api/client";
import { inWords } from "@/lib/errorWords";
import { labelAddress, usePath } from "@/lib/router";
import { useMyCampaign } from "@/lib/useMyCampaign";
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
  campaign_paused: "This campaign is paused",
  campaign_closed: "This campaign is finished",
};

/** Shown while there is no galaxy to judge: loading, all done, or a problem. */
export function NoGalaxy({ problem, notice, onUndo, onRetry }: Props) {
  const code = problem instanceof ApiError ? problem.code : "";
  // If the server says when to try again, other volunteers still hold galaxies.
  const isOver = code in TITLES && !(code === "all_done" && problem instanceof ApiError && problem.retryAfterS !== null);
  const path = usePath();
  const other = useMyCampaign({ isWanted: code in TITLES }).data;
  const there = other && labelAddress(other.name);
  const next = there && there !== path.replace(/\/$/, "") ? { address: there, title: other.title || other.name } : null;
  return (
    <div className="compare">
      <Header />
      <main className="message">
        {problem ? (
          <>
            <h1>{(isOver && TITLES[code]) || "No galaxy at the moment"}</h1>
            <p>{inWords(problem)}</p>
            {next && (
              <p>
                Galaxies are waiting for you in <strong>{next.title}</strong>.
              </p>
            )}
            <p className="actions">
              {next && (
                <Link to={next.address} className="button primary">
                  Continue there
                </Link>
              )}
              {code === "no_campaign" ? (
                <Link to="/" className="button primary">
                  Go to the home page
                </Link>
              ) : (
                <>
                  <Link to="/me" className="button">
                    My galaxies
                  </Link>
                  <button type="button" className={next ? "button" : "button primary"} onClick={onRetry}>
                    Try again
                  </button>
                </>
              )}
            </p>
          </>
        ) : (
          <p className="arriving" aria-live="polite">
            Loading your galaxy
          </p>
        )}
        <NoticeLine notice={notice && onUndo ? { ...notice, canUndo: true } : notice} onUndo={onUndo} />
      </main>
      {problem && <Footer />}
    </div>
  );
}
