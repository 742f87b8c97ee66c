/** Sends every vote until the server acknowledges its key: at once, with growing pauses, when back online, at the next visit. */

import { ApiError } from "../api/client";
import type { VoteBody, VoteReceipt } from "../api/types";
import { type Fate, fateOf, pauseMs } from "./delivery";
import type { StoredVote, VoteStore } from "./store";

export interface OutboxState {
  waiting: number;
  needsLogin: boolean;
  refused: readonly StoredVote[];
}

export type OutboxEvent =
  | { kind: "receipt"; key: string; receipt: VoteReceipt }
  | { kind: "delayed"; key: string }
  | { kind: "settled" | "refused"; key: string; galaxy: string; error: ApiError };

interface Means {
  store: Promise<VoteStore>;
  send: (vote: VoteBody) => Promise<VoteReceipt>;
  renewSession: () => Promise<unknown>;
  /** Runs the work only if no other tab is sending; false when another is. */
  exclusively: (work: () => Promise<void>) => Promise<boolean>;
  /** Runs the work after whoever is sending now. */
  afterOthers: <T>(work: () => Promise<T>) => Promise<T>;
  random?: () => number;
}

const OTHER_TAB_PAUSE_MS = 3000;

export class Outbox {
  private state: OutboxState = { waiting: 0, needsLogin: false, refused: [] };
  private readonly watchers = new Set<() => void>();
  private readonly hearers = new Set<(event: OutboxEvent) => void>();
  private volunteer: string | null = null;
  private failures = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private running: Promise<void> | null = null;
  private isWanted = false;

  constructor(private readonly means: Means) {}

  getState = (): OutboxState => this.state;

  watch = (notify: () => void): (() => void) => {
    this.watchers.add(notify);
    return () => this.watchers.delete(notify);
  };

  hear(hearer: (event: OutboxEvent) => void): () => void {
    this.hearers.add(hearer);
    return () => this.hearers.delete(hearer);
  }

  /** Votes are sent only in the name of the person who made them. */
  async setVolunteer(volunteer: string | null): Promise<void> {
    this.volunteer = volunteer;
    if (volunteer !== null) this.update({ needsLogin: false });
    await this.refresh();
    if (volunteer !== null) await this.flush();
  }

  async add(body: VoteBody, galaxy: string): Promise<void> {
    if (this.volunteer === null) throw new Error("a vote needs someone who is signed in");
    const vote = { key: body.key, body, volunteer: this.volunteer, galaxy, created_at: Date.now(), attempts: 0, refused: null };
    await (await this.means.store).put(vote);
    await this.refresh();
    void this.flush();
  }

  /** Takes a vote back that was never sent. False when the server may know it: then it must be undone there. */
  withdraw(key: string): Promise<boolean> {
    return this.means.afterOthers(async () => {
      const store = await this.means.store;
      const vote = (await store.all()).find((candidate) => candidate.key === key);
      if (!vote || vote.attempts > 0) return false;
      await store.remove(key);
      await this.refresh();
      return true;
    });
  }

  async isWaiting(key: string): Promise<boolean> {
    return (await (await this.means.store).all()).some((vote) => vote.key === key);
  }

  /** The tasks whose votes are on their way: they are still ours, and must not be handed out again. */
  async taskIds(): Promise<string[]> {
    return (await this.mine()).map((vote) => vote.body.task);
  }

  async forget(key: string): Promise<void> {
    await (await this.means.store).remove(key);
    await this.refresh();
  }

  async refresh(): Promise<void> {
    const mine = await this.mine();
    this.update({
      waiting: mine.filter((vote) => vote.refused === null).length,
      refused: mine.filter((vote) => vote.refused !== null),
    });
  }

  async flush(): Promise<void> {
    if (this.running) {
      this.isWanted = true;
      return this.running;
    }
    clearTimeout(this.timer);
    this.running = this.run().finally(() => {
      this.running = null;
    });
    return this.running;
  }

  private async run(): Promise<void> {
    let isThrough = false;
    do {
      this.isWanted = false;
      const wasAlone = await this.means.exclusively(async () => {
        isThrough = await this.sendAll();
      });
      if (!wasAlone) this.tryLater(OTHER_TAB_PAUSE_MS);
      await this.refresh();
    } while (this.isWanted && isThrough);
  }

  /** False when it had to stop before the last vote. */
  private async sendAll(): Promise<boolean> {
    for (const vote of (await this.mine()).filter((candidate) => candidate.refused === null)) {
      if (!(await this.sendOne(vote))) return false;
    }
    return true;
  }

  /** True when the next vote can follow at once. */
  private async sendOne(vote: StoredVote): Promise<boolean> {
    const store = await this.means.store;
    const tried = { ...vote, attempts: vote.attempts + 1 };
    await store.put(tried);
    try {
      const receipt = await this.means.send(vote.body);
      await store.remove(vote.key);
      this.failures = 0;
      this.update({ needsLogin: false });
      await this.refresh();
      this.tell({ kind: "receipt", key: vote.key, receipt });
      return true;
    } catch (caught) {
      const error = caught instanceof ApiError ? caught : new ApiError(0, "unreachable", String(caught));
      return this.afterFailure(tried, error, fateOf(error));
    }
  }

  private async afterFailure(vote: StoredVote, error: ApiError, fate: Fate): Promise<boolean> {
    const store = await this.means.store;
    switch (fate) {
      case "settled":
        await store.remove(vote.key);
        this.tell({ kind: "settled", key: vote.key, galaxy: vote.galaxy, error });
        return true;
      case "refused":
        await store.put({ ...vote, refused: error.code });
        this.tell({ kind: "refused", key: vote.key, galaxy: vote.galaxy, error });
        return true;
      case "login":
        this.update({ needsLogin: true });
        return false;
      case "session":
        await this.means.renewSession().catch(() => undefined);
        break;
      case "later":
        break;
    }
    this.tell({ kind: "delayed", key: vote.key });
    this.failures += 1;
    this.tryLater(pauseMs(this.failures, error.retryAfterS, (this.means.random ?? Math.random)()));
    return false;
  }

  private tryLater(delayMs: number): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.flush(), delayMs);
  }

  private async mine(): Promise<StoredVote[]> {
    const votes = await (await this.means.store).all();
    return votes.filter((vote) => vote.volunteer === this.volunteer).sort((a, b) => a.created_at - b.created_at);
  }

  private update(change: Partial<OutboxState>): void {
    this.state = { ...this.state, ...change };
    for (const notify of this.watchers) notify();
  }

  private tell(event: OutboxEvent): void {
    for (const hearer of this.hearers) hearer(event);
  }
}
