/** Which tasks this browser holds, in all its tabs: each tab holds a Web Lock a task, freed when the tab goes away. */

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

export function releaseAllTasks(): void {
  for (const id of [...releases.keys()]) releaseTask(id);
}

async function heldTasks(): Promise<string[]> {
  const { held = [] } = (await navigator.locks?.query()) ?? {};
  const others = held.flatMap(({ name }) => (name?.startsWith(PREFIX) ? [name.slice(PREFIX.length)] : []));
  return [...new Set([...releases.keys(), ...others])];
}

/** Leases one task at a time over all tabs, so that each sees what the others hold. */
export async function leaseBesideOthers<T extends { id: string }>(lease: (held: string[]) => Promise<T>): Promise<T> {
  const work = async () => {
    const task = await lease(await heldTasks());
    holdTask(task.id);
    return task;
  };
  if (!navigator.locks) return work();
  return await navigator.locks.request(LEASING, work);
}
