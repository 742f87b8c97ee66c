import { useCallback, useEffect, useReducer } from "react";
import type { Task, VoteBody } from "@/lib/api/types";
import { randomUuid } from "@/lib/uuid";
import { type Deck, deckReducer, EMPTY_DECK } from "../state/deck";
import { outcomeNow, type Remarks } from "../state/session";
import { answerOf, rejectionOf } from "../state/verdict";
import type { Labelling } from "./useLabelling";
import { useNotice } from "./useNotice";

/** The answer of a user that is not saved as a vote. */
export type Verdict = { kind: "accepted"; inclinationDeg: number } | { kind: "face_on" } | { kind: "rejected"; reasons: Remarks["reasons"] };

/** An answer, and the body of the vote that it would be. */
export interface Said {
  verdict: Verdict;
  body: VoteBody;
}

const NOTHING = async () => undefined;
const dealt = (tasks: readonly Task[]): Deck => tasks.reduce<Deck>((deck, task) => deckReducer(deck, { kind: "dealt", task }), EMPTY_DECK);

interface Options {
  /** Receives the answer, and the body of the vote that it would be. */
  onDone: (verdict: Verdict, body: VoteBody) => void;
  onSkip: () => void;
  /** The notice at the beginning. */
  words: string;
}

/** A comparison whose answer is only passed to `onDone`: no lease, no vote. Pictures of later tasks are fetched ahead. */
export function useOwnEye(tasks: readonly Task[], { onDone, onSkip, words }: Options): Labelling {
  const [deck, dispatch] = useReducer(deckReducer, tasks, dealt);
  const { notice, say } = useNotice();
  const current = deck.sessions[0] ?? null;

  useEffect(() => say(words, { isLong: true }), [say, words]);

  const confirm = useCallback(() => {
    if (!current) return;
    const outcome = outcomeNow(current);
    const body = answerOf(current, randomUuid());
    if (body && (outcome.kind === "accepted" || outcome.kind === "face_on")) onDone(outcome, body);
    else dispatch({ kind: "confirm" });
  }, [current, onDone]);
  const reject = useCallback(
    (remarks: Remarks) => {
      if (current) onDone({ kind: "rejected", reasons: remarks.reasons }, rejectionOf(current, randomUuid(), remarks));
    },
    [current, onDone],
  );
  const skip = useCallback(async () => onSkip(), [onSkip]);

  return { deck, current, dispatch, notice, say, problem: null, tryAgain: NOTHING, confirm, reject, skip, undo: NOTHING, canUndo: false, isChanging: false };
}
