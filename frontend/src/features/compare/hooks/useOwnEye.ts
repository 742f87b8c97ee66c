import { useCallback, useEffect, useReducer } from "react";
import type { Task } from "@/lib/api/types";
import { deckReducer, EMPTY_DECK } from "../state/deck";
import { outcomeNow, type Remarks } from "../state/session";
import type { Labelling } from "./useLabelling";
import { useNotice } from "./useNotice";

/** What somebody said of a galaxy for themselves. */
export type Verdict = { kind: "accepted"; inclinationDeg: number } | { kind: "face_on" } | { kind: "rejected"; reasons: Remarks["reasons"] };

const NOTHING = async () => undefined;

/** A comparison whose answer goes to `onDone` and nowhere else: no lease, no vote. */
export function useOwnEye(task: Task, onDone: (verdict: Verdict) => void, onLeave: () => void): Labelling {
  const [deck, dispatch] = useReducer(deckReducer, EMPTY_DECK, (empty) => deckReducer(empty, { kind: "dealt", task }));
  const { notice, say } = useNotice();
  const current = deck.sessions[0] ?? null;

  useEffect(() => say("For your own eye: your answer is kept nowhere.", { isLong: true }), [say]);

  const confirm = useCallback(() => {
    if (!current) return;
    const outcome = outcomeNow(current);
    if (outcome.kind === "accepted" || outcome.kind === "face_on") onDone(outcome);
    else dispatch({ kind: "confirm" });
  }, [current, onDone]);
  const reject = useCallback((remarks: Remarks) => onDone({ kind: "rejected", reasons: remarks.reasons }), [onDone]);
  const skip = useCallback(async () => onLeave(), [onLeave]);

  return { deck, current, dispatch, notice, say, problem: null, tryAgain: NOTHING, confirm, reject, skip, undo: NOTHING, canUndo: false, isChanging: false };
}
