import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

let nowMs: number;
let stored: Map<string, string>;
const page = Object.assign(new EventTarget(), { visibilityState: "visible" });

beforeEach(() => {
  nowMs = 1000;
  stored = new Map();
  page.visibilityState = "visible";
  vi.stubGlobal("performance", { now: () => nowMs });
  vi.stubGlobal("document", page);
  vi.stubGlobal("window", new EventTarget());
  vi.stubGlobal("sessionStorage", { getItem: (key: string) => stored.get(key) ?? null, setItem: (key: string, value: string) => stored.set(key, value) });
});
afterEach(() => vi.unstubAllGlobals());

/** As after a reload: the module begins anew, the tab's storage stays. */
async function load() {
  vi.resetModules();
  return import("./screenTime");
}

function look(isVisible: boolean) {
  page.visibilityState = isVisible ? "visible" : "hidden";
  page.dispatchEvent(new Event("visibilitychange"));
}

describe("time on screen [flow F5]", () => {
  it("counts a galaxy only while it is in front, not since it was loaded ahead", async () => {
    const { putInFront, shownMs } = await load();
    putInFront("a");
    nowMs += 5100;
    putInFront("b");
    nowMs += 4400;
    expect([shownMs("a"), shownMs("b"), shownMs("c")]).toEqual([5100, 4400, 0]);
  });

  it("counts only while the page is looked at", async () => {
    const { putInFront, shownMs, watchScreen } = await load();
    const stop = watchScreen();
    putInFront("a");
    nowMs += 2000;
    look(false);
    nowMs += 3_600_000;
    look(true);
    nowMs += 500;
    expect(shownMs("a")).toBe(2500);
    stop();
  });

  it("goes on after undo and after a reload", async () => {
    const first = await load();
    const stop = first.watchScreen();
    first.putInFront("a");
    nowMs += 3000;
    first.putInFront("b");
    nowMs += 1000;
    first.putInFront("a");
    nowMs += 200;
    look(false);
    stop();
    look(true);
    const second = await load();
    second.putInFront("a");
    nowMs += 300;
    expect(second.shownMs("a")).toBe(3500);
  });

  it("begins anew where the tab's storage holds nonsense", async () => {
    stored.set("giz-screen-time", "[7, {}, null");
    const { putInFront, shownMs } = await load();
    putInFront("a");
    nowMs += 10;
    expect(shownMs("a")).toBe(10);
  });
});
