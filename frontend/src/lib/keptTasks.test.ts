import { beforeEach, describe, expect, it, vi } from "vitest";
import type { Me, Task } from "./api/types";
import { clearHand } from "./handStore";
import { keepMe, keptMe } from "./keptMe";
import { forgetTask, keepTasks, keptTasks } from "./keptTasks";

const taskOf = (id: string): Task => ({
  id,
  campaign: "demo",
  standard_set: 1,
  due_at: "2030-01-01T00:00:00Z",
  due_in_s: 900,
  target: { label: `PGC ${id}`, images: { gri: "aa/x" }, sizes_px: [256], image_path: "/media/{stem}-{size}.webp" },
  sources: {},
  orders: {},
  guide: null,
});
const ids = (volunteer = "v1") => keptTasks(volunteer).map(({ id }) => id);

let stored: Map<string, string>;
beforeEach(() => {
  stored = new Map();
  const store = {
    getItem: (key: string) => stored.get(key) ?? null,
    setItem: (key: string, text: string) => void stored.set(key, text),
    removeItem: (key: string) => void stored.delete(key),
  };
  vi.stubGlobal("localStorage", new Proxy(store, { ownKeys: () => [...stored.keys()], getOwnPropertyDescriptor: () => ({ enumerable: true, configurable: true }) }));
});

describe("galaxies saved on this device", () => {
  it("come back in their order, with leases that count as ended", () => {
    keepTasks("v1", [taskOf("b"), taskOf("a")]);
    expect(keptTasks("v1")).toEqual([taskOf("b"), taskOf("a")].map((task) => ({ ...task, due_in_s: 0 })));
  });

  it("are another person's, judged, or cleared by a log-out: then they are not there", () => {
    keepTasks("v1", [taskOf("a"), taskOf("b")]);
    forgetTask("v1", "a");
    expect([ids("v2"), ids("v1")]).toEqual([[], ["b"]]);
    clearHand("all");
    expect(ids()).toEqual([]);
  });

  it.each([null, 3, {}, { place: 0 }, { place: 0, task: { ...taskOf("a"), orders: 7 } }, { place: 0, task: { ...taskOf("a"), target: null } }])(
    "are left out where something else was saved: %j",
    (work) => {
      keepTasks("v1", [taskOf("b")]);
      stored.set("giz-in-hand:v1:task:a", JSON.stringify({ savedAt: Date.now(), work }));
      expect(ids()).toEqual(["b"]);
    },
  );
});

describe("who was logged in last", () => {
  const me = { volunteer: "v1", role: "volunteer", preferences: {}, counts: { votes: 3 } } as unknown as Me;

  it("is saved until a log-out, as the same object", () => {
    keepMe(me);
    expect(keptMe()).toEqual(me);
    expect(keptMe()).toBe(keptMe());
    keepMe({ ...me, volunteer: null });
    expect(keptMe()).toBeUndefined();
  });

  it.each(["", "{", "null", "[]", '{"volunteer":null}', '{"volunteer":"v1","preferences":{}}'])("is nobody where something else was saved: %s", (text) => {
    stored.set("giz-me", text);
    expect(keptMe()).toBeUndefined();
  });
});
