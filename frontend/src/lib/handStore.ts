/** Saves unfinished work on this device: by person and task, for a day at most. */

const PREFIX = "giz-in-hand:";
const KEPT_MS = 24 * 3600_000;

const keyOf = (volunteer: string, taskId: string) => `${PREFIX}${volunteer}:${taskId}`;

/** Storage may be full, forbidden, or contain something unexpected: then nothing is saved, and nothing fails. */
function quietly<T>(work: () => T, otherwise: T): T {
  try {
    return work();
  } catch {
    return otherwise;
  }
}

const savedAt = (text: string | null): number => quietly(() => Number((JSON.parse(text ?? "") as { savedAt?: unknown }).savedAt), 0);
const isOld = (text: string | null): boolean => !(Date.now() - savedAt(text) < KEPT_MS);

export function keepInHand(volunteer: string, taskId: string, work: unknown): void {
  quietly(() => localStorage.setItem(keyOf(volunteer, taskId), JSON.stringify({ savedAt: Date.now(), work })), undefined);
}

/** The saved value, of any shape: it may be old, or changed manually. */
export function keptInHand(volunteer: string, taskId: string): unknown {
  return quietly(() => {
    const text = localStorage.getItem(keyOf(volunteer, taskId));
    return isOld(text) ? null : (JSON.parse(text ?? "") as { work: unknown }).work;
  }, null);
}

/** All saved values of a volunteer whose names begin so. */
export function allInHand(volunteer: string, prefix: string): unknown[] {
  const begin = keyOf(volunteer, prefix);
  const names = quietly(() => Object.keys(localStorage).filter((key) => key.startsWith(begin)), []);
  return names.map((key) => keptInHand(volunteer, key.slice(keyOf(volunteer, "").length)));
}

export function forgetInHand(volunteer: string, taskId: string): void {
  quietly(() => localStorage.removeItem(keyOf(volunteer, taskId)), undefined);
}

/** Deletes everything at logout, otherwise only what is too old. */
export function clearHand(which: "all" | "old"): void {
  quietly(() => {
    for (const key of Object.keys(localStorage)) {
      if (key.startsWith(PREFIX) && (which === "all" || isOld(localStorage.getItem(key)))) localStorage.removeItem(key);
    }
  }, undefined);
}
