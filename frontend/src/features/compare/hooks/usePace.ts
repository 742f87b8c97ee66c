import { useEffect, useLayoutEffect, useRef, useState, useSyncExternalStore } from "react";
import { Pace } from "../state/pace";
import type { Session } from "../state/session";
import type { Labelling } from "./useLabelling";

const rowName = ({ task, place }: Session): string => `${task.id} ${place.step === "A" ? "A" : place.window}`;

/** Decides when Enter counts (see `Pace`) for the galaxy on the screen; a queued Enter is executed once its pictures are ready. */
export function usePace({ current, isChanging, confirm }: Labelling, isReady: boolean) {
  const [pace] = useState(() => new Pace());
  const mood = useSyncExternalStore(pace.watch, pace.mood);
  const shown = current ? rowName(current) : "";
  const answer = useRef(confirm);
  // A layout effect, because a key pressed immediately after a change must see the new state.
  useLayoutEffect(() => {
    answer.current = confirm;
    pace.show(shown, isReady, isChanging);
    if (pace.takeKept()) answer.current();
  }, [pace, shown, isReady, isChanging, confirm]);
  useEffect(() => () => pace.stop(), [pace]);
  return { pace, mood };
}
