/** The tour of the first galaxy: which mark comes when. Doing what a mark asks for leads on, and so does "Next". */

/** What a mark points at; CSS draws a ring around it. */
export type Mark = "target" | "neighbours" | "move" | "confirm" | "precise";

const ORDER: readonly Mark[] = ["target", "neighbours", "move", "confirm", "precise"];

export const FIRST_MARK: Mark = "target";

export const placeOf = (mark: Mark) => ({ number: ORDER.indexOf(mark) + 1, of: ORDER.length });

/** The next mark, or null after the last. */
export const markAfter = (mark: Mark): Mark | null => ORDER[ORDER.indexOf(mark) + 1] ?? null;

/** The mark after something was done: the galaxy was moved, or step A confirmed. */
export function markNow(mark: Mark, done: { hasMoved: boolean; step: "A" | "B" }): Mark {
  if (done.step === "B") return "precise";
  return mark === "move" && done.hasMoved ? "confirm" : mark;
}
