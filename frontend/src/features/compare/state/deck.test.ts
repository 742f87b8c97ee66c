import { describe, expect, it } from "vitest";
import type { Task } from "@/lib/api/types";
import { type Deck, type DeckAction, deckReducer, EMPTY_DECK } from "./deck";
import { outcomeNow, rowOf, type Session, traceNow, type View } from "./session";

const bins = Array.from({ length: 46 }, (_, index) => 45 + index);
const taskOf = (id: string): Task => ({
  id,
  campaign: "demo",
  standard_set: 1,
  due_at: "2030-01-01T00:00:00Z",
  due_in_s: 900,
  target: { label: `PGC ${id}`, images: { gri: "aa/x" }, sizes_px: [128, 256], image_path: "/media/{stem}-{size}.webp" },
  guide: null,
  sources: Object.fromEntries(bins.map((bin) => [bin, bin])),
  orders: Object.fromEntries(bins.map((bin) => [bin, [0, 1, 2, 3].map((n) => bin * 100 + n)])),
});
const SHARED: View = { band: "gri", invert: false, zoom: 1, rotationDeg: 0, flip: false };

function play(...actions: DeckAction[]): Deck {
  return actions.reduce(deckReducer, deckReducer(EMPTY_DECK, { kind: "dealt", task: taskOf("1") }));
}
function first(deck: Deck): Session {
  const session = deck.sessions[0];
  if (!session) throw new Error("the deck is empty");
  return session;
}

describe("judging one galaxy", () => {
  it("unfolds step A's interval into step B and answers with the mean of the neighbours", () => {
    const session = first(play({ kind: "place", slot: 4 }, { kind: "confirm" }));
    expect(session.place).toEqual({ step: "B", window: 58 });
    expect(session.slot).toBe(5);
    expect(outcomeNow(session)).toEqual({ kind: "accepted", inclinationDeg: 62.5 });
    expect(traceNow(session).steps.map((step) => [step.step, step.slot])).toEqual([["A", 4], ["B", 5]]);
  });
  it("steps back to A with everything as it was, and forth to the same B", () => {
    const before = first(play({ kind: "place", slot: 4 }, { kind: "redraw", which: "left" }));
    const b = first(play({ kind: "place", slot: 4 }, { kind: "redraw", which: "left" }, { kind: "confirm" }, { kind: "move", by: -1 }));
    const back = first(deckReducer({ sessions: [b], scope: "all" }, { kind: "step_back" }));
    expect([back.place, back.slot, rowOf(back)]).toEqual([before.place, before.slot, rowOf(before)]);
    const again = first(deckReducer({ sessions: [back], scope: "all" }, { kind: "confirm" }));
    expect([again.place, again.slot, rowOf(again)]).toEqual([b.place, b.slot, rowOf(b)]);
    expect(traceNow(again).steps.map((step) => step.step)).toEqual(["A", "B", "A", "B"]);
  });
  it("slides the window at its outermost slots and keeps the place", () => {
    const session = first(play({ kind: "place", slot: 4 }, { kind: "confirm" }, { kind: "place", slot: 0 }, { kind: "confirm" }));
    expect(session.place).toEqual({ step: "B", window: 54 });
    expect(session.slot).toBe(4);
    expect(session.motion).toBe("slide-left");
  });
  it("an answer that ends the task changes nothing until the vote is kept", () => {
    const deck = play({ kind: "place", slot: 0 });
    expect(outcomeNow(first(deck))).toEqual({ kind: "face_on" });
    expect(first(deckReducer(deck, { kind: "confirm" }))).toBe(first(deck));
  });
  it("never leaves the row", () => {
    expect(first(play({ kind: "place", slot: 99 })).slot).toBe(9);
    expect(first(play({ kind: "place", slot: 0 }, { kind: "move", by: -1 })).slot).toBe(0);
  });
});

describe("the view of one panel", () => {
  it("is its own until it rejoins", () => {
    const deck = play({ kind: "scope", scope: "left" }, { kind: "own_view", change: { band: "r" }, shared: SHARED }, { kind: "turn", byDeg: 5, shared: SHARED });
    const session = first(deck);
    expect(Object.values(session.own)).toEqual([{ ...SHARED, band: "r", rotationDeg: 5 }]);
    expect(session.rotationDeg).toBe(0);
    expect(first(deckReducer(deck, { kind: "rejoin", which: "left" })).own).toEqual({});
  });
  it("zoom belongs to the galaxy: the next one starts at 1 [ux B5]", () => {
    const deck = play({ kind: "dealt", task: taskOf("2") }, { kind: "zoom", zoom: 2.8, shared: SHARED });
    expect(first(deck).zoom).toBe(2.8);
    expect(first(deckReducer(deck, { kind: "finished", taskId: "1" })).zoom).toBe(1);
    expect(first(deckReducer(deck, { kind: "unzoom" })).zoom).toBe(1);
  });
  it("undoing the zoom leaves band and turn of a panel's own view alone", () => {
    const deck = play({ kind: "scope", scope: "left" }, { kind: "turn", byDeg: 5, shared: SHARED }, { kind: "zoom", zoom: 3, shared: SHARED }, { kind: "unzoom" });
    expect(Object.values(first(deck).own)).toEqual([{ ...SHARED, rotationDeg: 5 }]);
  });
  it("turning and flipping all together stays within half a turn", () => {
    expect(first(play({ kind: "turn", byDeg: 175, shared: SHARED }, { kind: "turn", byDeg: 10, shared: SHARED })).rotationDeg).toBe(-175);
    expect(first(play({ kind: "flip", shared: SHARED }, { kind: "reset_view" })).flip).toBe(false);
  });
});

describe("the deck", () => {
  it("goes on with the next galaxy, and an undone one comes back in front as it was", () => {
    let deck = play({ kind: "dealt", task: taskOf("2") }, { kind: "dealt", task: taskOf("2") }, { kind: "place", slot: 7 });
    const judged = first(deck);
    deck = deckReducer(deck, { kind: "finished", taskId: "1" });
    expect(deck.sessions.map((session) => session.task.id)).toEqual(["2"]);
    deck = deckReducer(deck, { kind: "returned", session: judged });
    expect(deck.sessions.map((session) => [session.task.id, session.slot])).toEqual([["1", 7], ["2", 5]]);
  });
  it("keeps a renewed lease's new end", () => {
    const deck = play({ kind: "renewed", taskId: "1", dueAt: "2031-01-01T00:00:00Z", dueInS: 900 });
    expect(first(deck).task.due_at).toBe("2031-01-01T00:00:00Z");
  });
});
