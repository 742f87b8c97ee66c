import { describe, expect, it } from "vitest";
import { FIRST_MARK, type Mark, markAfter, markNow, placeOf } from "./tour";

const A = { hasMoved: false, step: "A" } as const;

describe("the tour of the first galaxy", () => {
  it("goes through every mark once", () => {
    const seen: Mark[] = [];
    for (let mark: Mark | null = FIRST_MARK; mark; mark = markAfter(mark)) seen.push(mark);
    expect(seen).toEqual(["target", "neighbours", "move", "confirm", "precise"]);
    expect(seen.map((mark) => placeOf(mark).number)).toEqual([1, 2, 3, 4, 5]);
  });
  it.each<[Mark, Partial<Parameters<typeof markNow>[1]>, Mark]>([
    ["target", {}, "target"],
    ["target", { hasMoved: true }, "target"],
    ["move", { hasMoved: true }, "confirm"],
    ["move", {}, "move"],
    ["target", { step: "B" }, "precise"],
    ["confirm", { step: "B", hasMoved: true }, "precise"],
  ])("from %s, after %o: %s", (mark, done, next) => expect(markNow(mark, { ...A, ...done })).toBe(next));
});
