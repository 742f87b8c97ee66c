import { useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useRef, useState } from "react";
import type { VoteBody } from "@/lib/api/types";
import { getMe, undoVote } from "@/lib/api/calls";
import { inWords, inWordsOnce } from "@/lib/errorWords";
import { outbox } from "@/lib/outbox";
import { queryKeys } from "@/lib/queryKeys";
import { randomUuid } from "@/lib/uuid";
import { giveBack, holdTask, releaseTask } from "../state/heldTasks";
import { putInFront, shownMs, watchScreen } from "../state/screenTime";
import { isUntouched, outcomeNow, type Remarks, type Session } from "../state/session";
import { answerOf, rejectionOf, verdictWords } from "../state/verdict";
import { useDealing } from "./useDealing";
import { useHand } from "./useHand";
import { useHeartbeat } from "./useHeartbeat";
import { useNotice } from "./useNotice";
import { useSkip } from "./useSkip";

interface LastAnswer {
  /** The key of the vote; null for a skipped galaxy. */
  key: string | null;
  session: Session;
  words: string;
}

/** Whether this site, and no captive portal, answers at present. */
const siteAnswers = () =>
  getMe().then(
    () => true,
    () => false,
  );

/** The comparison of a campaign: leases galaxies, sends votes, undoes and skips, with a notice about each. */
export function useLabelling(campaign: string, volunteer: string) {
  const [deck, dispatch] = useHand(volunteer);
  const { notice, say } = useNotice();
  const [last, setLast] = useState<LastAnswer | null>(null);
  const isBusy = useRef(false);
  // True while another galaxy may be about to replace this one: keys pressed now are not meant for it.
  const [isChanging, setChanging] = useState(false);
  const announced = useRef<{ key: string; words: string } | null>(null);
  const queryClient = useQueryClient();
  const dealing = useDealing(campaign, volunteer, deck.sessions.length, dispatch);
  const current = deck.sessions[0] ?? null;

  const hand = useRef<readonly Session[]>([]);
  useEffect(() => {
    hand.current = deck.sessions;
    putInFront(current?.task.id ?? null);
  });
  useEffect(() => {
    const leave = () => giveBack(hand.current.map((session) => session.task.id));
    const stopWatching = watchScreen();
    // From the browser's history the page comes back as it was left, but its galaxies have been given back: loaded again, it
    // leases fresh ones. While the site does not answer it keeps what it has, and the heartbeat renews the leases later.
    const comeBack = async (event: PageTransitionEvent) => {
      if (!event.persisted) return;
      hand.current.forEach((session) => holdTask(session.task.id));
      if (outbox.getState().atRisk === 0 && (await siteAnswers())) window.location.reload();
    };
    window.addEventListener("pagehide", leave);
    const onPageShow = (event: PageTransitionEvent) => void comeBack(event);
    window.addEventListener("pageshow", onPageShow);
    return () => {
      window.removeEventListener("pagehide", leave);
      window.removeEventListener("pageshow", onPageShow);
      leave();
      putInFront(null);
      stopWatching();
    };
  }, []);

  const askWhoIsHere = () => void queryClient.invalidateQueries({ queryKey: queryKeys.me });
  const onLost = (session: Session) => {
    if (session.task.id === current?.task.id && !isUntouched(session)) {
      say("Your time with this galaxy ran out. Your answer still counts unless somebody else has finished it.", { isLong: true });
    } else {
      releaseTask(session.task.id);
      dispatch({ kind: "finished", taskId: session.task.id });
    }
  };
  useHeartbeat(deck.sessions, dispatch, onLost, askWhoIsHere);

  useEffect(
    () =>
      outbox.hear((event) => {
        if (event.kind === "settled" || event.kind === "refused") say(`${event.galaxy}: ${inWords(event.error)}`, { isLong: true });
        if (announced.current?.key !== event.key) return;
        // Say "recorded" only when the server has acknowledged the vote.
        if (event.kind === "receipt") say(`${announced.current.words} recorded`, { canUndo: true });
        if (event.kind === "delayed" || event.kind === "stranger") say(`${announced.current.words} saved; it will be sent`, { canUndo: true });
        if (event.kind !== "delayed") announced.current = null;
      }),
    [say],
  );

  const keep = useCallback(
    async (session: Session, body: VoteBody, inclinationDeg: number | null) => {
      if (isBusy.current) return;
      isBusy.current = true;
      try {
        const words = verdictWords(body.verdict, body.reasons, inclinationDeg);
        const isQueued = outbox.getState().waiting > 0 || !navigator.onLine;
        announced.current = { key: body.key, words };
        await outbox.add({ ...body, shown_ms: shownMs(session.task.id) }, session.task.target.label);
        releaseTask(session.task.id);
        dispatch({ kind: "finished", taskId: session.task.id });
        setLast({ key: body.key, session, words });
        if (isQueued) say(`${words} saved; it will be sent`, { canUndo: true });
      } catch {
        say("This browser could not save your vote. Please try again.", { isLong: true });
      } finally {
        isBusy.current = false;
      }
    },
    [dispatch, say],
  );

  /** The main button: shows the next row of standards, or records the answer. */
  const confirm = useCallback(() => {
    if (!current) return;
    const outcome = outcomeNow(current);
    const body = answerOf(current, randomUuid());
    if (body) void keep(current, body, outcome.kind === "accepted" ? outcome.inclinationDeg : null);
    else dispatch({ kind: "confirm" });
  }, [current, keep, dispatch]);

  const reject = useCallback(
    (remarks: Remarks) => {
      if (current) void keep(current, rejectionOf(current, randomUuid(), remarks), null);
    },
    [current, keep],
  );

  const skipping = useSkip(useCallback(() => setLast((before) => (before?.key === null ? null : before)), []));
  const skip = useCallback(async () => {
    if (!current || isBusy.current) return;
    skipping.skip(current);
    dispatch({ kind: "finished", taskId: current.task.id });
    setLast({ key: null, session: current, words: "Skip" });
    say("Skipped. Somebody else will judge it; you will see it again only when nothing else is left.", { canUndo: true });
  }, [current, say, dispatch, skipping]);

  const undo = useCallback(async () => {
    if (!last || isBusy.current) return;
    if (last.key === null) {
      const skipped = skipping.takeBack();
      if (skipped) dispatch({ kind: "returned", session: skipped });
      setLast(null);
      say("Skip undone");
      return;
    }
    isBusy.current = true;
    setChanging(true);
    try {
      if (await outbox.withdraw(last.key)) {
        holdTask(last.session.task.id);
        dispatch({ kind: "returned", session: last.session });
      } else {
        await outbox.flush();
        if (await outbox.isWaiting(last.key)) {
          say("Your vote is still being sent. You can undo it once it has arrived.", { isLong: true });
          return;
        }
        const { task } = await undoVote(last.key);
        holdTask(task.id);
        dispatch({ kind: "returned", session: { ...last.session, task } });
        void queryClient.invalidateQueries({ queryKey: queryKeys.me });
      }
      setLast(null);
      say(`${last.words} undone`);
    } catch (error) {
      say(inWordsOnce(error), { isLong: true });
    } finally {
      isBusy.current = false;
      setChanging(false);
    }
  }, [last, queryClient, say, dispatch, skipping]);

  return { deck, current, dispatch, notice, say, problem: dealing.problem, tryAgain: dealing.tryAgain, confirm, reject, skip, undo, canUndo: last !== null, isChanging };
}

export type Labelling = ReturnType<typeof useLabelling>;
