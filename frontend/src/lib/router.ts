/** A minimal router for a few pages: the address as a store, and links that push. */

import { useSyncExternalStore } from "react";

const MOVED = "giz-moved";

function subscribe(notify: () => void): () => void {
  window.addEventListener("popstate", notify);
  window.addEventListener(MOVED, notify);
  return () => {
    window.removeEventListener("popstate", notify);
    window.removeEventListener(MOVED, notify);
  };
}

export function usePath(): string {
  return useSyncExternalStore(subscribe, () => window.location.pathname);
}

export function useQueryString(): string {
  return useSyncExternalStore(subscribe, () => window.location.search);
}

/** Changes the address of the current page without a new history entry and without notifying listeners. */
export function renameAddress(path: string): void {
  window.history.replaceState(window.history.state, "", path);
}

export const PREDICT_ADDRESS = "/predict";
export const isPredictPath = (path: string): boolean => /^\/predict(\/pgc\/(\d{1,9}|\d{15}))?\/?$/.test(path);

export const PRACTICE_ADDRESS = "/practice";
export const DAILY_ADDRESS = "/practice/daily";

export const sourceAddress = (sourceId: string): string => `${PREDICT_ADDRESS}?source=${encodeURIComponent(sourceId)}`;
export const ownEyeAddress = (sourceId: string): string => `/judge/${encodeURIComponent(sourceId)}`;

export function navigate(path: string): void {
  window.history.pushState(null, "", path);
  window.dispatchEvent(new Event(MOVED));
  window.scrollTo(0, 0);
}

export const loginAddress = (next: string) => `/accounts/login/?next=${encodeURIComponent(next)}`;
export const signupAddress = (next: string) => `/accounts/signup/?next=${encodeURIComponent(next)}`;
export const labelAddress = (campaign: string) => `/label/${encodeURIComponent(campaign)}`;
