/** The result of confirming a slot: step B, a shifted window, or the end with an inclination or face-on. */

import { FIRST_BIN, FIRST_WINDOW, LAST_BIN, LAST_WINDOW, type Place, slideWindow, stepBWindow } from "./grid";
import type { Panel } from "./panels";

export type Outcome =
  | { readonly kind: "step_b"; readonly window: number }
  | { readonly kind: "slide"; readonly window: number; readonly direction: -1 | 1 }
  | { readonly kind: "accepted"; readonly inclinationDeg: number }
  | { readonly kind: "face_on" };

type Row = readonly Pick<Panel, "bin" | "degrees">[];

function outcomeOfA(row: Row, slot: number): Outcome {
  const left = row[slot - 1];
  if (left) return { kind: "step_b", window: stepBWindow(left.degrees) };
  return row[0]?.bin === FIRST_BIN ? { kind: "face_on" } : { kind: "step_b", window: FIRST_WINDOW };
}

function outcomeOfB(row: Row, slot: number, window: number): Outcome {
  const left = row[slot - 1];
  const right = row[slot];
  if (left && right) return { kind: "accepted", inclinationDeg: (left.degrees + right.degrees) / 2 };
  if (slot === 0) {
    // Face-on begins below 45°: if no standard shows 45°, the end of the grid replaces the missing neighbour.
    if (window === FIRST_WINDOW && right && right.bin !== FIRST_BIN) return { kind: "accepted", inclinationDeg: (FIRST_BIN + right.degrees) / 2 };
    if (window === FIRST_WINDOW) return { kind: "face_on" };
    return { kind: "slide", window: slideWindow(window, -1), direction: -1 };
  }
  if (window === LAST_WINDOW) return { kind: "accepted", inclinationDeg: LAST_BIN };
  return { kind: "slide", window: slideWindow(window, 1), direction: 1 };
}

/** What confirming `slot` (0 … number of visible panels) means at a place. */
export function outcomeOf(row: Row, slot: number, place: Place): Outcome {
  return place.step === "A" ? outcomeOfA(row, slot) : outcomeOfB(row, slot, place.window);
}

/** Where the target starts in step A: the middle gap. */
export function firstSlot(row: Row): number {
  return Math.floor((row.length + 1) / 2);
}

/** The slot of the target when step B opens around the interval that begins at `leftDeg`: the middle of that interval. */
export function slotInWindow(row: Row, leftDeg: number): number {
  return row.filter((panel) => panel.bin <= leftDeg + 2).length;
}

/** The slot at the same inclination after the window has shifted from `from`. */
export function slotAfterSlide(row: Row, from: number, direction: -1 | 1): number {
  const last = from + 8;
  return row.filter((panel) => (direction === -1 ? panel.bin < from : panel.bin <= last)).length;
}
