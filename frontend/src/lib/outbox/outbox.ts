/** Sends every vote until the server acknowledges its key: at once, then with growing pauses, when back online, and at the next visit. */

import { ApiError, UNREACHABLE } from "../api/client";
import type { VoteBody, VoteReceipt } from "../api/types";
import { plainText } from "../plainText";
import { type Fate, fateOf, pauseMs, stopsAll } from "./delivery";
import { SteadyStore, type StoredVote, type VoteStore } from "./store";

export interface OutboxState {
  waiting: number;
  needsLogin: boolean;
  /** Votes that are only in this page's memory and would be lost if it were closed. */
  atRisk: number;
  refused: readonly StoredVote[];
}

export type OutboxEvent =
  | { kind: "receipt"; key: string; receipt: VoteReceipt }
  | { kind: "delayed"; key: string }
  /** Nobody, or somebody else, is logged in: the page must check who it is. */
  | { kind: "stranger"; key: string }
  | { kind: "settled" | "refused"; key: string; galaxy: string; error: ApiError };

interface Means {
  store: Promise<VoteStore> | ((onLost: () => void) => Promise<VoteStore>);
  send: (vote: VoteBody, volunteer: string) => Promise<VoteReceipt>;
  renewSession: () => Promise<unknown>;
  /** Runs the work only if no other tab is sending; false when another is. */
  exclusively: (work: () => Promise<void>) => Promise<boolean>;
  /** Runs the work after the tab that is sending now. */
  afterOthers: <T>(work: () => Promise<T>) => Promise<T>;
  random?: () => number;
}

const OTHER_TAB_PAUSE_MS = 3000;

export class Outbox {
  private state: OutboxState = { waiting: 0, needsLogin: false, atRisk: 0, refused: [] };
  private readonly store: SteadyStore;
  private readonly watchers = new Set<() => void>();
  private readonly hearers = new Set<(event: OutboxEvent) => void>();
  private volunteer: string | null = null;
  private failures = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private running: Promise<void> | null = null;
  private isWanted = false;

  constructor(private readonly means: Means) {
    const { store } = means;
    this.store = new SteadyStore({ open: typeof store === "function" ? store : () => store });
  }

  getState = (): OutboxState => this.state;

  watch = (notify: () => void): (() => void) => {
    this.watchers.add(notify);
    return () => this.watchers.delete(notify);
  };

  hear(hearer: (event: OutboxEvent) => void): () => void {
    this.hearers.add(hearer);
    return () => this.hearers.delete(hearer);
  }

  /** Votes are sent only in the session of the person who made them. */
  async setVolunteer(volunteer: string | null): Promise<void> {
    this.volunteer = volunteer;
    if (volunteer !== null) this.update({ needsLogin: false });
    await this.refresh();
    if (volunteer !== null) await this.flush();
  }

  async add(body: VoteBody, galaxy: string): Promise<void> {
    if (this.volunteer === null) throw new Error("a vote needs someone who is signed in");
    const sendable = { ...body, comment: plainText(body.comment ?? "") };
    const vote = { key: body.key, body: sendable, volunteer: this.volunteer, galaxy, created_at: Date.now(), attempts: 0, refused: null };
    await this.store.put(vote);
    await this.refresh();
    void this.flush();
  }

  /** Withdraws a vote that the server does not have. False if it may have it: then it must be undone there. */
  withdraw(key: string): Promise<boolean> {
    return this.means.afterOthers(async () => {
      const vote = (await this.store.all()).find((candidate) => candidate.key === key);
      if (!vote || (vote.attempts > 0 && vote.refused === null)) return false;
      await this.store.remove(key);
      await this.refresh();
      return true;
    });
  }

  async isWaiting(key: string): Promise<boolean> {
    return (await this.store.all()).some((vote) => vote.key === key && vote.refused === null);
  }

  /** The tasks of unsent votes: they are still ours, and must not be leased again. */
  async taskIds(): Promise<string[]> {
    return (await this.mine()).filter((vote) => vote.refused === null).map((vote) => vote.body.task);
  }

  /** Sends a refused vote again: the page or the server may have been fixed since. */
  async sendAgain(key: string): Promise<void> {
    const vote = (await this.mine()).find((candidate) => candidate.key === key);
    if (!vote) return;
    await this.store.put({ ...vote, refused: null });
    await this.refresh();
    await this.flush();
  }

  async forget(key: string): Promise<void> {
    await this.store.remove(key);
    await this.refresh();
  }

  async refresh(): Promise<void> {
    const mine = await this.mine();
    this.update({
      waiting: mine.filter((vote) => vote.refused === null).length,
      refused: mine.filter((vote) => vote.refused !== null),
      atRisk: this.store.atRisk,
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

  /** False if it had to stop before the last vote. A vote that fails for its own reasons does not block the later ones. */
  private async sendAll(): Promise<boolean> {
    let longestAfterS: number | null = null;
    let isDelayed = false;
    let isThrough = true;
    for (const vote of (await this.mine()).filter((candidate) => candidate.refused === null)) {
      const result = await this.sendOne(vote);
      if (result === "gone") continue;
      isThrough = result !== "login" && !stopsAll(result);
      if (result !== "login") {
        isDelayed = true;
        longestAfterS = Math.max(longestAfterS ?? 0, result.retryAfterS ?? 0);
      }
      if (!isThrough) break;
    }
    this.failures = isDelayed ? this.failures + 1 : 0;
    if (isDelayed) this.tryLater(pauseMs(this.failures, longestAfterS, (this.means.random ?? Math.random)()));
    return isThrough && !isDelayed;
  }

  /** Sends one vote: "gone" if it needs no more sending, "login" if its owner must log in, otherwise the failure. */
  private async sendOne(vote: StoredVote): Promise<"gone" | "login" | ApiError> {
    // Somebody else may have logged in since the list was made; this vote must not be sent in their session.
    if (vote.volunteer !== this.volunteer) return "login";
    const tried = { ...vote, attempts: vote.attempts + 1 };
    await this.store.put(tried);
    try {
      const receipt = await this.means.send(vote.body, vote.volunteer);
      if (receipt.key !== vote.key) throw new ApiError(0, UNREACHABLE, "The response was for another vote.");
      await this.store.remove(vote.key);
      this.update({ needsLogin: false });
      await this.refresh();
      this.tell({ kind: "receipt", key: vote.key, receipt });
      return "gone";
    } catch (caught) {
      const error = caught instanceof ApiError ? caught : new ApiError(0, UNREACHABLE, String(caught));
      return this.afterFailure(tried, error, fateOf(error));
    }
  }

  private async afterFailure(vote: StoredVote, error: ApiError, fate: Fate): Promise<"gone" | "login" | ApiError> {
    switch (fate) {
      case "settled":
        await this.store.remove(vote.key);
        this.tell({ kind: "settled", key: vote.key, galaxy: vote.galaxy, error });
        return "gone";
      case "refused":
        await this.store.put({ ...vote, refused: error.code });
        this.tell({ kind: "refused", key: vote.key, galaxy: vote.galaxy, error });
        return "gone";
      case "login":
        this.update({ needsLogin: true });
        this.tell({ kind: "stranger", key: vote.key });
        return "login";
      case "session":
        await this.means.renewSession().catch(() => undefined);
        break;
      case "later":
        break;
    }
    this.tell({ kind: "delayed", key: vote.key });
    return error;
  }

  private tryLater(delayMs: number): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.flush(), delayMs);
  }

  private async mine(): Promise<StoredVote[]> {
    const votes = await this.store.all();
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
