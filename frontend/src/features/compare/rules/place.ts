/** The position of the target, in words. */

import { LAST_WINDOW, type Place } from "./grid";
import type { Panel } from "./panels";
import { outcomeOf } from "./transitions";

type Row = readonly Pick<Panel, "bin" | "degrees">[];

/** The caption under the target: "60° – 65°", "more face-on than 45°", "edge-on, 85° or more". */
export function caption(row: Row, slot: number, place: Place): string {
  const left = row[slot - 1];
  const right = row[slot];
  if (left && right) return left.degrees === right.degrees ? `${left.degrees}°` : `${left.degrees}° – ${right.degrees}°`;
  if (right) return `more face-on than ${right.degrees}°`;
  if (!left) return "no standards here";
  if (place.step === "A") return `edge-on, ${left.degrees}° or more`;
  return place.window === LAST_WINDOW ? "90°" : `more edge-on than ${left.degrees}°`;
}

/** The short caption under the target in the strip. */
export function shortCaption(row: Row, slot: number, place: Place): string {
  const left = row[slot - 1];
  const right = row[slot];
  if (left && right) return "here";
  if (right) return place.step === "B" && outcomeOf(row, slot, place).kind !== "face_on" ? `< ${right.degrees}°` : "face-on";
  if (!left) return "here";
  return place.step === "B" && place.window === LAST_WINDOW ? "90°" : place.step === "A" ? "edge-on" : `> ${left.degrees}°`;
}

/** For screen readers: the neighbours and the slot's number. */
export function spoken(row: Row, slot: number, place: Place): string {
  const left = row[slot - 1];
  const right = row[slot];
  const ordinal = `slot ${slot + 1} of ${row.length + 1}`;
  if (left && right) return `target between the ${left.degrees} degree and the ${right.degrees} degree standard, ${ordinal}`;
  if (right) return `target more face-on than the ${right.degrees} degree standard, ${ordinal}`;
  if (left) {
    const isEnd = place.step === "B" && place.window === LAST_WINDOW;
    return `target ${isEnd ? "edge-on, beyond" : "more edge-on than"} the ${left.degrees} degree standard, ${ordinal}`;
  }
  return "no standards in this window";
}

/** The label of the main button. */
export function actionLabel(row: Row, slot: number, place: Place): string {
  const outcome = outcomeOf(row, slot, place);
  if (outcome.kind === "slide") return outcome.direction === -1 ? "Show more face-on" : "Show more edge-on";
  if (outcome.kind === "face_on") return "It is face-on";
  return outcome.kind === "step_b" ? "It belongs here" : "That's my answer";
}
