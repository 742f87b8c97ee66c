import { useQuery } from "@tanstack/react-query";
import { Header } from "@/components/Header";
import { Link } from "@/components/Link";
import type { Task } from "@/lib/api/types";
import { axialRatio, ellipsePath } from "@/lib/ellipse";
import { inWords } from "@/lib/errorWords";
import { availableBand, pictureAddress } from "@/lib/pictures/choose";
import { queryKeys } from "@/lib/queryKeys";
import { REASON_TITLES } from "@/lib/reasonTitles";
import { askNetwork } from "../api/askNetwork";
import type { Verdict } from "../hooks/useOwnEye";
import { apartWords } from "../rules/apart";

/** Half the galaxy's length in a field twice as wide as the galaxy. */
const SEMI_MAJOR = 0.25;

function saidWords(verdict: Verdict): string {
  if (verdict.kind === "accepted") return `${verdict.inclinationDeg}°`;
  if (verdict.kind === "face_on") return "face-on";
  return "set aside";
}

interface Props {
  task: Task;
  verdict: Verdict;
  /** Of the galaxy on the Predict page. */
  address: string;
  onAgain: () => void;
}

/** One's own answer and the network's: two ellipses over the galaxy, and how far they are apart in words. */
export function OwnAnswer({ task, verdict, address, onAgain }: Props) {
  const answer = useQuery({ queryKey: queryKeys.networkAnswer(task.id), queryFn: () => askNetwork(task.id), staleTime: Number.POSITIVE_INFINITY });
  const band = availableBand(task.target.images, "gri");
  const picture = band && pictureAddress(task.target, band, "large");
  const own = verdict.kind === "accepted" ? verdict.inclinationDeg : null;
  const theirs = answer.data?.inclination_deg ?? null;
  return (
    <>
      <Header />
      <main className="own-answer">
        <h1>{task.target.label}, by your own eye</h1>
        <div className="own-picture">
          {picture && <img src={picture} alt="" />}
          <svg viewBox="-0.5 -0.5 1 1" aria-hidden="true" focusable="false">
            {theirs !== null && <path className="ellipse-theirs" d={ellipsePath(SEMI_MAJOR, axialRatio(theirs))} />}
            {own !== null && <path className="ellipse-own" d={ellipsePath(SEMI_MAJOR, axialRatio(own))} />}
          </svg>
        </div>
        <dl className="own-figures" data-testid="own-answer">
          <div className="own">
            <dt>You</dt>
            <dd>{saidWords(verdict)}</dd>
          </div>
          <div className="theirs">
            <dt>The network</dt>
            <dd>{answer.error ? inWords(answer.error) : answer.data ? (theirs === null ? "does not measure it" : `${theirs.toFixed(1)}°`) : "…"}</dd>
          </div>
        </dl>
        <p className="own-words" aria-live="polite">
          {answer.data && apartWords(own, theirs, answer.data.sigma_deg)}
          {verdict.kind === "rejected" && verdict.reasons.length > 0 && ` You say: ${verdict.reasons.map((reason) => REASON_TITLES[reason]).join(", ")}.`}
        </p>
        <p className="quiet">Your answer is kept nowhere. In a campaign answers count, and nobody is told the network’s.</p>
        <p className="actions">
          <button type="button" className="button" onClick={onAgain}>
            Once more, with other standards
          </button>
          <Link to={address} className="button primary">
            Back to the network
          </Link>
        </p>
      </main>
    </>
  );
}
