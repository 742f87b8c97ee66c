/** The keyboard commands of the comparison. */

import { type KeyPress, plainKey } from "@/lib/keys/press";
import { VIEW_KEYS, type ViewKeyCommand } from "@/lib/keys/viewKeys";

export type KeyCommand =
  | { do: "move"; by: -1 | 1 }
  | { do: "place"; slot: number }
  | { do: "place_last" }
  | { do: "confirm" | "step_back" | "reject" | "flip" | "undo" | "skip" | "large" | "remark" | "guide" }
  | { do: "redraw"; which: "left" | "right" | "all" }
  | ViewKeyCommand;

const KEYS: Record<string, KeyCommand> = {
  ...VIEW_KEYS,
  arrowleft: { do: "move", by: -1 },
  arrowright: { do: "move", by: 1 },
  a: { do: "move", by: -1 },
  d: { do: "move", by: 1 },
  home: { do: "place", slot: 0 },
  end: { do: "place_last" },
  enter: { do: "confirm" },
  backspace: { do: "step_back" },
  x: { do: "reject" },
  n: { do: "redraw", which: "left" },
  m: { do: "redraw", which: "right" },
  f: { do: "flip" },
  u: { do: "undo" },
  k: { do: "skip" },
  l: { do: "large" },
  e: { do: "remark" },
  b: { do: "guide" },
};

/** Commands that repeat while a key is held down. */
const REPEATABLE = new Set(["move", "zoom", "turn"]);

export function commandOf(press: KeyPress): KeyCommand | null {
  const key = plainKey(press);
  if (key === null) return null;
  let command = Object.hasOwn(KEYS, key) ? (KEYS[key] ?? null) : null;
  if (/^[0-9]$/.test(key)) command = { do: "place", slot: key === "0" ? 9 : Number(key) - 1 };
  if (key === "n" && press.shiftKey) command = { do: "redraw", which: "all" };
  return command && press.repeat && !REPEATABLE.has(command.do) ? null : command;
}
