import { useQueryClient } from "@tanstack/react-query";
import { type Dispatch, useCallback, useEffect, useRef, useState } from "react";
import { ApiError } from "@/lib/api/client";
import { outbox } from "@/lib/outbox";
import { pauseMs } from "@/lib/outbox/delivery";
import { queryKeys } from "@/lib/queryKeys";
import { leaseTask } from "../api";
import type { DeckAction } from "../state/deck";
import { giveBack, leaseBesideOthers } from "../state/heldTasks";

const AHEAD = 2;
const ALL_DONE_CHECK_MS = 60_000;

/** Keeps the current galaxy and the next one leased. Reports the problem if there is none. */
export function useDealing(campaign: string, count: number, dispatch: Dispatch<DeckAction>) {
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
    if (count >= AHEAD || isLeasing.current || problem !== null) return;
    isLeasing.current = true;
    const lease = async (held: string[]) => leaseTask(campaign, [...new Set([...held, ...(await outbox.taskIds())])]);
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
  }, [campaign, count, problem, attempt, dispatch, queryClient]);

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
