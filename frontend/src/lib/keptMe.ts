/** Who was logged in last, saved on this device: without a connection the page is still theirs. A log-out clears it. */

import type { Me } from "./api/types";

const KEY = "giz-me";

export function keepMe(me: Me): void {
  try {
    if (me.volunteer === null) localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, JSON.stringify(me));
  } catch {
    // Storage is full or forbidden: then the page needs a connection.
  }
}

let read: { text: string; me: Me | undefined } | null = null;

const isMe = (value: unknown): value is Me => {
  const { volunteer, counts, preferences } = (value ?? {}) as Partial<Me>;
  return typeof volunteer === "string" && typeof counts?.votes === "number" && typeof preferences === "object" && preferences !== null;
};

/** The same object as long as nothing else has been saved. */
export function keptMe(): Me | undefined {
  try {
    const text = localStorage.getItem(KEY) ?? "";
    if (text === "") return undefined;
    if (read?.text !== text) {
      const me: unknown = JSON.parse(text);
      read = { text, me: isMe(me) ? me : undefined };
    }
    return read.me;
  } catch {
    return undefined;
  }
}
