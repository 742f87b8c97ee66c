/** How long each galaxy has been on screen while the page was visible; survives a reload of the tab. */

const STORAGE_KEY = "giz-screen-time";
const KEPT = 20;

const shown = new Map<string, number>(readStored());
let front: string | null = null;
let since: number | null = null;

function readStored(): [string, number][] {
  try {
    const stored: unknown = JSON.parse(sessionStorage.getItem(STORAGE_KEY) ?? "[]");
    return Array.isArray(stored) ? stored.filter((entry): entry is [string, number] => Array.isArray(entry) && typeof entry[1] === "number") : [];
  } catch {
    return [];
  }
}

/** Adds the time since the last call, while the page is visible. */
function count(): void {
  const now = performance.now();
  if (front !== null && since !== null) {
    const before = shown.get(front) ?? 0;
    shown.delete(front);
    shown.set(front, before + now - since);
  }
  since = document.visibilityState === "visible" ? now : null;
}

function store(): void {
  count();
  try {
    sessionStorage.setItem(STORAGE_KEY, JSON.stringify([...shown].slice(-KEPT)));
  } catch {
    // Storage is full or forbidden: after a reload the time starts from zero.
  }
}

/** Makes this task's galaxy the one on screen; null if there is none. */
export function putInFront(taskId: string | null): void {
  if (taskId === front) return;
  count();
  front = taskId;
}

export function shownMs(taskId: string): number {
  count();
  return Math.round(shown.get(taskId) ?? 0);
}

export function watchScreen(): () => void {
  document.addEventListener("visibilitychange", store);
  window.addEventListener("pagehide", store);
  return () => {
    document.removeEventListener("visibilitychange", store);
    window.removeEventListener("pagehide", store);
  };
}
