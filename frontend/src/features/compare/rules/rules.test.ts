import { describe, expect, it } from "vitest";
import { binsOf, type Place, slideWindow, stepBWindow } from "./grid";
import { type Draws, drawsOfRow, hasOther, MAX_DRAW, NO_DRAWS, panelsAt, type Pools, redraw, withRow } from "./panels";
import { actionLabel, caption, shortCaption, spoken } from "./place";
import { addStep, buildTrace, MAX_STEPS, type TraceStep, traceStep } from "./trace";
import { firstSlot, outcomeOf, slotAfterSlide, slotInWindow } from "./transitions";
import { clampZoom, DEFAULT_CROP, typicalZoom, zoomBy, zoomCorrection } from "./zoom";

const A: Place = { step: "A" };
const B = (window: number): Place => ({ step: "B", window });

/** Pools as the server sends them: `perBin` standards in each filled bin, ids bin·100 + n, empties filled within 2°. */
function poolsOf(filled: readonly number[], perBin = 4): Pools {
  const sources: Record<string, number> = {};
  for (let bin = 45; bin <= 90; bin += 1) {
    const nearest = [0, -1, 1, -2, 2].map((d) => bin + d).find((candidate) => filled.includes(candidate));
    if (nearest !== undefined) sources[bin] = nearest;
  }
  const orders = Object.fromEntries(filled.map((bin) => [bin, Array.from({ length: perBin }, (_, n) => bin * 100 + n)]));
  return { sources, orders };
}
const EVERY_BIN = Array.from({ length: 46 }, (_, index) => 45 + index);
const FULL = poolsOf(EVERY_BIN);
const rowAt = (pools: Pools, place: Place, draws: Draws = NO_DRAWS) => panelsAt(pools, withRow(pools, draws, place), place);

describe("the windows of step B", () => {
  it.each([
    [45, 45], [46, 45], [47, 45], [48, 46], [50, 48], [60, 58], [80, 78], [84, 82], [85, 82],
  ])("an interval from %i° unfolds at %i", (left, window) => expect(stepBWindow(left)).toBe(window));

  it.each([
    [58, -1, 54], [58, 1, 62], [46, -1, 45], [45, -1, 45], [80, 1, 82], [82, 1, 82], [78, 1, 82], [79, 1, 82],
  ] as const)("window %i slid by %i becomes %i, at most to the end of the grid", (window, direction, slid) =>
    expect(slideWindow(window, direction)).toBe(slid));

  it("nine bins a row", () => {
    expect(binsOf(A)).toEqual([45, 50, 55, 60, 65, 70, 75, 80, 85]);
    expect(binsOf(B(82))).toEqual([82, 83, 84, 85, 86, 87, 88, 89, 90]);
  });
});

describe("what confirming a slot means, on a full grid", () => {
  it.each([
    [A, 0, { kind: "face_on" }],
    [A, 1, { kind: "step_b", window: 45 }],
    [A, 4, { kind: "step_b", window: 58 }],
    [A, 8, { kind: "step_b", window: 78 }],
    [A, 9, { kind: "step_b", window: 82 }],
    [B(58), 1, { kind: "accepted", inclinationDeg: 58.5 }],
    [B(58), 8, { kind: "accepted", inclinationDeg: 65.5 }],
    [B(58), 0, { kind: "slide", window: 54, direction: -1 }],
    [B(58), 9, { kind: "slide", window: 62, direction: 1 }],
    [B(45), 0, { kind: "face_on" }],
    [B(45), 1, { kind: "accepted", inclinationDeg: 45.5 }],
    [B(47), 0, { kind: "slide", window: 45, direction: -1 }],
    [B(82), 8, { kind: "accepted", inclinationDeg: 89.5 }],
    [B(82), 9, { kind: "accepted", inclinationDeg: 90 }],
    [B(81), 9, { kind: "slide", window: 82, direction: 1 }],
  ] as const)("%o slot %i", (place, slot, outcome) => expect(outcomeOf(rowAt(FULL, place), slot, place)).toEqual(outcome));
});

describe("bins that are missing", () => {
  const holes = poolsOf([47, 49, 50, 53, 60, 64, 65, 70, 75, 80, 83]);

  it("fills a bin from within two degrees and shows those degrees", () => {
    expect(rowAt(holes, A).map(({ bin, degrees }) => [bin, degrees])).toEqual([
      [45, 47], [50, 50], [55, 53], [60, 60], [65, 65], [70, 70], [75, 75], [80, 80], [85, 83],
    ]);
  });
  it("counts its degrees, not the grid's, in the result and the window", () => {
    const row = rowAt(holes, A);
    expect(outcomeOf(row, 1, A)).toEqual({ kind: "step_b", window: 45 });
    expect(outcomeOf(row, 9, A)).toEqual({ kind: "step_b", window: 81 });
    const b = rowAt(holes, B(58));
    expect(b.map((panel) => panel.degrees)).toEqual([60, 60, 60, 60, 60, 64, 64, 65, 65]);
    expect(outcomeOf(b, 5, B(58))).toEqual({ kind: "accepted", inclinationDeg: 62 });
    expect(outcomeOf(b, 2, B(58))).toEqual({ kind: "accepted", inclinationDeg: 60 });
  });
  it("leaves a panel out where nothing is near; slots count only what is visible", () => {
    const pools = poolsOf([60, 65, 70]);
    const row = rowAt(pools, A);
    expect(row.map((panel) => panel.bin)).toEqual([60, 65, 70]);
    expect(outcomeOf(row, 0, A)).toEqual({ kind: "step_b", window: 45 });
    expect(outcomeOf(row, 3, A)).toEqual({ kind: "step_b", window: 68 });
    expect(drawsOfRow(pools, withRow(pools, NO_DRAWS, A), A)).toEqual([null, null, null, 0, 0, 0, null, null, null]);
  });
  it.each([
    [45, { kind: "face_on" }], [47, { kind: "face_on" }], [48, { kind: "accepted", inclinationDeg: 46.5 }], [50, { kind: "accepted", inclinationDeg: 47.5 }],
  ] as const)("left of the lowest window, filled from %i° on [review 20]", (first, outcome) => {
    const row = rowAt(poolsOf(EVERY_BIN.filter((bin) => bin >= first)), B(45));
    expect(outcomeOf(row, 0, B(45))).toEqual(outcome);
    expect(shortCaption(row, 0, B(45))).toBe(outcome.kind === "face_on" ? "face-on" : `< ${first}°`);
  });
  it("a window without any standard can only be slid or left", () => {
    const pools = poolsOf([80, 85, 90]);
    expect(rowAt(pools, B(45))).toEqual([]);
    expect(outcomeOf([], 0, B(50))).toEqual({ kind: "slide", window: 46, direction: -1 });
    expect(caption([], 0, B(50))).toBe("no standards here");
  });
  it("a source without any standard left (the target's own) is no panel", () => {
    const pools: Pools = { sources: { 45: 45, 50: 50 }, orders: { 45: [], 50: [7] } };
    expect(rowAt(pools, A).map((panel) => panel.bin)).toEqual([50]);
  });
});

describe("draws", () => {
  it("takes 0 first, and a new draw when step B shows a bin that step A showed", () => {
    const draws = withRow(FULL, withRow(FULL, NO_DRAWS, A), B(58));
    expect(drawsOfRow(FULL, draws, A)).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0]);
    expect(drawsOfRow(FULL, draws, B(58))).toEqual([0, 0, 1, 0, 0, 0, 0, 1, 0]);
  });
  it("panels that share a source bin show different standards while it has enough", () => {
    const pools = poolsOf([60, 65], 2);
    const draws = withRow(pools, NO_DRAWS, B(58));
    const row = panelsAt(pools, draws, B(58));
    expect(row.filter((panel) => panel.degrees === 60).map((panel) => panel.draw)).toEqual([0, 1, 2, 3, 4]);
    const roomy = poolsOf([60, 65], 6);
    const ids = rowAt(roomy, B(58)).map((panel) => panel.standardId);
    expect(new Set(ids).size).toBe(ids.length);
  });
  it("keeps the draws of the panels that stay when the window slides, and of step A when stepping back", () => {
    let draws = withRow(FULL, NO_DRAWS, A);
    draws = redraw(FULL, draws, A, [60]);
    const before = drawsOfRow(FULL, draws, A);
    draws = redraw(FULL, withRow(FULL, draws, B(58)), B(58), [64]);
    const kept = drawsOfRow(FULL, draws, B(58)).slice(4);
    draws = withRow(FULL, draws, B(62));
    expect(drawsOfRow(FULL, draws, B(62)).slice(0, 5)).toEqual(kept);
    draws = withRow(FULL, draws, A);
    expect(drawsOfRow(FULL, draws, A)).toEqual(before);
  });
  it("never shows a standard twice in a task while its bin has another", () => {
    let draws = withRow(FULL, NO_DRAWS, A);
    const seen = new Set(panelsAt(FULL, draws, A).map((panel) => panel.standardId));
    for (const [place, bins] of [[A, [60]], [B(58), [60]]] as const) {
      draws = redraw(FULL, withRow(FULL, draws, place), place, bins);
      const panel = panelsAt(FULL, draws, place).find(({ bin }) => bin === 60);
      expect(seen.has(panel?.standardId ?? 0)).toBe(false);
      seen.add(panel?.standardId ?? 0);
    }
  });
  it("never asks for a draw that the server would not read, and still shows the next standard", () => {
    let draws: Draws = { next: { 45: 9_996 }, shown: { A: { 45: 9_995 }, B: {} } };
    const seen: number[] = [];
    for (let number = 0; number < 6; number += 1) {
      draws = redraw(FULL, draws, A, [45]);
      const panel = panelsAt(FULL, draws, A)[0];
      expect(panel?.draw).toBeLessThan(MAX_DRAW);
      seen.push(panel?.standardId ?? 0);
    }
    expect(seen).toEqual([4500, 4501, 4502, 4503, 4500, 4501]);
  });
  it("redraws only the panels that were asked for", () => {
    const draws = withRow(FULL, NO_DRAWS, A);
    const all = redraw(FULL, draws, A, [45, 50, 55, 65, 70, 75, 80, 85]);
    expect(drawsOfRow(FULL, all, A)).toEqual([1, 1, 1, 0, 1, 1, 1, 1, 1]);
  });
  it("skips the standard that a sharing neighbour shows when a small bin begins again", () => {
    const pools = poolsOf([60], 2);
    let draws = withRow(pools, NO_DRAWS, B(59));
    for (let round = 0; round < 5; round += 1) {
      draws = redraw(pools, draws, B(59), [59]);
      expect(panelsAt(pools, draws, B(59))).toHaveLength(4);
    }
    const three = poolsOf([60, 75], 4);
    let row = withRow(three, NO_DRAWS, B(61));
    for (let round = 0; round < 9; round += 1) {
      row = redraw(three, row, B(61), [61]);
      const ids = panelsAt(three, row, B(61)).map((panel) => panel.standardId);
      expect(new Set(ids).size).toBe(ids.length);
    }
  });
  it("says when a bin has no other", () => {
    const pools = poolsOf([60, 65, 70], 1);
    expect(rowAt(pools, A).map((panel) => hasOther(pools, panel))).toEqual([false, false, false]);
    expect(rowAt(FULL, A).every((panel) => hasOther(FULL, panel))).toBe(true);
  });
});

describe("where the target stands", () => {
  it.each([[9, 5], [8, 4], [3, 2], [1, 1]])("starts in the middle of %i panels: slot %i", (count, slot) =>
    expect(firstSlot(Array.from({ length: count }, (_, n) => ({ bin: n, degrees: n })))).toBe(slot));
  it("unfolds in the middle of the interval and stays at its place when the window slides", () => {
    expect(slotInWindow(rowAt(FULL, B(58)), 60)).toBe(5);
    expect(slotInWindow(rowAt(FULL, B(45)), 45)).toBe(3);
    expect(slotAfterSlide(rowAt(FULL, B(54)), 58, -1)).toBe(4);
    expect(slotAfterSlide(rowAt(FULL, B(62)), 58, 1)).toBe(5);
    expect(slotAfterSlide(rowAt(FULL, B(82)), 80, 1)).toBe(7);
  });
  it.each([
    [A, 4, "60° – 65°", "here", "It belongs here"],
    [A, 0, "more face-on than 45°", "face-on", "It is face-on"],
    [A, 9, "edge-on, 85° or more", "edge-on", "It belongs here"],
    [B(58), 2, "59° – 60°", "here", "That's my answer"],
    [B(58), 0, "more face-on than 58°", "< 58°", "Show more face-on"],
    [B(58), 9, "more edge-on than 66°", "> 66°", "Show more edge-on"],
    [B(45), 0, "more face-on than 45°", "face-on", "It is face-on"],
    [B(82), 9, "90°", "90°", "That's my answer"],
  ] as const)("%o slot %i reads %s", (place, slot, long, short, action) => {
    const row = rowAt(FULL, place);
    expect([caption(row, slot, place), shortCaption(row, slot, place), actionLabel(row, slot, place)]).toEqual([long, short, action]);
  });
  it("is spoken with its slot", () => {
    expect(spoken(rowAt(FULL, A), 4, A)).toBe("target between the 60 degree and the 65 degree standard, slot 5 of 10");
    expect(spoken(rowAt(FULL, A), 0, A)).toBe("target more face-on than the 45 degree standard, slot 1 of 10");
    expect(spoken(rowAt(FULL, B(82)), 9, B(82))).toBe("target edge-on, beyond the 90 degree standard, slot 10 of 10");
  });
});

/** Where each step of a trace leads, as the server replays it. */
function windowsThatFollow(steps: readonly TraceStep[]): (number | string)[] {
  return steps.map((step) => {
    const place = step.step === "A" ? A : B(step.window);
    const outcome = outcomeOf(rowAt(FULL, place), step.slot, place);
    return "window" in outcome ? outcome.window : outcome.kind;
  });
}

describe("the trace", () => {
  it("holds rows, draws and slots, never an inclination", () => {
    let draws = withRow(FULL, NO_DRAWS, A);
    const steps = addStep([], traceStep(FULL, draws, A, 4));
    draws = withRow(FULL, draws, B(58));
    expect(buildTrace(addStep(steps, traceStep(FULL, draws, B(58), 5)))).toEqual({
      version: 1,
      steps: [
        { step: "A", draws: [0, 0, 0, 0, 0, 0, 0, 0, 0], slot: 4 },
        { step: "B", window: 58, draws: [0, 0, 1, 0, 0, 0, 0, 1, 0], slot: 5 },
      ],
    });
  });
  it("drops the oldest rounds beyond sixty steps and still begins with step A", () => {
    const a: TraceStep = { step: "A", draws: [], slot: 1 };
    const b: TraceStep = { step: "B", window: 45, draws: [], slot: 1 };
    let steps: TraceStep[] = [];
    for (let round = 0; round < 50; round += 1) steps = addStep(addStep(addStep(steps, a), b), b);
    expect(steps.length).toBeLessThanOrEqual(MAX_STEPS);
    expect(steps[0]?.step).toBe("A");
    expect(steps.at(-1)).toBe(b);
  });
  it.each([1, 2, 3, 4, 5])("still replays after three hundred slides to and fro (walk %i)", (walk) => {
    let draws = withRow(FULL, NO_DRAWS, A);
    let place: Place = A;
    let steps: TraceStep[] = [];
    for (let number = 0; number < 300; number += 1) {
      const row = panelsAt(FULL, draws, place);
      const isLeft = place.step === "B" && (place.window === 82 || (place.window > 45 && (number * walk) % 7 < 3));
      const slot = place.step === "A" ? 1 + walk : isLeft ? 0 : row.length;
      const outcome = outcomeOf(row, slot, place);
      if (outcome.kind !== "slide" && outcome.kind !== "step_b") throw new Error("the walk has ended");
      steps = addStep(steps, traceStep(FULL, draws, place, slot));
      place = B(outcome.window);
      draws = withRow(FULL, draws, place);
      const trace = addStep(steps, traceStep(FULL, draws, place, 4));
      expect(trace.length).toBeLessThanOrEqual(MAX_STEPS);
      expect(trace[0]?.step).toBe("A");
      expect(windowsThatFollow(trace.slice(0, -1))).toEqual(trace.slice(1).map((step) => step.step === "B" && step.window));
    }
  });
});

describe("zoom", () => {
  it.each([[1, 1, 1.2], [1.2, -1, 1], [8, 1, 8], [0.5, -1, 0.5], [0.83, 1, 1]])("%f by %i steps is %f", (zoom, steps, result) =>
    expect(zoomBy(zoom, steps)).toBe(result));
  it("keeps a number within its bounds", () => expect(clampZoom(100)).toBe(8));
  it.each([
    [1, [1, 1, 1], 1],
    [2.32, [1.69, 2.32, 2.58], 1],
    [2.58, [1.69, 2.15, 2.58], 1.2],
    [0.73, [2.1, 2.1, 2.3], 1 / DEFAULT_CROP],
    [3.9, [2.1, 2.1, 2.3], 1.6],
  ])("a standard with zoom %f in a set like %o is corrected by %f", (zoom, set, correction) =>
    expect(zoomCorrection(zoom, typicalZoom(set))).toBeCloseTo(correction, 5));
  it("a turned standard is never so small that its corners show", () => {
    expect(zoomCorrection(0.1, 1, 45) * DEFAULT_CROP).toBeCloseTo(Math.SQRT2, 5);
    expect(zoomCorrection(0.1, 1, -90) * DEFAULT_CROP).toBeCloseTo(1, 5);
    expect(zoomCorrection(1, 1, 45)).toBe(1);
  });
});
