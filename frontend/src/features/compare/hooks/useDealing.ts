import { useQueryClient } from "@tanstack/react-query";
import { type Dispatch, useCallback, useEffect, useRef, useState } from "react";
import { ApiError } from "@/lib/api/client";
import { outbox } from "@/lib/outbox";
import { pauseMs } from "@/lib/outbox/delivery";
import { queryKeys } from "@/lib/queryKeys";
import { leaseTask } from "../api/leaseTask";
import type { DeckAction } from "../state/deck";
import { leaseBesideOthers } from "../state/heldTasks";

const AHEAD = 2;
const ALL_DONE_CHECK_MS = 60_000;

/** Keeps the galaxy that is judged and the next one in hand. Says why, when there is none. */
export function useDealing(campaign: string, count: number, dispatch: Dispatch<DeckAction>) {
  const [problem, setProblem] = useState<ApiError | null>(null);
  const [attempt, setAttempt] = useState(0);
  const isLeasing = useRef(false);
  const failures = useRef(0);
  const queryClient = useQueryClient();

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
          dispatch({ kind: "dealt", task });
        },
        (caught: unknown) => {
          failures.current += 1;
          const error = caught instanceof ApiError ? caught : new ApiError(0, "unreachable", String(caught));
          if (error.status === 401) void queryClient.invalidateQueries({ queryKey: queryKeys.me });
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
    // Each vote that arrives frees a lease. After "all done" a look now and then is enough: someone else's lease may come back.
    const isCrowded = problem.code === "too_many_leases";
    const isTransient = problem.isPassing || problem.code === "csrf" || isCrowded;
    const delayMs = isTransient ? pauseMs(failures.current, problem.retryAfterS, Math.random()) : Math.max((problem.retryAfterS ?? 0) * 1000, ALL_DONE_CHECK_MS);
    const timer = setTimeout(tryAgain, delayMs);
    window.addEventListener("online", tryAgain);
    const forget = isCrowded ? outbox.hear((event) => void (event.kind !== "delayed" && tryAgain())) : undefined;
    return () => {
      clearTimeout(timer);
      forget?.();
      window.removeEventListener("online", tryAgain);
    };
  }, [problem, tryAgain]);

  return { problem, tryAgain };
}
