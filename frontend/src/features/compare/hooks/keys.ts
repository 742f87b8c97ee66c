/** Which key does what (EXPERIENCE.md "Keys"). */

import type { Band } from "@/lib/api/types";
import { type KeyPress, plainKey } from "@/lib/keys/press";

export type KeyCommand =
  | { do: "move"; by: -1 | 1 }
  | { do: "place"; slot: number }
  | { do: "place_last" }
  | { do: "confirm" | "step_back" | "reject" | "next_band" | "invert" | "flip" | "undo" | "skip" | "help" | "large" | "reset" | "remark" }
  | { do: "redraw"; which: "left" | "right" | "all" }
  | { do: "band"; band: Band }
  | { do: "zoom"; steps: -1 | 1 }
  | { do: "turn"; byDeg: number };

const KEYS: Record<string, KeyCommand> = {
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
  c: { do: "next_band" },
  g: { do: "band", band: "g" },
  r: { do: "band", band: "r" },
  i: { do: "band", band: "i" },
  v: { do: "invert" },
  "+": { do: "zoom", steps: 1 },
  "=": { do: "zoom", steps: 1 },
  "-": { do: "zoom", steps: -1 },
  "−": { do: "zoom", steps: -1 },
  "[": { do: "turn", byDeg: -5 },
  "]": { do: "turn", byDeg: 5 },
  "{": { do: "turn", byDeg: -1 },
  "}": { do: "turn", byDeg: 1 },
  f: { do: "flip" },
  u: { do: "undo" },
  k: { do: "skip" },
  l: { do: "large" },
  z: { do: "reset" },
  e: { do: "remark" },
  "?": { do: "help" },
};

/** Commands that holding a key down may repeat. */
const REPEATABLE = new Set(["move", "zoom", "turn"]);

export function commandOf(press: KeyPress): KeyCommand | null {
  const key = plainKey(press);
  if (key === null) return null;
  let command = Object.hasOwn(KEYS, key) ? (KEYS[key] ?? null) : null;
  if (/^[0-9]$/.test(key)) command = { do: "place", slot: key === "0" ? 9 : Number(key) - 1 };
  if (key === "n" && press.shiftKey) command = { do: "redraw", which: "all" };
  return command && press.repeat && !REPEATABLE.has(command.do) ? null : command;
}
