/** The current galaxy and the one that is loading. A galaxy is shown until the next one is loaded; a failed load can be repeated. */

import type { Ask, loadSource } from "../api/loadSource";
import type { Source } from "../api/types";
import { addressOf, type SourceRequest } from "../rules/request";
import { FIRST_VIEW, type View } from "../rules/view";

export interface Current {
  request: SourceRequest;
  source: Source;
  /** Its initial view. */
  firstView: View;
}

export interface Pending {
  ask: Ask;
  firstView: View;
  phase: "asking" | "fetching" | "failed";
  error: unknown;
}

export interface DeskState {
  current: Current | null;
  pending: Pending | null;
}

export class Desk {
  private state: DeskState = { current: null, pending: null };
  private running: AbortController | null = null;
  private readonly watchers = new Set<() => void>();

  /** `onUploaded` receives the address of an uploaded picture. */
  constructor(
    private readonly load: typeof loadSource,
    private readonly onUploaded: (request: SourceRequest) => void,
  ) {}

  readonly now = (): DeskState => this.state;

  readonly watch = (notify: () => void): (() => void) => {
    this.watchers.add(notify);
    return () => this.watchers.delete(notify);
  };

  /** The request in the address; null for none. */
  want(request: SourceRequest | null, firstView: View): void {
    const { current } = this.state;
    const isHere = request !== null && current !== null && addressOf(request) === addressOf(current.request);
    if (request && !isHere) {
      void this.fetch(request, firstView);
      return;
    }
    this.running?.abort();
    this.set({ current: isHere ? current : null, pending: null });
  }

  upload(files: readonly File[]): void {
    void this.fetch({ kind: "files", files }, FIRST_VIEW);
  }

  retry(): void {
    const { pending } = this.state;
    if (pending) void this.fetch(pending.ask, pending.firstView);
  }

  /** Loads the same galaxy again: the server deletes it after a day. */
  renew(view: View): void {
    const { current } = this.state;
    if (current) void this.fetch(current.request, view);
  }

  /** Cancels what is loading. */
  giveUp(): void {
    this.running?.abort();
    this.set({ pending: null });
  }

  private async fetch(ask: Ask, firstView: View): Promise<void> {
    this.running?.abort();
    const controller = new AbortController();
    this.running = controller;
    this.set({ pending: { ask, firstView, phase: "asking", error: null } });
    try {
      const source = await this.load(ask, controller.signal, () => this.set({ pending: { ask, firstView, phase: "fetching", error: null } }));
      if (controller.signal.aborted) return;
      const request: SourceRequest = ask.kind === "files" ? { kind: "source", id: source.id } : ask;
      this.set({ current: { request, source, firstView }, pending: null });
      if (ask.kind === "files") this.onUploaded(request);
    } catch (error) {
      if (!controller.signal.aborted) this.set({ pending: { ask, firstView, phase: "failed", error } });
    }
  }

  private set(change: Partial<DeskState>): void {
    this.state = { ...this.state, ...change };
    for (const notify of this.watchers) notify();
  }
}
