import { useEffect, useRef } from "react";

/** Marks the one entry of the browser's history that the comparison has beyond the one it was opened with. */
const STEP_B = "giz-step-b";

const isOnExtraEntry = (): boolean => (window.history.state as { step?: unknown } | null)?.step === STEP_B;

/**
 * The browser's *back* in step B leads to step A, not away from the page: on a phone that is the natural gesture.
 *
 * The first step B adds an entry to the history, and every later one uses it again. Nothing goes back by itself when step B
 * ends: that would cancel a navigation that has just begun. So *back* in step A may land on the first entry; then it goes
 * one further, which is where the user wanted to go.
 */
export function useStepHistory(taskId: string | null, isStepB: boolean, stepBack: () => void): void {
  const latest = useRef({ isStepB, stepBack });
  useEffect(() => {
    latest.current = { isStepB, stepBack };
  });

  useEffect(() => {
    if (taskId !== null && isStepB && !isOnExtraEntry()) window.history.pushState({ step: STEP_B }, "");
  }, [taskId, isStepB]);

  useEffect(() => {
    // The browser would scroll back to where step A was left, with the next galaxy in front by then.
    window.history.scrollRestoration = "manual";
    return () => {
      window.history.scrollRestoration = "auto";
    };
  }, []);

  useEffect(() => {
    const path = window.location.pathname;
    const onPop = () => {
      // *Forward* onto the extra entry does nothing: the galaxy in front may be another one.
      if (window.location.pathname !== path || isOnExtraEntry()) return;
      if (latest.current.isStepB) latest.current.stepBack();
      else window.history.back();
    };
    window.addEventListener("popstate", onPop);
    return () => window.removeEventListener("popstate", onPop);
  }, []);
}
