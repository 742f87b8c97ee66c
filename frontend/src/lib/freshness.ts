/** Detects that the site was updated while the page was open: the old files are gone, so the page must be reloaded at a good moment. */

import { useSyncExternalStore } from "react";

const ENTRY = /<script[^>]+src="(\/assets\/[^"]+\.js)"/;
const RELOADED = "giz-reloaded-at";
/** The shortest time between reloads: a page that fails for another reason would otherwise reload for ever. */
const PAUSE_MS = 60_000;

let isOutdated = false;
let looking: Promise<void> | null = null;
const watchers = new Set<() => void>();

/** The entry script of a page; each build gives it a new name. */
export const entryOf = (html: string): string | null => html.match(ENTRY)?.[1] ?? null;

async function look(): Promise<void> {
  try {
    const answer = await fetch("/", { cache: "no-store", headers: { Accept: "text/html" } });
    const served = answer.ok ? entryOf(await answer.text()) : null;
    const own = entryOf(document.head.innerHTML);
    if (served === null || own === null || served === own) return;
    isOutdated = true;
    for (const notify of watchers) notify();
  } catch {
    // Offline, or the site is restarting: the next part that fails to load checks again.
  }
}

/** To be called when one of our files fails to load. */
export function lookForNewBuild(): Promise<void> {
  looking ??= look().finally(() => {
    looking = null;
  });
  return looking;
}

export function startFreshness(): void {
  window.addEventListener("vite:preloadError", () => void lookForNewBuild());
}

/** Reloads the page, at most once a minute; the caller ensures that no work is lost. */
export function renewPage(): void {
  try {
    if (Date.now() - Number(sessionStorage.getItem(RELOADED)) < PAUSE_MS) return;
    sessionStorage.setItem(RELOADED, String(Date.now()));
  } catch {
    return; // Without storage the page could reload for ever.
  }
  window.location.reload();
}

export function useIsOutdated(): boolean {
  return useSyncExternalStore(
    (notify) => {
      watchers.add(notify);
      return () => watchers.delete(notify);
    },
    () => isOutdated,
  );
}
