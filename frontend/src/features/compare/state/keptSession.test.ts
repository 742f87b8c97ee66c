import { beforeEach, describe, expect, it, vi } from "vitest";
import type { Task } from "@/lib/api/types";
import { clearHand } from "@/lib/handStore";
import { type DeckAction, deckReducer, EMPTY_DECK } from "./deck";
import { keepSession, sessionOf } from "./keptSession";
import { type Session, startSession, traceNow } from "./session";

const bins = Array.from({ length: 46 }, (_, index) => 45 + index);
const taskOf = (id: string, first = 0): Task => ({
  id,
  campaign: "demo",
  standard_set: 1,
  due_at: "2030-01-01T00:00:00Z",
  due_in_s: 900,
  target: { label: `PGC ${id}`, images: { gri: "aa/x" }, sizes_px: [128, 256], image_path: "/media/{stem}-{size}.webp" },
  guide: null,
  sources: Object.fromEntries(bins.map((bin) => [bin, bin])),
  orders: Object.fromEntries(bins.map((bin) => [bin, [0, 1, 2, 3].map((n) => bin * 100 + ((n + first) % 4))])),
});
const shared = { band: "gri", invert: false, zoom: 1, rotationDeg: 0, flip: false } as const;

/** In step B, moved, another standard drawn, turned, enlarged, with a remark. */
function worked(): Session {
  const deeds: DeckAction[] = [
    { kind: "place", slot: 6 },
    { kind: "confirm" },
    { kind: "move", by: 1 },
    { kind: "redraw", which: "left" },
    { kind: "turn", byDeg: 5, shared },
    { kind: "zoom", zoom: 2.8, shared },
    { kind: "remark", remarks: { reasons: ["disturbed"], comment: "a tail" } },
  ];
  const [session] = deeds.reduce(deckReducer, deckReducer(EMPTY_DECK, { kind: "dealt", task: taskOf("1") })).sessions;
  if (!session) throw new Error("no galaxy");
  return session;
}

let stored: Map<string, string>;
beforeEach(() => {
  stored = new Map();
  const store = {
    getItem: (key: string) => stored.get(key) ?? null,
    setItem: (key: string, value: string) => {
      stored.set(key, value);
      Object.defineProperty(store, key, { value, enumerable: true, configurable: true });
    },
    removeItem: (key: string) => {
      stored.delete(key);
      Reflect.deleteProperty(store, key);
    },
  };
  vi.stubGlobal("localStorage", store);
});

describe("a galaxy in hand", () => {
  it("comes back as it was left: place, step, draws, view and remark [ux C21]", () => {
    const session = worked();
    keepSession("v1", session);
    const back = sessionOf("v1", { ...taskOf("1"), due_at: "2031-01-01T00:00:00Z" });
    expect({ ...back, task: null, motion: null }).toEqual({ ...session, task: null, motion: null });
    expect(back.task.due_at).toBe("2031-01-01T00:00:00Z");
    expect(traceNow(back)).toEqual(traceNow(session));
  });

  it("is another person's, another task's, or drawn anew: then it starts fresh [ux C21]", () => {
    keepSession("v1", worked());
    expect(sessionOf("v2", taskOf("1"))).toEqual(startSession(taskOf("1")));
    expect(sessionOf("v1", taskOf("2"))).toEqual(startSession(taskOf("2")));
    expect(sessionOf("v1", taskOf("1", 1))).toEqual(startSession(taskOf("1", 1)));
  });

  it("leaves nothing behind where nothing was done, and nothing after a log-out [ux C21]", () => {
    keepSession("v1", startSession(taskOf("1")));
    expect(stored.size).toBe(0);
    keepSession("v1", worked());
    localStorage.setItem("giz-preferences", "{}");
    clearHand("all");
    expect([...stored.keys()]).toEqual(["giz-preferences"]);
  });

  it("is forgotten after a day", () => {
    keepSession("v1", worked());
    clearHand("old");
    expect(stored.size).toBe(1);
    vi.useFakeTimers({ now: Date.now() + 25 * 3600_000 });
    expect(sessionOf("v1", taskOf("1"))).toEqual(startSession(taskOf("1")));
    clearHand("old");
    expect(stored.size).toBe(0);
    vi.useRealTimers();
  });

  it.each(["", "{", "null", '{"work":{}}', '{"savedAt":9e15,"work":{"version":1,"work":{"place":{"step":"B"}}}}'])("survives a store that holds %j", (text) => {
    keepSession("v1", worked());
    for (const key of stored.keys()) stored.set(key, text);
    expect(sessionOf("v1", taskOf("1"))).toEqual(startSession(taskOf("1")));
    vi.stubGlobal("localStorage", undefined);
    keepSession("v1", worked());
    expect(sessionOf("v1", taskOf("1"))).toEqual(startSession(taskOf("1")));
  });

  it("never stands outside its row, whatever is stored", () => {
    const session = worked();
    keepSession("v1", session);
    for (const [key, text] of stored) stored.set(key, text.replace(/"slot":\d+,"slots"/, '"slot":99,"slots"'));
    expect(sessionOf("v1", taskOf("1"))).toEqual(startSession(taskOf("1")));
  });
});
