import { useQueryClient } from "@tanstack/react-query";
import { type Dispatch, useCallback, useEffect, useRef, useState } from "react";
import { ApiError } from "@/lib/api/client";
import { outbox } from "@/lib/outbox";
import { pauseMs } from "@/lib/outbox/delivery";
import { isInstalled } from "@/lib/installed";
import { keptTasks } from "@/lib/keptTasks";
import { queryKeys } from "@/lib/queryKeys";
import { leaseTask } from "../api";
import type { DeckAction } from "../state/deck";
import { giveBack, leaseBesideOthers } from "../state/heldTasks";

/** The galaxy in hand and the next. The installed app holds as many as the server leases to one person. */
const AHEAD = 2;
const AHEAD_INSTALLED = 4;
const ALL_DONE_CHECK_MS = 60_000;

/** Keeps the current galaxy and the next ones leased, beginning with those saved on this device. Reports the problem if there is none. */
export function useDealing(campaign: string, volunteer: string, count: number, dispatch: Dispatch<DeckAction>) {
  const [problem, setProblem] = useState<ApiError | null>(null);
  const [attempt, setAttempt] = useState(0);
  const isLeasing = useRef(false);
  const failures = useRef(0);
  const isLeft = useRef(false);
  const queryClient = useQueryClient();

  useEffect(() => {
    isLeft.current = false;
    return () => {
      isLeft.current = true;
    };
  }, []);

  const tryAgain = useCallback(() => {
    setProblem(null);
    setAttempt((value) => value + 1);
  }, []);

  useEffect(() => {
    if (count >= (isInstalled() ? AHEAD_INSTALLED : AHEAD) || isLeasing.current || problem !== null) return;
    isLeasing.current = true;
    const lease = async (held: string[]) => {
      const taken = new Set([...held, ...(await outbox.taskIds())]);
      const kept = keptTasks(volunteer).find((task) => task.campaign === campaign && !taken.has(task.id));
      return kept ?? leaseTask(campaign, [...taken]);
    };
    leaseBesideOthers(lease)
      .then(
        (task) => {
          failures.current = 0;
          if (isLeft.current) return giveBack([task.id]);
          dispatch({ kind: "dealt", task });
        },
        (caught: unknown) => {
          failures.current += 1;
          const error = caught instanceof ApiError ? caught : new ApiError(0, "unreachable", String(caught));
          if (error.code === "not_authenticated" || error.code === "other_person") void queryClient.invalidateQueries({ queryKey: queryKeys.me });
          setProblem(error);
        },
      )
      .finally(() => {
        isLeasing.current = false;
        setAttempt((value) => value + 1);
      });
  }, [campaign, volunteer, count, problem, attempt, dispatch, queryClient]);

  useEffect(() => {
    if (!problem) return undefined;
    // Each vote that arrives frees a lease. After "all done" an occasional attempt is enough: somebody else's lease may be returned.
    const isCrowded = problem.code === "too_many_leases";
    const isTransient = problem.isPassing || problem.code === "csrf" || isCrowded;
    const delayMs = isTransient ? pauseMs(failures.current, problem.retryAfterS, Math.random()) : Math.max((problem.retryAfterS ?? 0) * 1000, ALL_DONE_CHECK_MS);
    const timer = setTimeout(tryAgain, delayMs);
    const look = () => void (isTransient && document.visibilityState === "visible" && tryAgain());
    window.addEventListener("online", tryAgain);
    document.addEventListener("visibilitychange", look);
    const forget = isCrowded ? outbox.hear((event) => void (event.kind !== "delayed" && tryAgain())) : undefined;
    return () => {
      clearTimeout(timer);
      forget?.();
      window.removeEventListener("online", tryAgain);
      document.removeEventListener("visibilitychange", look);
    };
  }, [problem, tryAgain]);

  return { problem, tryAgain };
}
