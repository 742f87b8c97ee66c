/** Loads and decodes pictures by priority, retries those that fail, and keeps those that are ready. */

import { hearAnswers } from "../api/client";

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
/** Failed pictures are requested again with growing pauses, and at once when the server answers any request, but not more often than this. */
const FIRST_PAUSE_MS = 4000;
const LONGEST_PAUSE_MS = 60_000;
const SHORTEST_PAUSE_MS = 1500;
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
      changed();
      if (entry.state === "failed") planRetry();
      else if (failed().length > 0) void retryFailed();
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

function changed(): void {
  for (const notify of listeners) notify();
}

/** Retries a failed picture at the user's request. */
export function retryPicture(address: string): void {
  if (entries.get(address)?.state !== "failed") return;
  entries.delete(address);
  wantPicture(address, Priority.target);
  changed();
}

let pauseMs = FIRST_PAUSE_MS;
let retriedAt = 0;
let isRetrying = false;
let timer: ReturnType<typeof setTimeout> | undefined;

const failed = () => [...entries].filter(([, { state }]) => state === "failed").sort(([, a], [, b]) => a.priority - b.priority);

const GIVE_UP_MS = 20_000;
const tooLong = () => pause(GIVE_UP_MS).then(() => Promise.reject(new Error("no answer")));

/** Requests each failed picture again, the important ones first; their placeholder stays until they are ready. */
async function retryFailed(): Promise<void> {
  if (isRetrying || Date.now() - retriedAt < SHORTEST_PAUSE_MS) return;
  isRetrying = true;
  retriedAt = Date.now();
  const again = async ([address, entry]: [string, Entry]) => {
    await Promise.race([decodeOnce(address, entry), tooLong()]);
    entry.state = "ready";
    changed();
  };
  await Promise.allSettled(failed().map(again));
  isRetrying = false;
  clearTimeout(timer);
  timer = undefined;
  planRetry();
}

/** Repeats until all are loaded; each pause is twice as long as the previous one. */
function planRetry(): void {
  if (failed().length === 0) pauseMs = FIRST_PAUSE_MS;
  else if (timer === undefined && !isRetrying) {
    timer = setTimeout(() => void retryFailed(), pauseMs);
    pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
  }
}

/** Retries failed pictures automatically: when any request is answered, when the browser is online or visible again, and periodically. */
export function startRetrying(): void {
  const now = () => void (failed().length > 0 && retryFailed());
  hearAnswers(now);
  window.addEventListener("online", now);
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && now());
}

export const pictureState = (address: string): PictureState => entries.get(address)?.state ?? "loading";

export function watchPictures(notify: () => void): () => void {
  listeners.add(notify);
  return () => listeners.delete(notify);
}
