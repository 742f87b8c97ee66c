/** Parts of the page in files of their own: preloaded when the browser is idle, and loaded again after a failure. */

import type { ComponentType } from "react";
import { lookForNewBuild } from "./freshness";

export type PartState<Props> = { kind: "waiting" } | { kind: "ready"; Component: ComponentType<Props> } | { kind: "failed" };

/** React's own `lazy` remembers a failure for ever, and so do some browsers for an address: a new attempt needs another address. */
const ADDRESS = /https?:\/\/\S+?\.js/;

export class Part<Props> {
  private state: PartState<Props> = { kind: "waiting" };
  private running: Promise<void> | null = null;
  private tries = 0;
  private address: string | null = null;
  private readonly watchers = new Set<() => void>();

  constructor(
    private readonly fetchIt: () => Promise<{ default: ComponentType<Props> }>,
    private readonly fetchFrom: (address: string) => Promise<{ default: ComponentType<Props> }> = (address) => import(/* @vite-ignore */ address),
  ) {}

  readonly now = (): PartState<Props> => this.state;

  readonly watch = (notify: () => void): (() => void) => {
    this.watchers.add(notify);
    return () => this.watchers.delete(notify);
  };

  /** Never rejects: the result is in the state. A loaded part is not fetched again. */
  readonly load = (): Promise<void> => {
    if (this.state.kind === "ready") return Promise.resolve();
    this.running ??= this.fetchOnce().finally(() => {
      this.running = null;
    });
    return this.running;
  };

  private async fetchOnce(): Promise<void> {
    this.tries += 1;
    try {
      const module = await this.fetchIt().catch((error: unknown) => {
        this.address ??= String(error).match(ADDRESS)?.[0] ?? null;
        if (this.tries === 1 || !this.address) throw error;
        return this.fetchFrom(`${this.address}?again=${this.tries}`);
      });
      this.set({ kind: "ready", Component: module.default });
    } catch {
      this.set({ kind: "failed" });
      void lookForNewBuild();
    }
  }

  private set(state: PartState<Props>): void {
    this.state = state;
    for (const notify of this.watchers) notify();
  }
}

/** Calls `begin` at the first press of a key, a button or a finger: by then the page has loaded, and stays for a while. */
export function afterFirstPress(begin: () => () => void): () => void {
  let stop: (() => void) | undefined;
  const start = () => {
    stop ??= begin();
  };
  const presses = ["keydown", "pointerdown"] as const;
  for (const press of presses) window.addEventListener(press, start, { once: true, capture: true });
  return () => {
    for (const press of presses) window.removeEventListener(press, start, { capture: true });
    stop?.();
  };
}

type Fetched = { load: () => Promise<void> };

/** Fetches parts one after the other while the browser is idle. */
export function fetchWhenIdle(...parts: readonly Fetched[]): () => void {
  let isWanted = true;
  const next = ([first, ...rest]: readonly Fetched[]) => {
    if (!first || !isWanted) return;
    const fetchFirst = () => void first.load().then(() => next(rest));
    if (typeof requestIdleCallback === "function") requestIdleCallback(fetchFirst, { timeout: 5000 });
    else setTimeout(fetchFirst, 500);
  };
  next(parts);
  return () => {
    isWanted = false;
  };
}
