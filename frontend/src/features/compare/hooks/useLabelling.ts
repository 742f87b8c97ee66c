import { useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useReducer, useRef, useState } from "react";
import type { VoteBody } from "@/lib/api/types";
import { undoVote } from "@/lib/api/undoVote";
import { inWords } from "@/lib/errorWords";
import { outbox } from "@/lib/outbox";
import { queryKeys } from "@/lib/queryKeys";
import { randomUuid } from "@/lib/uuid";
import { skipTask } from "../api/skipTask";
import { deckReducer, EMPTY_DECK } from "../state/deck";
import { holdTask, releaseAllTasks, releaseTask } from "../state/heldTasks";
import { outcomeNow, type Remarks, type Session } from "../state/session";
import { answerOf, rejectionOf, verdictWords } from "../state/verdict";
import { useDealing } from "./useDealing";
import { useHeartbeat } from "./useHeartbeat";
import { useNotice } from "./useNotice";

interface LastVote {
  key: string;
  session: Session;
  words: string;
}

/** Everything that one campaign's comparison does: galaxies in, votes out, undo, skip, and a quiet word about each. */
export function useLabelling(campaign: string) {
  const [deck, dispatch] = useReducer(deckReducer, EMPTY_DECK);
  const { notice, say } = useNotice();
  const [last, setLast] = useState<LastVote | null>(null);
  const isBusy = useRef(false);
  // While another galaxy may be about to take this one's place: what is pressed now was not meant for that one.
  const [isChanging, setChanging] = useState(false);
  const announced = useRef<{ key: string; words: string } | null>(null);
  const queryClient = useQueryClient();
  const dealing = useDealing(campaign, deck.sessions.length, dispatch);
  const current = deck.sessions[0] ?? null;

  useEffect(() => releaseAllTasks, []);

  useHeartbeat(deck.sessions, dispatch, (session) => {
    if (session.task.id === current?.task.id) {
      say("Your time with this galaxy ran out. Your answer still counts if nobody else finished it.", { isLong: true });
    } else {
      releaseTask(session.task.id);
      dispatch({ kind: "finished", taskId: session.task.id });
    }
  });

  useEffect(
    () =>
      outbox.hear((event) => {
        if (event.kind === "settled" || event.kind === "refused") say(`${event.galaxy}: ${inWords(event.error)}`, { isLong: true });
        if (event.kind === "delayed" && announced.current?.key === event.key) {
          say(`${announced.current.words} kept; it will be sent`, { canUndo: true });
          announced.current = null;
        }
      }),
    [say],
  );

  const keep = useCallback(
    async (session: Session, body: VoteBody, inclinationDeg: number | null) => {
      if (isBusy.current) return;
      isBusy.current = true;
      try {
        const words = verdictWords(body.verdict, body.reasons, inclinationDeg);
        await outbox.add(body, session.task.target.label);
        releaseTask(session.task.id);
        dispatch({ kind: "finished", taskId: session.task.id });
        setLast({ key: body.key, session, words });
        announced.current = { key: body.key, words };
        say(navigator.onLine ? `${words} recorded` : `${words} kept; it will be sent`, { canUndo: true });
      } catch {
        say("This browser could not keep your vote. Please try once more.", { isLong: true });
      } finally {
        isBusy.current = false;
      }
    },
    [say],
  );

  /** The main button: on to the next row of standards, or the answer. */
  const confirm = useCallback(() => {
    if (!current) return;
    const outcome = outcomeNow(current);
    const body = answerOf(current, randomUuid());
    if (body) void keep(current, body, outcome.kind === "accepted" ? outcome.inclinationDeg : null);
    else dispatch({ kind: "confirm" });
  }, [current, keep]);

  const reject = useCallback(
    (remarks: Remarks) => {
      if (current) void keep(current, rejectionOf(current, randomUuid(), remarks), null);
    },
    [current, keep],
  );

  const skip = useCallback(async () => {
    if (!current || isBusy.current) return;
    isBusy.current = true;
    setChanging(true);
    try {
      await skipTask(current.task.id);
      releaseTask(current.task.id);
      dispatch({ kind: "finished", taskId: current.task.id });
      say("Skipped. Someone else will judge it.");
    } catch (error) {
      say(inWords(error), { isLong: true });
    } finally {
      isBusy.current = false;
      setChanging(false);
    }
  }, [current, say]);

  const undo = useCallback(async () => {
    if (!last || isBusy.current) return;
    isBusy.current = true;
    setChanging(true);
    try {
      if (await outbox.withdraw(last.key)) {
        holdTask(last.session.task.id);
        dispatch({ kind: "returned", session: last.session });
      } else {
        await outbox.flush();
        if (await outbox.isWaiting(last.key)) {
          say("Your vote is still on its way. Undo works once it has arrived.", { isLong: true });
          return;
        }
        const { task } = await undoVote(last.key);
        holdTask(task.id);
        dispatch({ kind: "returned", session: { ...last.session, task } });
        void queryClient.invalidateQueries({ queryKey: queryKeys.me });
      }
      setLast(null);
      say(`${last.words} taken back`);
    } catch (error) {
      say(inWords(error), { isLong: true });
    } finally {
      isBusy.current = false;
      setChanging(false);
    }
  }, [last, queryClient, say]);

  return { deck, current, dispatch, notice, say, problem: dealing.problem, tryAgain: dealing.tryAgain, confirm, reject, skip, undo, canUndo: last !== null, isChanging };
}

export type Labelling = ReturnType<typeof useLabelling>;
