/** Loads and decodes pictures in order of importance, retries the ones that fail, and remembers what is ready. */

export type PictureState = "loading" | "ready" | "failed";

/** Lower is sooner: the target, its neighbours, the strip, then what comes next. */
export const Priority = { target: 0, neighbour: 1, strip: 2, ahead: 3 } as const;

interface Entry {
  state: PictureState;
  priority: number;
  isStarted: boolean;
  image: HTMLImageElement | null;
  usedAt: number;
}

const PARALLEL = 6;
const RETRY_AFTER_MS = [400, 1500];
const KEPT = 160;

const entries = new Map<string, Entry>();
const listeners = new Set<() => void>();
let active = 0;
let clock = 0;

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function decodeOnce(address: string, entry: Entry): Promise<void> {
  const image = new Image();
  image.decoding = "async";
  image.fetchPriority = entry.priority <= Priority.neighbour ? "high" : "low";
  image.src = address;
  await image.decode();
  entry.image = image;
}

async function load(address: string, entry: Entry): Promise<void> {
  for (const retryMs of [...RETRY_AFTER_MS, null]) {
    try {
      await decodeOnce(address, entry);
      entry.state = "ready";
      return;
    } catch {
      if (retryMs !== null) await pause(retryMs);
    }
  }
  entry.state = "failed";
}

function forgetOldest(): void {
  if (entries.size <= KEPT) return;
  const finished = [...entries].filter(([, entry]) => entry.state !== "loading").sort(([, a], [, b]) => a.usedAt - b.usedAt);
  for (const [address] of finished.slice(0, entries.size - KEPT)) entries.delete(address);
}

function pump(): void {
  while (active < PARALLEL) {
    const waiting = [...entries].filter(([, entry]) => !entry.isStarted).sort(([, a], [, b]) => a.priority - b.priority);
    const [first] = waiting;
    if (!first) return;
    const [address, entry] = first;
    entry.isStarted = true;
    active += 1;
    void load(address, entry).finally(() => {
      active -= 1;
      forgetOldest();
      for (const notify of listeners) notify();
      pump();
    });
  }
}

export function wantPicture(address: string, priority: number): void {
  clock += 1;
  const entry = entries.get(address);
  if (entry) {
    entry.usedAt = clock;
    entry.priority = Math.min(entry.priority, priority);
    return;
  }
  entries.set(address, { state: "loading", priority, isStarted: false, image: null, usedAt: clock });
  queueMicrotask(pump);
}

/** Tries a failed picture again. */
export function retryPicture(address: string): void {
  if (entries.get(address)?.state !== "failed") return;
  entries.delete(address);
  wantPicture(address, Priority.target);
  for (const notify of listeners) notify();
}

/** Back online: what failed meanwhile is tried again by itself. */
export function retryWhenOnline(): void {
  window.addEventListener("online", () => {
    for (const [address, { state }] of [...entries]) if (state === "failed") retryPicture(address);
  });
}

export const pictureState = (address: string): PictureState => entries.get(address)?.state ?? "loading";

export function watchPictures(notify: () => void): () => void {
  listeners.add(notify);
  return () => listeners.delete(notify);
}
