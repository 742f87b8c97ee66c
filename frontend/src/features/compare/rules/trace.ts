/** What the browser tells the server of a judgement: rows, draws and slots; never an inclination. */

import type { Place } from "./grid";
import { type Draws, drawsOfRow, type Pools } from "./panels";

export interface TraceStepA {
  step: "A";
  draws: (number | null)[];
  slot: number;
}
export interface TraceStepB {
  step: "B";
  window: number;
  draws: (number | null)[];
  slot: number;
}
export type TraceStep = TraceStepA | TraceStepB;
export interface Trace {
  version: 1;
  steps: TraceStep[];
}

export const MAX_STEPS = 60;

export function traceStep(pools: Pools, draws: Draws, place: Place, slot: number): TraceStep {
  const row = drawsOfRow(pools, draws, place);
  return place.step === "A" ? { step: "A", draws: row, slot } : { step: "B", window: place.window, draws: row, slot };
}

/**
 * Adds a step; whoever goes back and forth for ever loses the oldest rounds, then the loops of this one. What is left
 * always replays: each round begins with a step A, and a row that comes again leads on as it did the first time.
 */
export function addStep(steps: readonly TraceStep[], step: TraceStep): TraceStep[] {
  const all = [...steps, step];
  if (all.length <= MAX_STEPS) return all;
  const start = all.findIndex((candidate, index) => index >= all.length - MAX_STEPS && candidate.step === "A");
  return start === -1 ? withoutLoops(all.slice(all.findLastIndex((candidate) => candidate.step === "A"))) : all.slice(start);
}

/** A round without what lies between two visits of one window: at most a step A and 38 windows. */
function withoutLoops(round: readonly TraceStep[]): TraceStep[] {
  const path: TraceStep[] = [];
  for (const step of round) {
    const before = path.findIndex((known) => windowOf(known) === windowOf(step));
    path.splice(before === -1 ? path.length : before, path.length, step);
  }
  return path;
}

const windowOf = (step: TraceStep): number | null => (step.step === "B" ? step.window : null);

export function buildTrace(steps: readonly TraceStep[]): Trace {
  return { version: 1, steps: [...steps] };
}
