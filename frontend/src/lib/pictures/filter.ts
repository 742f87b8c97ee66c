import type { Band } from "../api/types";

/** The CSS filter that inverts a picture. Rotating the hues back keeps a blue arm blue when colour is inverted. */
export function filterOf(band: Band | null, isInverted: boolean): string {
  if (!isInverted) return "none";
  return band === "gri" ? "invert(1) hue-rotate(180deg)" : "invert(1)";
}
