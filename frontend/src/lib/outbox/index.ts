/** The outbox of this page. A Web Lock lets only one tab send at a time. */

import { useSyncExternalStore } from "react";
import { getMe, postVote } from "../api/calls";
import { Outbox, type OutboxState } from "./outbox";
import { openIndexedStore } from "./store";

const LOCK = "giz-outbox";
const CHANNEL = "giz-outbox";

async function exclusively(work: () => Promise<void>): Promise<boolean> {
  if (!navigator.locks) {
    await work();
    return true;
  }
  return navigator.locks.request(LOCK, { ifAvailable: true }, async (lock) => {
    if (lock) await work();
    return lock !== null;
  });
}

async function afterOthers<T>(work: () => Promise<T>): Promise<T> {
  return navigator.locks ? (navigator.locks.request(LOCK, work) as Promise<T>) : work();
}

const DATABASE = "giz";

export const outbox = new Outbox({ store: (onLost) => openIndexedStore(DATABASE, onLost), send: postVote, renewSession: getMe, exclusively, afterOthers });

export function startOutbox(): void {
  const tabs = typeof BroadcastChannel === "undefined" ? null : new BroadcastChannel(CHANNEL);
  tabs?.addEventListener("message", () => void outbox.refresh());
  outbox.hear(() => tabs?.postMessage("sent"));
  window.addEventListener("online", () => void outbox.flush());
  window.addEventListener("beforeunload", (event) => {
    if (outbox.getState().atRisk > 0) event.preventDefault();
  });
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible" && outbox.getState().waiting > 0) void outbox.flush();
  });
}

export function useOutbox(): OutboxState {
  return useSyncExternalStore(outbox.watch, outbox.getState);
}
