/** Votes that the server has not acknowledged yet, in IndexedDB; in memory where the browser forbids it. */

import type { VoteBody } from "../api/types";

export interface StoredVote {
  key: string;
  body: VoteBody;
  volunteer: string;
  galaxy: string;
  created_at: number;
  attempts: number;
  /** The server's code, once it has refused this vote for good. */
  refused: string | null;
}

export interface VoteStore {
  all(): Promise<StoredVote[]>;
  put(vote: StoredVote): Promise<void>;
  remove(key: string): Promise<void>;
}

const DATABASE = "giz";
const STORE = "votes";

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

export async function openIndexedStore(name = DATABASE): Promise<VoteStore> {
  const opening = indexedDB.open(name, 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore(STORE, { keyPath: "key" });
  const database = await settled(opening);
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

export function memoryStore(): VoteStore {
  const votes = new Map<string, StoredVote>();
  return {
    all: async () => [...votes.values()],
    put: async (vote) => void votes.set(vote.key, vote),
    remove: async (key) => void votes.delete(key),
  };
}

export async function openStore(): Promise<VoteStore> {
  try {
    return await openIndexedStore();
  } catch {
    return memoryStore();
  }
}
