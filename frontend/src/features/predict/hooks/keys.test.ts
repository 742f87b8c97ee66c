import { describe, expect, it } from "vitest";
import type { KeyPress } from "@/lib/keys/press";
import { commandOf, moveOf } from "./keys";

const press = (key: string, more: Partial<KeyPress> = {}): KeyPress => ({ key, shiftKey: false, ctrlKey: false, altKey: false, metaKey: false, repeat: false, ...more });

describe("keys of the Predict page", () => {
  it("turn by five degrees, and by one", () => {
    expect(commandOf(press("]"))).toEqual({ do: "turn", byDeg: 5 });
    expect(commandOf(press("{", { shiftKey: true, repeat: true }))).toEqual({ do: "turn", byDeg: -1 });
    expect(commandOf(press("[", { ctrlKey: true, altKey: true }))).toEqual({ do: "turn", byDeg: -5 });
  });

  it("leave the browser's own commands alone", () => {
    expect(commandOf(press("r", { ctrlKey: true }))).toBeNull();
    expect(commandOf(press("+", { metaKey: true }))).toBeNull();
    expect(moveOf(press("ArrowLeft", { altKey: true }))).toBeNull();
  });

  it("ask once, however long Enter is held", () => {
    expect(commandOf(press("Enter", { repeat: true }))).toBeNull();
  });

  it("move with the arrows, further with Shift", () => {
    expect(moveOf(press("ArrowUp"))).toEqual({ do: "move", x: 0, y: -0.01 });
    expect(moveOf(press("ArrowRight", { shiftKey: true }))).toEqual({ do: "move", x: 0.05, y: 0 });
    expect(moveOf(press("a"))).toBeNull();
    expect(commandOf(press("ArrowUp"))).toBeNull();
  });
});
