/** The keys that change the display of a galaxy, the same on every page. */

import type { Band } from "../api/types";

export type ViewKeyCommand = { do: "next_band" | "invert" | "reset" | "help" } | { do: "band"; band: Band } | { do: "zoom"; steps: -1 | 1 } | { do: "turn"; byDeg: number };

export const VIEW_KEYS: Record<string, ViewKeyCommand> = {
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
  z: { do: "reset" },
  "?": { do: "help" },
};
