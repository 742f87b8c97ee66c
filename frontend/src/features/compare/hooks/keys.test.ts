import { describe, expect, it } from "vitest";
import type { KeyPress } from "@/lib/keys/press";
import { commandOf } from "./keys";

const press = (key: string, more: Partial<KeyPress> = {}): KeyPress => ({
  key, shiftKey: false, ctrlKey: false, altKey: false, metaKey: false, repeat: false, ...more,
});

describe("keys", () => {
  it.each([
    ["ArrowLeft", { do: "move", by: -1 }], ["d", { do: "move", by: 1 }], ["1", { do: "place", slot: 0 }], ["9", { do: "place", slot: 8 }],
    ["0", { do: "place", slot: 9 }], ["Enter", { do: "confirm" }], ["Backspace", { do: "step_back" }], ["X", { do: "reject" }],
    ["m", { do: "redraw", which: "right" }], ["]", { do: "turn", byDeg: 5 }], ["{", { do: "turn", byDeg: -1 }], ["+", { do: "zoom", steps: 1 }],
    ["?", { do: "help" }], ["b", { do: "guide" }], ["q", null], ["Tab", null], ["constructor", null],
  ])("%s does %o", (key, command) => expect(commandOf(press(key))).toEqual(command));

  it("Shift+N draws all others", () => expect(commandOf(press("N", { shiftKey: true }))).toEqual({ do: "redraw", which: "all" }));
  it("leaves the browser's own shortcuts alone", () => {
    expect(commandOf(press("r", { ctrlKey: true }))).toBeNull();
    expect(commandOf(press("d", { metaKey: true }))).toBeNull();
    expect(commandOf(press("ArrowLeft", { altKey: true }))).toBeNull();
  });
  it("takes brackets typed with AltGr", () => expect(commandOf(press("[", { ctrlKey: true, altKey: true }))).toEqual({ do: "turn", byDeg: -5 }));
  it("a held key moves on, but never answers twice", () => {
    expect(commandOf(press("ArrowRight", { repeat: true }))).toEqual({ do: "move", by: 1 });
    expect(commandOf(press("Enter", { repeat: true }))).toBeNull();
  });
});
