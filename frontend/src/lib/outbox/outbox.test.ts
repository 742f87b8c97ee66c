import "fake-indexeddb/auto";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { ApiError } from "../api/client";
import type { VoteBody, VoteReceipt } from "../api/types";
import { fateOf, pauseMs } from "./delivery";
import { Outbox, type OutboxEvent } from "./outbox";
import { openIndexedStore, type VoteStore } from "./store";

const bodyOf = (key: string): VoteBody => ({ key, task: `task-${key}`, trace: null, verdict: "rejected", reasons: ["multiple"], comment: "" });
const receiptOf = (vote: VoteBody): VoteReceipt => ({
  key: vote.key, task: vote.task, verdict: "J", inclination_deg: null, created_at: "", undo_until: "", replayed: false,
});
const UNREACHABLE = new ApiError(0, "unreachable", "");

let databases = 0;
let store: VoteStore;
let answers: (ApiError | "ok")[];
let sent: string[];
let events: OutboxEvent[];

function makeOutbox(): Outbox {
  const box = new Outbox({
    store: Promise.resolve(store),
    send: async (vote) => {
      sent.push(vote.key);
      const answer = answers.shift() ?? "ok";
      if (answer !== "ok") throw answer;
      return receiptOf(vote);
    },
    renewSession: async () => undefined,
    exclusively: async (work) => (await work(), true),
    afterOthers: (work) => work(),
    random: () => 0,
  });
  box.hear((event) => events.push(event));
  return box;
}

beforeEach(async () => {
  databases += 1;
  store = await openIndexedStore(`giz-test-${databases}`);
  answers = [];
  sent = [];
  events = [];
});

describe("what an answer means", () => {
  it.each([
    [0, "unreachable", "later"], [500, "http_500", "later"], [503, "unavailable", "later"], [429, "too_many_requests", "later"],
    [401, "not_authenticated", "login"], [403, "csrf", "session"], [403, "permission_denied", "refused"],
    [409, "already_voted", "settled"], [409, "lease_lost", "settled"], [409, "retired", "settled"], [422, "key_reused", "settled"],
    [400, "bad_trace", "refused"], [404, "not_found", "refused"],
  ] as const)("%i %s is %s", (status, code, fate) => expect(fateOf(new ApiError(status, code, ""))).toBe(fate));

  it.each([[1, null, 2000], [2, null, 4000], [9, null, 60_000], [1, 30, 30_000]])("after %i failures, told %s s: %i ms", (n, after, ms) =>
    expect(pauseMs(n, after, 0)).toBe(ms));
});

describe("the outbox", () => {
  it("says that a vote has to wait, so that nobody reads it was recorded [flow F15]", async () => {
    answers = [UNREACHABLE];
    const box = makeOutbox();
    await box.setVolunteer("v1");
    await box.add(bodyOf("a"), "Demo 1");
    await vi.waitFor(() => expect(events).toEqual([{ kind: "delayed", key: "a" }]));
    await vi.waitFor(() => expect(box.getState().waiting).toBe(1));
  });

  it("keeps a vote until the server acknowledges it, and says what it answered", async () => {
    const box = makeOutbox();
    await box.setVolunteer("v1");
    await box.add(bodyOf("a"), "PGC 1");
    await box.flush();
    expect(await store.all()).toEqual([]);
    expect(events.map((event) => [event.kind, event.key])).toEqual([["receipt", "a"]]);
    expect(box.getState().waiting).toBe(0);
  });

  it("keeps it while the server can't be reached and sends the same key again", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      const box = makeOutbox();
      await box.setVolunteer("v1");
      answers = [UNREACHABLE];
      await box.add(bodyOf("a"), "PGC 1");
      await box.flush();
      expect(box.getState().waiting).toBe(1);
      await vi.advanceTimersByTimeAsync(2000);
      vi.useRealTimers();
      await vi.waitFor(async () => expect(await store.all()).toEqual([]));
      expect(sent).toEqual(["a", "a"]);
    } finally {
      vi.useRealTimers();
    }
  });

  it("sends what an earlier visit left behind", async () => {
    const before = makeOutbox();
    await before.setVolunteer("v1");
    answers = [UNREACHABLE];
    await before.add(bodyOf("a"), "PGC 1");
    await before.flush();
    const after = makeOutbox();
    await after.setVolunteer("v1");
    expect(await store.all()).toEqual([]);
  });

  it("never sends one person's vote in another's name", async () => {
    const box = makeOutbox();
    await box.setVolunteer("v1");
    answers = [new ApiError(401, "not_authenticated", "")];
    await box.add(bodyOf("a"), "PGC 1");
    await box.flush();
    expect(box.getState()).toMatchObject({ waiting: 1, needsLogin: true });
    await box.setVolunteer("v2");
    expect(sent).toEqual(["a"]);
    expect(box.getState().waiting).toBe(0);
    await box.setVolunteer("v1");
    expect(sent).toEqual(["a", "a"]);
  });

  it("goes on after a vote that the server has settled or refused; a refused one stays on the device", async () => {
    const box = makeOutbox();
    await box.setVolunteer("v1");
    answers = [UNREACHABLE];
    await box.add(bodyOf("a"), "PGC 1");
    await box.flush();
    answers = [UNREACHABLE];
    await box.add(bodyOf("b"), "PGC 2");
    await box.flush();
    sent = [];
    answers = [new ApiError(409, "retired", ""), new ApiError(400, "bad_trace", "")];
    await box.flush();
    expect((await store.all()).map((vote) => [vote.key, vote.refused])).toEqual([["b", "bad_trace"]]);
    expect(box.getState()).toMatchObject({ waiting: 0, refused: [{ key: "b" }] });
  });

  it("takes back a vote that was never sent, but not one that the server may know", async () => {
    const box = makeOutbox();
    await box.setVolunteer("v1");
    await store.put({ key: "a", body: bodyOf("a"), volunteer: "v1", galaxy: "", created_at: 1, attempts: 0, refused: null });
    await store.put({ key: "b", body: bodyOf("b"), volunteer: "v1", galaxy: "", created_at: 2, attempts: 1, refused: null });
    expect(await box.withdraw("a")).toBe(true);
    expect(await box.withdraw("b")).toBe(false);
    expect((await store.all()).map((vote) => vote.key)).toEqual(["b"]);
  });

  it("names the tasks whose votes are on their way", async () => {
    const box = makeOutbox();
    await box.setVolunteer("v1");
    answers = [UNREACHABLE];
    await box.add(bodyOf("a"), "PGC 1");
    await box.flush();
    expect(await box.taskIds()).toEqual(["task-a"]);
  });
});
