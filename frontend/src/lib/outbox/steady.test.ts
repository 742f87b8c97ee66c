/** The browser's store breaks in every way that browsers know; votes go on. */

import "fake-indexeddb/auto";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { ApiError } from "../api/client";
import type { VoteBody, VoteReceipt } from "../api/types";
import { Outbox, type OutboxEvent } from "./outbox";
import { openIndexedStore, SteadyStore, type StoredVote, type VoteStore } from "./store";

const voteOf = (key: string): StoredVote => ({
  key, volunteer: "v1", galaxy: "Galaxy", created_at: 1, attempts: 0, refused: null,
  body: { key, task: `task-${key}`, trace: null, verdict: "rejected", reasons: ["multiple"], comment: "" },
});
const keysOf = async (store: VoteStore) => (await store.all()).map((vote) => vote.key).sort();
const never = () => new Promise<never>(() => undefined);

let databases = 0;
let name: string;
beforeEach(() => {
  databases += 1;
  name = `steady-${databases}`;
});
const steady = (patienceMs = 10_000) => new SteadyStore({ open: (onLost) => openIndexedStore(name, onLost), patienceMs });

describe("a store that never fails", () => {
  it("lets itself be deleted, opens again and keeps what is still to be sent [flow F6] [review 18]", async () => {
    const store = steady();
    await store.put(voteOf("a"));
    await new Promise((resolve, reject) => {
      const deleting = indexedDB.deleteDatabase(name);
      deleting.onsuccess = resolve;
      deleting.onerror = reject;
    });
    await store.put(voteOf("b"));
    expect(await keysOf(store)).toEqual(["a", "b"]);
    expect(store.atRisk).toBe(0);
    expect(await keysOf(await openIndexedStore(name))).toEqual(["a", "b"]);
  });

  it("opens again after the browser has closed it [flow F6] [review 18]", async () => {
    let isClosed = false;
    let opened = 0;
    const store = new SteadyStore({
      open: async () => {
        opened += 1;
        const inner = await openIndexedStore(name);
        const guard = <T>(work: () => Promise<T>) => (isClosed && opened === 1 ? Promise.reject(new DOMException("closed", "InvalidStateError")) : work());
        return { all: () => guard(inner.all), put: (vote) => guard(() => inner.put(vote)), remove: (key) => guard(() => inner.remove(key)) };
      },
    });
    await store.put(voteOf("a"));
    isClosed = true;
    await store.put(voteOf("b"));
    expect(opened).toBe(2);
    expect(store.atRisk).toBe(0);
    expect(await keysOf(store)).toEqual(["a", "b"]);
  });

  it.each<[string, () => Promise<VoteStore>]>([
    ["absent", () => Promise.reject(new Error("no IndexedDB"))],
    ["hanging while it opens", never],
    ["hanging in each request", async () => ({ all: never, put: never, remove: never })],
    ["full", async () => ({ ...(await openIndexedStore(name)), put: () => Promise.reject(new DOMException("full", "QuotaExceededError")) })],
  ])("keeps votes in memory and says so where the browser's is %s [flow F6]", async (_name, open) => {
    const store = new SteadyStore({ open, patienceMs: 20 });
    await store.put(voteOf("a"));
    expect(store.atRisk).toBe(1);
    expect(await keysOf(store)).toEqual(["a"]);
    await store.remove("a");
    expect(store.atRisk).toBe(0);
    expect(await keysOf(store)).toEqual([]);
  });

  it("still reads what an earlier visit kept where it is full now [flow F6]", async () => {
    await (await openIndexedStore(name)).put(voteOf("old"));
    const store = new SteadyStore({
      open: async () => ({ ...(await openIndexedStore(name)), put: () => Promise.reject(new DOMException("full", "QuotaExceededError")) }),
    });
    await store.put(voteOf("new"));
    expect(await keysOf(store)).toEqual(["new", "old"]);
  });
});

describe("an outbox on a broken store", () => {
  let answers: (ApiError | "ok")[];
  let sent: string[];
  let events: OutboxEvent[];
  const makeOutbox = (store: Promise<VoteStore> | (() => Promise<VoteStore>)) => {
    const box = new Outbox({
      store,
      send: async (vote: VoteBody) => {
        sent.push(vote.key);
        const answer = answers.shift() ?? "ok";
        if (answer !== "ok") throw answer;
        return { key: vote.key, task: vote.task, verdict: "J", inclination_deg: null, created_at: "", undo_until: "", replayed: false } satisfies VoteReceipt;
      },
      renewSession: async () => undefined,
      exclusively: async (work) => (await work(), true),
      afterOthers: (work) => work(),
      random: () => 0,
    });
    box.hear((event) => events.push(event));
    return box;
  };
  beforeEach(() => {
    answers = [];
    sent = [];
    events = [];
  });

  it("sends at once what can't be stored, and warns while it has not arrived [flow F6]", async () => {
    const box = makeOutbox(() => Promise.reject(new Error("no IndexedDB")));
    await box.setVolunteer("v1");
    answers = [new ApiError(0, "unreachable", "")];
    await box.add(voteOf("a").body, "Galaxy");
    await box.flush();
    expect(box.getState()).toMatchObject({ waiting: 1, atRisk: 1 });
    await box.flush();
    expect(box.getState()).toMatchObject({ waiting: 0, atRisk: 0 });
    expect(sent.filter((key) => key === "a").length).toBeGreaterThanOrEqual(2);
  });

  it("is not held up by a vote that always fails [review 16]", async () => {
    const box = makeOutbox(openIndexedStore(name));
    await box.setVolunteer("v1");
    answers = [new ApiError(500, "server_error", "")];
    await box.add(voteOf("stuck").body, "Galaxy");
    await vi.waitFor(() => expect(sent).toEqual(["stuck"]));
    answers = [new ApiError(500, "server_error", ""), "ok"];
    await box.add(voteOf("next").body, "Galaxy");
    await vi.waitFor(() => expect(events.some((event) => event.kind === "receipt" && event.key === "next")).toBe(true));
    await vi.waitFor(() => expect(box.getState()).toMatchObject({ waiting: 1, refused: [] }));
  });

  it("does not wait for a refused vote: it can be taken back, or sent again by hand [review 17] [flow F1]", async () => {
    const box = makeOutbox(openIndexedStore(name));
    await box.setVolunteer("v1");
    answers = [new ApiError(400, "bad_trace", "")];
    await box.add(voteOf("a").body, "Galaxy");
    await vi.waitFor(() => expect(box.getState().refused).toHaveLength(1));
    expect(await box.isWaiting("a")).toBe(false);
    expect(await box.taskIds()).toEqual([]);
    answers = [new ApiError(400, "bad_trace", "")];
    await box.sendAgain("a");
    expect(box.getState().refused).toHaveLength(1);
    await box.sendAgain("a");
    expect(box.getState()).toMatchObject({ waiting: 0, refused: [] });
    expect(sent).toEqual(["a", "a", "a"]);
    answers = [new ApiError(400, "bad_trace", "")];
    await box.add(voteOf("b").body, "Galaxy");
    await vi.waitFor(() => expect(box.getState().refused).toHaveLength(1));
    expect(await box.withdraw("b")).toBe(true);
    expect(box.getState().refused).toEqual([]);
  });

  it("waits for its person while somebody else is logged in [flow F2]", async () => {
    const box = makeOutbox(openIndexedStore(name));
    await box.setVolunteer("v1");
    answers = [new ApiError(409, "other_person", "")];
    await box.add(voteOf("a").body, "Galaxy");
    await vi.waitFor(() => expect(events.map((event) => event.kind)).toEqual(["stranger"]));
    await box.setVolunteer("v2");
    expect(sent).toEqual(["a"]);
    expect(box.getState()).toMatchObject({ waiting: 0, refused: [] });
    await box.setVolunteer("v1");
    expect(sent).toEqual(["a", "a"]);
    expect(box.getState()).toMatchObject({ waiting: 0, refused: [] });
  });

  it.each([
    ["a\u0000b", "ab"], ["x\u0001\u001f\u007fy", "xy"], ["half \ud83c of a sign", "half  of a sign"], ["tab\tand\nline, Méndez 🌀", "tab\tand\nline, Méndez 🌀"],
  ])("sends a remark as text: %j [flow F18]", async (typed, text) => {
    const store = await openIndexedStore(name);
    const box = makeOutbox(Promise.resolve(store));
    await box.setVolunteer("v1");
    answers = [new ApiError(0, "unreachable", "")];
    await box.add({ ...voteOf("a").body, comment: typed }, "Galaxy");
    expect((await store.all())[0]?.body.comment).toBe(text);
  });
});
