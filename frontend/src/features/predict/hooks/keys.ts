/** The keyboard commands of the Predict page, the same as on the comparison page where possible. */

import { type KeyPress, plainKey } from "@/lib/keys/press";
import { VIEW_KEYS, type ViewKeyCommand } from "@/lib/keys/viewKeys";

export type KeyCommand =
  | ViewKeyCommand
  | { do: "evaluate" | "outline" | "another" }
  | { do: "move"; x: number; y: number };

/** A step of the arrow keys, as a fraction of the frame. */
export const MOVE_STEP = 0.01;
const SHIFTED = 5;

const KEYS: Record<string, KeyCommand> = {
  ...VIEW_KEYS,
  enter: { do: "evaluate" },
  o: { do: "outline" },
  n: { do: "another" },
};

const ARROWS: Record<string, readonly [number, number]> = { arrowleft: [-1, 0], arrowright: [1, 0], arrowup: [0, -1], arrowdown: [0, 1] };

const REPEATABLE = new Set(["zoom", "turn", "move"]);

export function commandOf(press: KeyPress): KeyCommand | null {
  const key = plainKey(press);
  if (key === null) return null;
  const command = Object.hasOwn(KEYS, key) ? (KEYS[key] ?? null) : null;
  return command && press.repeat && !REPEATABLE.has(command.do) ? null : command;
}

/** The arrow keys move the galaxy only while the picture has the focus: elsewhere they scroll the page. */
export function moveOf(press: KeyPress): KeyCommand | null {
  const key = plainKey(press);
  const arrow = key === null ? undefined : ARROWS[key];
  if (!arrow) return null;
  const step = MOVE_STEP * (press.shiftKey ? SHIFTED : 1);
  return { do: "move", x: arrow[0] * step, y: arrow[1] * step };
}
