/**
 * The galaxies leased to this browser, saved on this device until they are judged: they are there at once after a reload, and
 * without a connection. A log-out clears them (`clearHand`), and a day does.
 *
 * The server keeps one task per person and galaxy, so that an answer still fits after its lease has ended.
 */

import type { Task } from "./api/types";
import { allInHand, forgetInHand, keepInHand } from "./handStore";

const PREFIX = "task:";
const nameOf = (taskId: string) => PREFIX + taskId;

interface Kept {
  /** The place in the queue of the page that saved it. */
  place: number;
  task: Task;
}

export function keepTasks(volunteer: string, tasks: readonly Task[]): void {
  tasks.forEach((task, place) => keepInHand(volunteer, nameOf(task.id), { place, task } satisfies Kept));
}

export const forgetTask = (volunteer: string, taskId: string): void => forgetInHand(volunteer, nameOf(taskId));

function isKept(value: unknown): value is Kept {
  if (typeof value !== "object" || value === null) return false;
  const { place, task } = value as Partial<Kept>;
  if (typeof place !== "number" || typeof task !== "object" || task === null) return false;
  const { id, campaign, standard_set, target, orders, sources } = task;
  const isTarget = typeof target === "object" && target !== null && typeof target.label === "string" && Array.isArray(target.sizes_px) && typeof target.image_path === "string";
  const isWhole = [orders, sources, target?.images].every((part) => typeof part === "object" && part !== null);
  return typeof id === "string" && typeof campaign === "string" && typeof standard_set === "number" && isTarget && isWhole;
}

/** The saved galaxies, the next one first. Nothing is known about their leases, so these count as ended. */
export function keptTasks(volunteer: string): Task[] {
  const kept = allInHand(volunteer, PREFIX).filter(isKept);
  return kept.sort((a, b) => a.place - b.place).map(({ task }) => ({ ...task, due_in_s: 0 }));
}
