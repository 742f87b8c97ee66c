import { type Dispatch, useEffect, useRef } from "react";
import { ApiError } from "@/lib/api/client";
import { renewTask } from "../api/renewTask";
import type { DeckAction } from "../state/deck";
import type { Session } from "../state/session";

const LOOK_EVERY_MS = 30_000;
const RENEW_BEFORE_MS = 6 * 60_000;

/** Renews the leases while the page is open and looked at. */
export function useHeartbeat(sessions: readonly Session[], dispatch: Dispatch<DeckAction>, onLost: (session: Session) => void): void {
  const latest = useRef({ sessions, onLost });
  useEffect(() => {
    latest.current = { sessions, onLost };
  });

  useEffect(() => {
    const renew = async (session: Session) => {
      try {
        const { due_at } = await renewTask(session.task.id);
        dispatch({ kind: "renewed", taskId: session.task.id, dueAt: due_at });
      } catch (error) {
        // Unreachable: the next beat tries again. Lost: the vote still counts while there is a free place.
        if (error instanceof ApiError && (error.status === 409 || error.status === 404)) latest.current.onLost(session);
      }
    };
    const beat = () => {
      if (document.visibilityState !== "visible") return;
      const soon = Date.now() + RENEW_BEFORE_MS;
      for (const session of latest.current.sessions) {
        if (Date.parse(session.task.due_at) < soon) void renew(session);
      }
    };
    const timer = setInterval(beat, LOOK_EVERY_MS);
    document.addEventListener("visibilitychange", beat);
    return () => {
      clearInterval(timer);
      document.removeEventListener("visibilitychange", beat);
    };
  }, [dispatch]);
}
