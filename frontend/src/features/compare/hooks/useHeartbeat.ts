import { type Dispatch, useEffect, useRef } from "react";
import { ApiError } from "@/lib/api/client";
import { renewTask } from "../api";
import type { DeckAction } from "../state/deck";
import type { Session } from "../state/session";

const LOOK_EVERY_MS = 30_000;
const RENEW_BEFORE_S = 6 * 60;
/** The codes by which our server says that a lease has ended; after any other failure the next heartbeat tries again. */
const LOST = new Set(["lease_lost", "already_voted", "not_found"]);

/** When the page received a lease, and how long it lasts from then: only differences of this browser's clock are used. */
export interface Hold {
  dueAt: string;
  heardAtMs: number;
  lastsS: number;
}

/** Whether a lease should be renewed; also if the clock was set back, because then its age is unknown. */
export function needsRenewal(hold: Hold, nowMs: number): boolean {
  const passedS = (nowMs - hold.heardAtMs) / 1000;
  return passedS < 0 || hold.lastsS - passedS < RENEW_BEFORE_S;
}

/** Renews the leases while the page is open and visible. */
export function useHeartbeat(
  sessions: readonly Session[],
  dispatch: Dispatch<DeckAction>,
  onLost: (session: Session) => void,
  onStranger: () => void,
): void {
  const latest = useRef({ sessions, onLost, onStranger });
  const holds = useRef(new Map<string, Hold>());
  const lost = useRef(new Set<string>());
  /** Galaxies saved on this device whose lease has been asked for; later the heartbeat asks. */
  const asked = useRef(new Set<string>());
  const renewing = useRef<(session: Session) => Promise<void>>(undefined);
  useEffect(() => {
    latest.current = { sessions, onLost, onStranger };
    const known = holds.current;
    holds.current = new Map(
      sessions.map(({ task }) => {
        const hold = known.get(task.id);
        return [task.id, hold?.dueAt === task.due_at ? hold : { dueAt: task.due_at, heardAtMs: Date.now(), lastsS: task.due_in_s }];
      }),
    );
    for (const session of sessions) {
      const { id, due_in_s } = session.task;
      if (due_in_s > 0 || asked.current.has(id) || !renewing.current) continue;
      asked.current.add(id);
      void renewing.current(session);
    }
  });

  useEffect(() => {
    const renew = async (session: Session) => {
      const { id } = session.task;
      try {
        const { due_at, due_in_s } = await renewTask(id);
        lost.current.delete(id);
        dispatch({ kind: "renewed", taskId: id, dueAt: due_at, dueInS: due_in_s });
      } catch (error) {
        const code = error instanceof ApiError ? error.code : "";
        if (code === "other_person" || code === "not_authenticated") latest.current.onStranger();
        if (!LOST.has(code) || lost.current.has(id)) return;
        // The vote still counts if there is a free place.
        lost.current.add(id);
        latest.current.onLost(session);
      }
    };
    renewing.current = renew;
    const beat = (isReturning: boolean) => {
      if (document.visibilityState !== "visible") return;
      for (const session of latest.current.sessions) {
        const { id } = session.task;
        const hold = holds.current.get(id);
        if (isReturning || (!lost.current.has(id) && hold && needsRenewal(hold, Date.now()))) void renew(session);
      }
    };
    const timer = setInterval(() => beat(false), LOOK_EVERY_MS);
    const look = () => beat(false);
    // A page restored from the back/forward cache has given its galaxies back when it was left.
    const comeBack = (event: PageTransitionEvent) => beat(event.persisted);
    document.addEventListener("visibilitychange", look);
    window.addEventListener("online", look);
    window.addEventListener("pageshow", comeBack);
    return () => {
      clearInterval(timer);
      document.removeEventListener("visibilitychange", look);
      window.removeEventListener("online", look);
      window.removeEventListener("pageshow", comeBack);
    };
  }, [dispatch]);
}
