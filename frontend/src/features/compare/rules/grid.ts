/** The ruler's steps, as in standards/grid.py: step A every five degrees, step B nine bins one degree apart. */

export const STEP_A_BINS: readonly number[] = [45, 50, 55, 60, 65, 70, 75, 80, 85];
export const FIRST_BIN = 45;
export const LAST_BIN = 90;
export const WINDOW_PANELS = 9;
export const FIRST_WINDOW = FIRST_BIN;
export const LAST_WINDOW = LAST_BIN - WINDOW_PANELS + 1;
const WINDOW_OVERLAP_DEG = 2;
const SLIDE_DEG = 4;

export type Place = { readonly step: "A" } | { readonly step: "B"; readonly window: number };

function clipWindow(window: number): number {
  return Math.min(Math.max(window, FIRST_WINDOW), LAST_WINDOW);
}

/** The window of step B for the interval whose low edge is `leftDeg`: it begins two degrees lower on purpose. */
export function stepBWindow(leftDeg: number): number {
  return clipWindow(leftDeg - WINDOW_OVERLAP_DEG);
}

export function slideWindow(window: number, direction: -1 | 1): number {
  return clipWindow(window + direction * SLIDE_DEG);
}

/** The nine grid bins of a row of panels, low to high. */
export function binsOf(place: Place): readonly number[] {
  return place.step === "A" ? STEP_A_BINS : Array.from({ length: WINDOW_PANELS }, (_, index) => place.window + index);
}
