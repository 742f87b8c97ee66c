import { useQuery } from "@tanstack/react-query";
import { Header } from "@/components/Header";
import { Link } from "@/components/Link";
import type { Task } from "@/lib/api/types";
import { inWords } from "@/lib/errorWords";
import { queryKeys } from "@/lib/queryKeys";
import { titleOf } from "@/lib/reasons";
import { askNetwork } from "../api";
import type { Verdict } from "../hooks/useOwnEye";
import { apartWords } from "../rules/apart";
import { EllipsePair } from "./EllipsePair";

export function saidWords(verdict: Verdict): string {
  if (verdict.kind === "accepted") return `${verdict.inclinationDeg}°`;
  if (verdict.kind === "face_on") return "face-on";
  return "rejected";
}

interface Props {
  task: Task;
  verdict: Verdict;
  /** Of the galaxy on the Predict page. */
  address: string;
  onAgain: () => void;
}

/** The user's answer and the prediction: two ellipses over the galaxy, and their difference in words. */
export function OwnAnswer({ task, verdict, address, onAgain }: Props) {
  const answer = useQuery({ queryKey: queryKeys.networkAnswer(task.id), queryFn: () => askNetwork(task.id), staleTime: Number.POSITIVE_INFINITY });
  const own = verdict.kind === "accepted" ? verdict.inclinationDeg : null;
  const theirs = answer.data?.inclination_deg ?? null;
  return (
    <>
      <Header />
      <main className="own-answer">
        <h1>{task.target.label}, by your own eye</h1>
        <EllipsePair task={task} ownDeg={own} theirsDeg={theirs} />
        <dl className="own-figures" data-testid="own-answer">
          <div className="own">
            <dt>You</dt>
            <dd>{saidWords(verdict)}</dd>
          </div>
          <div className="theirs">
            <dt>The network</dt>
            <dd>{answer.error ? inWords(answer.error) : answer.data ? (theirs === null ? "no inclination" : `${theirs.toFixed(1)}°`) : "…"}</dd>
          </div>
        </dl>
        <p className="own-words" aria-live="polite">
          {answer.data && apartWords(own, theirs, answer.data.sigma_deg)}
          {verdict.kind === "rejected" && verdict.reasons.length > 0 && ` You say: ${verdict.reasons.map(titleOf).join(", ")}.`}
        </p>
        <p className="quiet">Your answer isn’t saved. In a campaign your answers count, and nobody sees the network’s prediction first.</p>
        <p className="actions">
          <button type="button" className="button" onClick={onAgain}>
            Again, with other standards
          </button>
          <Link to={address} className="button primary">
            Back to the network
          </Link>
        </p>
      </main>
    </>
  );
}
