/** Which tasks this browser holds in all its tabs: each tab holds one Web Lock per task, released when the tab is closed. */

import { releaseTasks } from "../api";

const PREFIX = "giz-task:";
const LEASING = "giz-leasing";

const releases = new Map<string, () => void>();

export function holdTask(id: string): void {
  if (releases.has(id)) return;
  releases.set(id, () => undefined);
  void navigator.locks?.request(PREFIX + id, { mode: "shared" }, () => new Promise<void>((resolve) => releases.set(id, resolve)));
}

export function releaseTask(id: string): void {
  releases.get(id)?.();
  releases.delete(id);
}

let givingBack: Promise<unknown> = Promise.resolve();

/** Returns the tasks when the page is left; the server gives them to the same person first. */
export function giveBack(ids: readonly string[]): void {
  for (const id of ids) releaseTask(id);
  if (ids.length > 0) givingBack = Promise.all([givingBack, releaseTasks(ids).catch(() => undefined)]);
}

async function heldTasks(): Promise<string[]> {
  const { held = [] } = (await navigator.locks?.query()) ?? {};
  const others = held.flatMap(({ name }) => (name?.startsWith(PREFIX) ? [name.slice(PREFIX.length)] : []));
  return [...new Set([...releases.keys(), ...others])];
}

/** Leases one task at a time across all tabs, so that each tab knows what the others hold. */
export async function leaseBesideOthers<T extends { id: string }>(lease: (held: string[]) => Promise<T>): Promise<T> {
  const work = async () => {
    // Otherwise a task that is being returned could be leased again.
    await givingBack;
    const task = await lease(await heldTasks());
    holdTask(task.id);
    return task;
  };
  if (!navigator.locks) return work();
  return await navigator.locks.request(LEASING, work);
}
