import { useCallback, useState } from "react";
import { FIRST_MARK, type Mark, markAfter, markNow } from "../rules/tour";
import type { Session } from "../state/session";

/** Set on this device once the tour was finished or left. */
const SEEN = "giz-tour-seen";

function wasSeen(): boolean {
  try {
    return localStorage.getItem(SEEN) !== null;
  } catch {
    // A browser that forbids storage would show the tour at every visit.
    return true;
  }
}

function noteSeen(): void {
  try {
    localStorage.setItem(SEEN, "1");
  } catch {
    // Then a vote ends it: the tour is for people without any.
  }
}

/** A tour of one galaxy: its mark, and where the galaxy was when the mark appeared. */
interface Running {
  taskId: string | null;
  mark: Mark;
  from: number;
}

/** The tour of one galaxy. It changes nothing of the comparison; it ends with the galaxy, or when it is left. */
export function useTour(current: Session | null, isNewcomer: boolean) {
  const [running, setRunning] = useState<Running | null>(() => (isNewcomer && !wasSeen() ? { taskId: null, mark: FIRST_MARK, from: 0 } : null));
  const taskId = current?.task.id ?? null;
  const slot = current?.slot ?? 0;
  // The tour of a newcomer belongs to the first galaxy that comes.
  if (running?.taskId === null && taskId !== null) setRunning({ ...running, taskId, from: slot });
  const mark = running && current && running.taskId === taskId ? markNow(running.mark, { hasMoved: slot !== running.from, step: current.place.step }) : null;

  const start = useCallback(() => setRunning({ taskId, mark: FIRST_MARK, from: slot }), [taskId, slot]);
  const end = useCallback(() => {
    noteSeen();
    setRunning(null);
  }, []);
  const next = useCallback(() => {
    const following = mark && markAfter(mark);
    if (following) setRunning({ taskId, mark: following, from: slot });
    else end();
  }, [mark, taskId, slot, end]);
  return { mark, start, next, end };
}

export type Tour = ReturnType<typeof useTour>;
