/** Display preferences: saved on this device at once, and in the account a moment later. */

import { useSyncExternalStore } from "react";
import { patchPreferences } from "./api/calls";
import type { Preferences } from "./api/types";

/** Zoom used to be saved, which showed the next galaxy without its outline: an old saved zoom is ignored. */
export type FullPreferences = Required<Omit<Preferences, "zoom" | "settled_seen">>;

const STORAGE_KEY = "giz-preferences";
const SAVE_DELAY_MS = 1200;
const DEFAULTS: FullPreferences = { theme: "system", band: "gri", invert: false, show_keys: true, hints_seen: [] };

let current: FullPreferences = { ...DEFAULTS, ...readStored() };
let unsaved: Preferences = {};
let isSignedIn = false;
let timer: ReturnType<typeof setTimeout> | undefined;
const listeners = new Set<() => void>();

function readStored(): Preferences {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(STORAGE_KEY) ?? "{}");
    return stored !== null && typeof stored === "object" ? known(stored) : {};
  } catch {
    return {};
  }
}

/** Reads only known preferences of the right type: a stored value may be old or tampered with. */
function known(values: object): Preferences {
  const isSame = ([name, value]: [string, unknown]) => {
    const standard = DEFAULTS[name as keyof FullPreferences];
    return typeof value === typeof standard && Array.isArray(value) === Array.isArray(standard);
  };
  return Object.fromEntries(Object.entries(values).filter(isSame));
}

function apply(next: FullPreferences): void {
  current = next;
  if (next.theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = next.theme;
  try {
    localStorage.setItem(STORAGE_KEY, JSON.stringify(next));
  } catch {
    // Storage is full or forbidden: the preference lasts for this visit.
  }
  for (const notify of listeners) notify();
}

async function save(): Promise<void> {
  const sending = unsaved;
  unsaved = {};
  try {
    await patchPreferences(sending);
  } catch {
    // A display preference is not worth an error message; it is sent with the next one.
    unsaved = { ...sending, ...unsaved };
  }
}

export function setPreferences(changes: Preferences): void {
  apply({ ...current, ...changes });
  unsaved = { ...unsaved, ...changes };
  if (!isSignedIn) return;
  clearTimeout(timer);
  timer = setTimeout(() => void save(), SAVE_DELAY_MS);
}

/** The account's preferences take precedence over this device, except for unsaved changes made here. */
export function adoptPreferences(fromAccount: Preferences): void {
  isSignedIn = true;
  apply({ ...current, ...known(fromAccount), ...unsaved });
}

export function usePreferences(): FullPreferences {
  return useSyncExternalStore(
    (notify) => {
      listeners.add(notify);
      return () => listeners.delete(notify);
    },
    () => current,
  );
}
