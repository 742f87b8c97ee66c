/**
 * Votes that the server has not acknowledged yet, in IndexedDB.
 *
 * Browsers may close it in the background, delete it ("clear site data"), run out of space, hang, or forbid it. So
 * every vote of this page is also kept in memory, the connection is reopened when it breaks, and nothing waits
 * long for it.
 */

import type { VoteBody } from "../api/types";

export interface StoredVote {
  key: string;
  body: VoteBody;
  volunteer: string;
  galaxy: string;
  created_at: number;
  attempts: number;
  /** The server's code, once it has refused this vote finally. */
  refused: string | null;
}

export interface VoteStore {
  all(): Promise<StoredVote[]>;
  put(vote: StoredVote): Promise<void>;
  remove(key: string): Promise<void>;
}

const STORE = "votes";
const PATIENCE_MS = 2000;
/** After a failure the browser's store is not used for this long. */
const REST_MS = 30_000;

function settled<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error("IndexedDB failed"));
  });
}

function committed(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onerror = transaction.onabort = () => reject(transaction.error ?? new Error("IndexedDB failed"));
  });
}

function inTime<T>(work: Promise<T>, patienceMs: number): Promise<T> {
  let timer: ReturnType<typeof setTimeout>;
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new TooSlow("IndexedDB does not answer")), patienceMs);
  });
  return Promise.race([work, tooLate]).finally(() => clearTimeout(timer));
}

export async function openIndexedStore(name: string, onLost: () => void = () => undefined): Promise<VoteStore> {
  const opening = indexedDB.open(name, 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore(STORE, { keyPath: "key" });
  const database = await settled(opening);
  database.onclose = onLost;
  // It is about to be deleted or upgraded, which an open connection would block for ever.
  database.onversionchange = () => {
    database.close();
    onLost();
  };
  const write = async (change: (store: IDBObjectStore) => void) => {
    const transaction = database.transaction(STORE, "readwrite");
    const done = committed(transaction);
    change(transaction.objectStore(STORE));
    await done;
  };
  return {
    all: () => settled(database.transaction(STORE).objectStore(STORE).getAll() as IDBRequest<StoredVote[]>),
    put: (vote) => write((store) => store.put(vote)),
    remove: (key) => write((store) => store.delete(key)),
  };
}

class TooSlow extends Error {}

interface Means {
  open: (onLost: () => void) => Promise<VoteStore>;
  patienceMs?: number;
  now?: () => number;
}

/** A store that never fails: what the browser can't store is kept in memory while the page is open. */
export class SteadyStore implements VoteStore {
  /** What this page has put and not removed, whether or not the browser has stored it. */
  private readonly mine = new Map<string, StoredVote>();
  private readonly unkept = new Set<string>();
  private readonly removed = new Set<string>();
  private connection: Promise<VoteStore> | null = null;
  private restUntil = 0;

  constructor(private readonly means: Means) {}

  /** Votes that would be lost by closing this page. */
  get atRisk(): number {
    return this.unkept.size;
  }

  async all(): Promise<StoredVote[]> {
    const kept = await this.attempt((store) => store.all());
    const votes = new Map((kept ?? []).filter((vote) => !this.removed.has(vote.key)).map((vote) => [vote.key, vote]));
    for (const [key, vote] of this.mine) {
      if (kept === null || this.unkept.has(key)) votes.set(key, vote);
    }
    return [...votes.values()];
  }

  async put(vote: StoredVote): Promise<void> {
    this.mine.set(vote.key, vote);
    this.unkept.add(vote.key);
    this.removed.delete(vote.key);
    const isKept = await this.attempt(async (store) => {
      await store.put(vote);
      return true;
    });
    if (isKept && this.mine.get(vote.key) === vote) this.unkept.delete(vote.key);
  }

  async remove(key: string): Promise<void> {
    this.mine.delete(key);
    this.unkept.delete(key);
    // If this fails, the vote is sent again at the next visit, and the server gives the same response for its key.
    this.removed.add(key);
    await this.attempt((store) => store.remove(key));
  }

  /** Runs the work in the browser's store, on a new connection if the old one broke; null if it fails. */
  private async attempt<T>(work: (store: VoteStore) => Promise<T>): Promise<T | null> {
    const now = this.means.now ?? Date.now;
    if (now() < this.restUntil) return null;
    for (const isLast of [false, true]) {
      const connection = this.connect();
      try {
        return await inTime(connection.then(work), this.means.patienceMs ?? PATIENCE_MS);
      } catch (error) {
        if (error instanceof DOMException && error.name === "QuotaExceededError") return null;
        if (this.connection === connection) this.connection = null;
        if (!isLast && !(error instanceof TooSlow)) continue;
        this.restUntil = now() + REST_MS;
        return null;
      }
    }
    return null;
  }

  private connect(): Promise<VoteStore> {
    this.connection ??= this.means
      .open(() => {
        this.connection = null;
      })
      .then((store) => this.refill(store));
    return this.connection;
  }

  /** A deleted store comes back empty: put in again what this page still has to send. */
  private async refill(store: VoteStore): Promise<VoteStore> {
    for (const [key, vote] of [...this.mine]) {
      try {
        await store.put(vote);
        this.unkept.delete(key);
      } catch {
        return store;
      }
    }
    return store;
  }
}
