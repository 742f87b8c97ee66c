/** The service worker (worker/worker.ts), which shows these pages without a connection. */

import { lookForNewBuild } from "./freshness";
import { afterFirstPress } from "./parts";

const UPDATE_EVERY_MS = 3_600_000;

async function register(): Promise<void> {
  try {
    const registration = await navigator.serviceWorker.register("/sw.js");
    let updatedAt = Date.now();
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState !== "visible" || Date.now() - updatedAt < UPDATE_EVERY_MS) return;
      updatedAt = Date.now();
      void registration.update().catch(() => undefined);
    });
  } catch {
    // Forbidden by the browser, or without HTTPS: then these pages need a connection.
  }
}

/** Registers the service worker after the first press: before, a slow line belongs to the page that was asked for. */
export function startOffline(): void {
  const { serviceWorker } = navigator;
  if (!serviceWorker || import.meta.env.DEV) return;
  let isControlled = serviceWorker.controller !== null;
  serviceWorker.addEventListener("controllerchange", () => {
    if (isControlled) void lookForNewBuild();
    isControlled = true;
  });
  afterFirstPress(() => {
    const begin = () => void register();
    if (typeof requestIdleCallback === "function") requestIdleCallback(begin, { timeout: 5000 });
    else setTimeout(begin, 2000);
    return () => undefined;
  });
}
