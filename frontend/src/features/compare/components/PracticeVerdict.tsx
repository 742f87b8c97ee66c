import { useMutation } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { Header } from "@/components/Header";
import type { Judged, Task } from "@/lib/api/types";
import { inWordsOnce } from "@/lib/errorWords";
import { useKeys } from "@/lib/keys/useKeys";
import { judgePractice } from "../api";
import type { Said } from "../hooks/useOwnEye";
import { feedbackWords } from "../rules/feedback";
import { EllipsePair } from "./EllipsePair";
import { saidWords } from "./OwnAnswer";

/** Enter counts again after this, as between two galaxies of a campaign. */
const PAUSE_MS = 700;

interface Props {
  task: Task;
  said: Said;
  place: number;
  count: number;
  token: string;
  /** Undefined until the server has answered. */
  judged: Judged | undefined;
  onJudged: (judged: Judged) => void;
  onNext: () => void;
}

/** The user's tilt and the true one as ellipses over the galaxy, and the distance in words. */
export function PracticeVerdict({ task, said, place, count, token, judged, onJudged, onNext }: Props) {
  const { mutate, error, isPending } = useMutation({ mutationFn: () => judgePractice(token, said.body), onSuccess: onJudged });
  const heading = useRef<HTMLHeadingElement>(null);
  const shownAt = useRef(0);
  useEffect(() => {
    shownAt.current = performance.now();
    window.scrollTo({ top: 0 });
    heading.current?.focus();
    mutate();
  }, [mutate]);
  const isLast = place + 1 === count;
  useKeys(
    judged !== undefined,
    ({ key }) => (key === "Enter" ? "next" : null),
    () => performance.now() - shownAt.current > PAUSE_MS && onNext(),
  );
  const own = said.verdict.kind === "accepted" ? said.verdict.inclinationDeg : null;
  return (
    <>
      <Header />
      <main className="own-answer">
        <h1 ref={heading} tabIndex={-1}>{`Galaxy ${place + 1} of ${count}`}</h1>
        <EllipsePair task={task} ownDeg={own} theirsDeg={judged?.true_deg ?? null} isClose />
        <dl className="own-figures" data-testid="practice-verdict">
          <div className="own">
            <dt>You</dt>
            <dd>{saidWords(said.verdict)}</dd>
          </div>
          <div className="theirs">
            <dt>True</dt>
            <dd>{judged ? `${judged.true_deg.toFixed(1)}°` : "…"}</dd>
          </div>
        </dl>
        <p className="own-words" aria-live="polite">
          {judged && feedbackWords(judged)}
        </p>
        {error && <p role="alert">{inWordsOnce(error)}</p>}
        <p className="actions">
          {error && !isPending ? (
            <button type="button" className="button primary" onClick={() => mutate()}>
              Try again
            </button>
          ) : (
            <button type="button" className="button primary" disabled={!judged} onClick={onNext}>
              {isLast ? "See your result" : "Next galaxy"}
            </button>
          )}
        </p>
      </main>
    </>
  );
}
