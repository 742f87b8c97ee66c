/** The record of a comparison for the server: rows, draws and slots, never an inclination. */

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
 * Adds a step. If there are too many, the oldest rounds are dropped, then the loops of this one. The rest
 * can always be replayed: each round begins with a step A, and a repeated row leads to the same next row.
 */
export function addStep(steps: readonly TraceStep[], step: TraceStep): TraceStep[] {
  const all = [...steps, step];
  if (all.length <= MAX_STEPS) return all;
  const start = all.findIndex((candidate, index) => index >= all.length - MAX_STEPS && candidate.step === "A");
  return start === -1 ? withoutLoops(all.slice(all.findLastIndex((candidate) => candidate.step === "A"))) : all.slice(start);
}

/** A round without the steps between two visits of the same window: at most a step A and 38 windows. */
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
