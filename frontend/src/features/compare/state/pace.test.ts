import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { commandOf } from "../hooks/keys";
import { LATE_MS, Pace, QUIET_MS, STANDING_MS } from "./pace";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const NAMES: Record<string, string> = { Enter: "Enter", "→": "ArrowRight", "←": "ArrowLeft" };

/** A page on which keys are pressed: what was done, and on which row; Enter leads to the next row. */
function desk({ decodeMs = 0 } = {}) {
  const pace = new Pace();
  const rows = ["1 A", "1 B", "2 A", "2 B", "3 A", "3 B"];
  const done: string[] = [];
  let row = 0;
  let isReady = false;
  let decoding: ReturnType<typeof setTimeout> | undefined;
  const look = () => {
    pace.show(rows[row] ?? "", isReady, false);
    if (pace.takeKept()) confirm();
  };
  const load = () => {
    clearTimeout(decoding);
    isReady = decodeMs === 0;
    if (!isReady)
      decoding = setTimeout(() => {
        isReady = true;
        look();
      }, decodeMs);
    look();
  };
  const confirm = () => {
    done.push(`${rows[row]}: Enter`);
    row += 1;
    load();
  };
  const press = (name: string) => {
    const command = commandOf({ key: NAMES[name] ?? name, shiftKey: false, ctrlKey: false, altKey: false, metaKey: false, repeat: false });
    if (!command || !pace.allows(command.do)) return;
    if (command.do === "confirm") return confirm();
    done.push(`${rows[row]}: ${name}`);
    pace.touched();
    load();
  };
  const type = (keys: string, gapMs: number) => {
    for (const name of keys.split(" ")) {
      press(name);
      vi.advanceTimersByTime(gapMs);
    }
  };
  load();
  return { pace, done, type, press, wait: (ms: number) => vi.advanceTimersByTime(ms) };
}

describe("when Enter counts", () => {
  it("rests until what is new has stood there, or was moved [flow F4]", () => {
    const page = desk();
    expect(page.pace.mood()).toBe("rests");
    page.wait(STANDING_MS - 1);
    expect(page.pace.mood()).toBe("rests");
    page.wait(1);
    expect(page.pace.mood()).toBe("free");
    page.press("Enter");
    expect(page.pace.mood()).toBe("rests");
    page.press("→");
    expect(page.pace.mood()).toBe("free");
  });

  it.each([60, 150, 250, 500])("four Enters, %i ms apart, are one [flow F4]", (gapMs) => {
    const page = desk();
    page.wait(STANDING_MS);
    page.type("Enter Enter Enter Enter", gapMs);
    expect(page.done).toEqual(["1 A: Enter"]);
    page.wait(QUIET_MS);
    expect(page.pace.mood()).toBe("free");
  });

  it("keeps one Enter for pictures that are coming, and says so [ux B7]", () => {
    const page = desk({ decodeMs: 2000 });
    page.press("3");
    page.wait(LATE_MS);
    expect(page.pace.mood()).toBe("coming");
    page.type("Enter Enter", 50);
    expect(page.pace.mood()).toBe("kept");
    expect(page.done).toEqual(["1 A: 3"]);
    page.wait(5000);
    expect(page.done).toEqual(["1 A: 3", "1 A: Enter"]);
  });

  it("drops a kept Enter where another key makes it unclear what was meant [ux B7]", () => {
    const page = desk({ decodeMs: 800 });
    page.press("3");
    page.type("Enter →", 100);
    expect(page.pace.mood()).toBe("refused");
    page.wait(5000);
    expect(page.done).toEqual(["1 A: 3"]);
    expect(page.pace.mood()).toBe("free");
  });

  const MEANT = "1 A: 3, 1 A: Enter, 1 B: →, 1 B: Enter";
  const SPEEDS = [60, 150, 250, 500, 900].flatMap((gapMs) => [0, 40, 120, 300, 700, 1300, 3000].map((decodeMs) => ({ gapMs, decodeMs })));
  it.each(SPEEDS)("records no place that nobody chose: a key each $gapMs ms, pictures after $decodeMs ms [ux B7]", ({ gapMs, decodeMs }) => {
    const page = desk({ decodeMs });
    page.wait(decodeMs + STANDING_MS);
    page.type("3 Enter → Enter 6 Enter", gapMs);
    page.wait(10_000);
    const said = page.done.join(", ");
    if (said.includes("1 B: Enter")) expect(said.startsWith(MEANT)).toBe(true);
    expect(said).not.toContain("2 B: Enter");
  });

  it("lets nothing be filled in, skipped or answered by the keys after a refused Enter [ux B7]", () => {
    const page = desk();
    page.type("Enter x 2 k Enter", 80);
    expect(page.done).toEqual([]);
  });

  it("trusts whoever points: a click ends the pause", () => {
    const page = desk();
    page.press("Enter");
    expect(page.pace.mood()).toBe("refused");
    page.pace.touched();
    expect(page.pace.mood()).toBe("free");
  });

  it("never skips a galaxy that nobody saw", () => {
    const page = desk();
    page.wait(STANDING_MS);
    page.press("Enter");
    page.press("k");
    expect(page.done).toEqual(["1 A: Enter"]);
  });

  it("keeps no Enter while an answer is taken back", () => {
    const page = desk();
    page.wait(STANDING_MS);
    page.pace.show("1 A", true, true);
    expect(page.pace.allows("confirm")).toBe(false);
    page.pace.show("1 A", true, false);
    expect(page.pace.takeKept()).toBe(false);
  });
});
