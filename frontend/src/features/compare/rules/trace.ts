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

/** Adds a step. Someone who goes back and forth for ever loses the oldest rounds: each round begins with a step A. */
export function addStep(steps: readonly TraceStep[], step: TraceStep): TraceStep[] {
  const all = [...steps, step];
  if (all.length <= MAX_STEPS) return all;
  const start = all.findIndex((candidate, index) => index >= all.length - MAX_STEPS && candidate.step === "A");
  return start === -1 ? all.slice(0, 1).concat(all.slice(1 - MAX_STEPS)) : all.slice(start);
}

export function buildTrace(steps: readonly TraceStep[]): Trace {
  return { version: 1, steps: [...steps] };
}
