/** Saves the state of a comparison, so that its place and remark survive a reload, another page or a closed tab. */

import type { Task } from "@/lib/api/types";
import { forgetInHand, keepInHand, keptInHand } from "@/lib/handStore";
import { withRow } from "../rules/panels";
import { isUntouched, rowOf, type Session, startSession } from "./session";

const VERSION = 1;

interface Kept {
  version: number;
  /** Identifies the standards and their order: with others the saved place would have another meaning. */
  orders: string;
  work: Omit<Session, "task">;
}

/** A short hash of a task's pools (FNV-1a). */
function sumOf({ sources, orders }: Task): string {
  let sum = 0x811c9dc5;
  for (const character of JSON.stringify([sources, orders])) sum = Math.imul(sum ^ character.charCodeAt(0), 0x01000193);
  return (sum >>> 0).toString(36);
}

export function keepSession(volunteer: string, session: Session): void {
  const { task, ...work } = session;
  if (isUntouched(session)) forgetInHand(volunteer, task.id);
  else keepInHand(volunteer, task.id, { version: VERSION, orders: sumOf(task), work } satisfies Kept);
}

function isKept(kept: unknown): kept is Kept {
  if (typeof kept !== "object" || kept === null) return false;
  const { version, work } = kept as Kept;
  if (version !== VERSION || typeof work !== "object" || work === null) return false;
  const { place, slot, slots, draws, steps, zoom, rotationDeg, flip, own, remarks } = work;
  const isPlace = place?.step === "A" || (place?.step === "B" && Number.isInteger(place.window));
  const isWhole = [slots, own, draws?.next, draws?.shown?.A, draws?.shown?.B].every((part) => typeof part === "object" && part !== null);
  const isSeen = Number.isFinite(zoom) && zoom > 0 && Number.isFinite(rotationDeg) && typeof flip === "boolean";
  return isPlace && isWhole && isSeen && Number.isInteger(slot) && slot >= 0 && Array.isArray(steps) && Array.isArray(remarks?.reasons) && typeof remarks.comment === "string";
}

/** The saved session of a task on this device, or a new one. */
export function sessionOf(volunteer: string, task: Task): Session {
  const fresh = startSession(task);
  const kept = keptInHand(volunteer, task.id);
  if (!isKept(kept) || kept.orders !== sumOf(task)) return fresh;
  const { work } = kept;
  const session: Session = { ...fresh, ...work, draws: withRow(task, work.draws, work.place), motion: "none" };
  const row = rowOf(session);
  return row.length > 0 && session.slot <= row.length ? session : fresh;
}
