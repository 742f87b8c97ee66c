import { useCallback, useEffect, useMemo, useRef } from "react";
import { ApiError } from "@/lib/api/client";
import { skipTask } from "../api";
import { releaseTask } from "../state/heldTasks";
import type { Session } from "../state/session";

/** How long a skip can be undone; it is sent to the server only after that. */
export const SKIP_UNDO_MS = 6000;
const RETRY_AFTER_MS = [3000, 15_000, 60_000];

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Sends the skip. If the server can't be reached, the lease expires, and somebody else gets the galaxy anyway. */
async function tell(taskId: string): Promise<void> {
  for (const retryMs of [...RETRY_AFTER_MS, null]) {
    try {
      await skipTask(taskId);
      break;
    } catch (error) {
      if (retryMs === null || !(error instanceof ApiError) || !error.isPassing) break;
      await pause(retryMs);
    }
  }
  releaseTask(taskId);
}

/** Skips a galaxy after a short time for undo; `onFinal` is called after that. */
export function useSkip(onFinal: () => void) {
  const waiting = useRef<{ session: Session; timer: ReturnType<typeof setTimeout> } | null>(null);
  const latest = useRef(onFinal);
  useEffect(() => {
    latest.current = onFinal;
  });

  const settle = useCallback(() => {
    const skipped = waiting.current;
    if (!skipped) return;
    waiting.current = null;
    clearTimeout(skipped.timer);
    latest.current();
    void tell(skipped.session.task.id);
  }, []);
  const skip = useCallback(
    (session: Session) => {
      settle();
      waiting.current = { session, timer: setTimeout(settle, SKIP_UNDO_MS) };
    },
    [settle],
  );
  const takeBack = useCallback((): Session | null => {
    const skipped = waiting.current;
    waiting.current = null;
    clearTimeout(skipped?.timer);
    return skipped?.session ?? null;
  }, []);

  useEffect(() => {
    window.addEventListener("pagehide", settle);
    return () => {
      window.removeEventListener("pagehide", settle);
      settle();
    };
  }, [settle]);
  return useMemo(() => ({ skip, takeBack }), [skip, takeBack]);
}
