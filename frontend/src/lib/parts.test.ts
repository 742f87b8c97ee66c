import { describe, expect, it, vi } from "vitest";
import { entryOf } from "./freshness";
import { afterFirstPress, fetchWhenIdle, Part } from "./parts";

const Sheet = () => null;
const NOT_THERE = new TypeError("Failed to fetch dynamically imported module: http://giz.test/assets/Dialogs-a1.js");

describe("a part of the page", () => {
  it("is fetched once, however often it is wanted", async () => {
    const fetchIt = vi.fn(async () => ({ default: Sheet }));
    const part = new Part(fetchIt);
    await Promise.all([part.load(), part.load()]);
    await part.load();
    expect(fetchIt).toHaveBeenCalledTimes(1);
    expect(part.now()).toEqual({ kind: "ready", Component: Sheet });
  });

  it("that failed is really fetched again [flow F7]", async () => {
    const fetchIt = vi.fn<() => Promise<{ default: typeof Sheet }>>().mockRejectedValueOnce(NOT_THERE).mockResolvedValue({ default: Sheet });
    const part = new Part(fetchIt);
    const heard = vi.fn();
    part.watch(heard);
    await part.load();
    expect(part.now().kind).toBe("failed");
    await part.load();
    expect(part.now().kind).toBe("ready");
    expect(heard).toHaveBeenCalledTimes(2);
  });

  it("is asked for under another address where the browser remembers the failure [flow F7]", async () => {
    const asked: string[] = [];
    const part = new Part<object>(
      () => Promise.reject(NOT_THERE),
      async (address) => {
        asked.push(address);
        if (asked.length < 2) throw NOT_THERE;
        return { default: Sheet };
      },
    );
    for (let round = 0; round < 3; round += 1) await part.load();
    expect(asked).toEqual(["http://giz.test/assets/Dialogs-a1.js?again=2", "http://giz.test/assets/Dialogs-a1.js?again=3"]);
    expect(part.now().kind).toBe("ready");
  });

  it("is fetched ahead one after the other, also after one that failed [ux A3]", async () => {
    const order: string[] = [];
    const named = (name: string, fails = false) =>
      new Part<object>(async () => {
        order.push(name);
        if (fails) throw NOT_THERE;
        return { default: Sheet };
      });
    fetchWhenIdle(named("sheets", true), named("me"));
    await vi.waitFor(() => expect(order).toEqual(["sheets", "me"]), { timeout: 5000 });
  });
});

describe("what is fetched after the first press", () => {
  it("begins with a key or a pointer, once, and stops when the page is left", () => {
    vi.stubGlobal("window", new EventTarget());
    const stop = vi.fn();
    const begin = vi.fn(() => stop);
    const leave = afterFirstPress(begin);
    expect(begin).not.toHaveBeenCalled();
    window.dispatchEvent(new Event("keydown"));
    window.dispatchEvent(new Event("pointerdown"));
    expect(begin).toHaveBeenCalledTimes(1);
    leave();
    expect(stop).toHaveBeenCalledTimes(1);
  });
});

describe("a new build of the site", () => {
  it("is known by the script that its pages begin with [ux A3]", () => {
    const page = (name: string) => `<head><script src="/theme.js"></script><script type="module" crossorigin src="/assets/${name}.js"></script></head>`;
    expect(entryOf(page("index-a1"))).toBe("/assets/index-a1.js");
    expect(entryOf(page("index-b2"))).not.toBe(entryOf(page("index-a1")));
    expect(entryOf("<h1>502 Bad Gateway</h1>")).toBeNull();
  });
});
