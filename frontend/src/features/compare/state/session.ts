/** The state of one comparison: the position of the target, the draws, the display of the pictures. No React. */

import type { Band, Reason, Task } from "@/lib/api/types";
import type { Place } from "../rules/grid";
import { type Draws, NO_DRAWS, type Panel, panelsAt, redraw, withRow } from "../rules/panels";
import { addStep, buildTrace, type Trace, type TraceStep, traceStep } from "../rules/trace";
import { firstSlot, type Outcome, outcomeOf, slotAfterSlide, slotInWindow } from "../rules/transitions";

/** How one picture is shown. */
export interface View {
  band: Band;
  invert: boolean;
  zoom: number;
  rotationDeg: number;
  flip: boolean;
}

export interface Remarks {
  reasons: Reason[];
  comment: string;
}

/** The strip's last movement, for its animation. */
export type Motion = "none" | "unfold" | "fold" | "slide-left" | "slide-right";

export type PanelKey = "target" | number;
export type Side = "left" | "right";

export interface Session {
  readonly task: Task;
  readonly place: Place;
  readonly slot: number;
  /** The last slot in step A and in each window, for going back and forth. */
  readonly slots: Readonly<Record<string, number>>;
  readonly draws: Draws;
  readonly steps: readonly TraceStep[];
  /** Zoom, rotation and flip of the pictures that have no view of their own. */
  readonly zoom: number;
  readonly rotationDeg: number;
  readonly flip: boolean;
  readonly own: Readonly<Partial<Record<PanelKey, View>>>;
  readonly remarks: Remarks;
  readonly motion: Motion;
}

export const NO_REMARKS: Remarks = { reasons: [], comment: "" };

export function startSession(task: Task): Session {
  const place: Place = { step: "A" };
  const draws = withRow(task, NO_DRAWS, place);
  return {
    task,
    place,
    draws,
    slot: firstSlot(panelsAt(task, draws, place)),
    slots: {},
    steps: [],
    zoom: 1,
    rotationDeg: 0,
    flip: false,
    own: {},
    remarks: NO_REMARKS,
    motion: "none",
  };
}

/** Whether the comparison has not been changed yet. */
export function isUntouched({ task, place, slot, steps, remarks, draws, own, zoom, rotationDeg, flip }: Session): boolean {
  const first = startSession(task);
  const isSeenAsAtFirst = zoom === 1 && rotationDeg === 0 && !flip && Object.keys(own).length === 0;
  const hasRemark = remarks.reasons.length > 0 || remarks.comment !== "";
  return place.step === "A" && slot === first.slot && steps.length === 0 && !hasRemark && isSeenAsAtFirst && JSON.stringify(draws) === JSON.stringify(first.draws);
}

export const rowOf = (session: Session): Panel[] => panelsAt(session.task, session.draws, session.place);

export const outcomeNow = (session: Session): Outcome => outcomeOf(rowOf(session), session.slot, session.place);

export function neighbours(session: Session): Record<Side, Panel | null> {
  const row = rowOf(session);
  return { left: row[session.slot - 1] ?? null, right: row[session.slot] ?? null };
}

/** The trace so far, with the current step as its last. */
export function traceNow(session: Session): Trace {
  return buildTrace(addStep(session.steps, traceStep(session.task, session.draws, session.place, session.slot)));
}

export function placeAt(session: Session, slot: number): Session {
  const bounded = Math.min(Math.max(slot, 0), rowOf(session).length);
  return bounded === session.slot ? session : { ...session, slot: bounded, motion: "none" };
}

const slotKey = (place: Place): string => (place.step === "A" ? "A" : `B${place.window}`);

/** Leaves the current row, which becomes part of the trace, for another one. */
function moveTo(session: Session, place: Place, motion: Motion, slotIn: (row: Panel[]) => number): Session {
  const draws = withRow(session.task, session.draws, place);
  const row = panelsAt(session.task, draws, place);
  return {
    ...session,
    place,
    draws,
    motion,
    slot: Math.min(slotIn(row), row.length),
    slots: { ...session.slots, [slotKey(session.place)]: session.slot },
    steps: addStep(session.steps, traceStep(session.task, session.draws, session.place, session.slot)),
  };
}

/** Confirms the slot if it leads to another row; an answer that ends the task changes nothing here. */
export function confirm(session: Session): Session {
  const outcome = outcomeNow(session);
  if (outcome.kind === "step_b") {
    const place: Place = { step: "B", window: outcome.window };
    const leftDeg = neighbours(session).left?.degrees ?? outcome.window;
    const isSameSlot = session.slots.A === session.slot;
    const remembered = isSameSlot ? session.slots[slotKey(place)] : undefined;
    return moveTo(session, place, "unfold", (row) => remembered ?? slotInWindow(row, leftDeg));
  }
  if (outcome.kind === "slide" && session.place.step === "B") {
    const from = session.place.window;
    const motion = outcome.direction === -1 ? "slide-left" : "slide-right";
    return moveTo(session, { step: "B", window: outcome.window }, motion, (row) => slotAfterSlide(row, from, outcome.direction));
  }
  return session;
}

export function stepBack(session: Session): Session {
  if (session.place.step === "A") return session;
  return moveTo(session, { step: "A" }, "fold", () => session.slots.A ?? 0);
}

/** Other standards beside the target, or everywhere else in the row. */
export function drawOthers(session: Session, which: Side | "all"): Session {
  const row = rowOf(session);
  const bins = which === "all" ? row.map((panel) => panel.bin) : [neighbours(session)[which]?.bin].filter((bin) => bin !== undefined);
  if (bins.length === 0) return session;
  return { ...session, draws: redraw(session.task, session.draws, session.place, bins), motion: "none" };
}

export function keyOfPanel(session: Session, which: "target" | Side): PanelKey | null {
  return which === "target" ? "target" : (neighbours(session)[which]?.standardId ?? null);
}
