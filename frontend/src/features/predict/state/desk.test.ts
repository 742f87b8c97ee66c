import { describe, expect, it } from "vitest";
import { ApiError } from "@/lib/api/client";
import type { Ask } from "../api/loadSource";
import type { Source } from "../api/types";
import type { SourceRequest } from "../rules/request";
import { FIRST_VIEW } from "../rules/view";
import { Desk } from "./desk";

const sourceOf = (id: string): Source => ({ id, state: "ready", code: null, detail: null, galaxy: {}, size_px: 256, bands: ["gri"], pictures: { gri: `/${id}.png` }, expires_at: "2026-11-25T12:00:00Z" });
const A: SourceRequest = { kind: "pgc", pgc: 1 };
const B: SourceRequest = { kind: "name", name: "NGC 2" };

/** A desk whose loads end when the test says so. */
function makeDesk() {
  const waiting: { ask: Ask; signal: AbortSignal; onFetching: () => void; resolve: (source: Source) => void; reject: (error: unknown) => void }[] = [];
  const uploaded: SourceRequest[] = [];
  const desk = new Desk(
    (ask, signal, onFetching) => new Promise((resolve, reject) => waiting.push({ ask, signal, onFetching, resolve, reject })),
    (request) => uploaded.push(request),
  );
  const last = () => {
    const load = waiting.at(-1);
    if (!load) throw new Error("nothing was asked");
    return load;
  };
  const settle = async () => {
    await Promise.resolve();
    await Promise.resolve();
  };
  return { desk, waiting, uploaded, last, settle };
}

describe("the desk", () => {
  it("shows what the address asks for, once, by way of asking and fetching", async () => {
    const { desk, waiting, last, settle } = makeDesk();
    desk.want(A, FIRST_VIEW);
    expect(desk.now().pending?.phase).toBe("asking");
    last().onFetching();
    expect(desk.now().pending?.phase).toBe("fetching");
    last().resolve(sourceOf("a"));
    await settle();
    expect(desk.now()).toMatchObject({ current: { request: A, source: { id: "a" } }, pending: null });
    desk.want({ ...A }, FIRST_VIEW);
    expect(waiting).toHaveLength(1);
  });

  it("keeps the galaxy from before while another one is on its way, and when that fails", async () => {
    const { desk, last, settle } = makeDesk();
    desk.want(A, FIRST_VIEW);
    last().resolve(sourceOf("a"));
    await settle();
    desk.want(B, FIRST_VIEW);
    expect(desk.now().current?.source.id).toBe("a");
    last().reject(new ApiError(404, "not_found", "Nobody knows it."));
    await settle();
    expect(desk.now()).toMatchObject({ current: { source: { id: "a" } }, pending: { phase: "failed", ask: B } });
  });

  it("tries again with the same files", async () => {
    const { desk, last, uploaded, settle } = makeDesk();
    const files = [new File(["x"], "galaxy_g.png"), new File(["y"], "galaxy_r.png")];
    desk.upload(files);
    last().reject(new ApiError(0, "unreachable", ""));
    await settle();
    expect(uploaded).toEqual([]);
    desk.retry();
    expect(last().ask).toEqual({ kind: "files", files });
    last().resolve(sourceOf("u"));
    await settle();
    expect(uploaded).toEqual([{ kind: "source", id: "u" }]);
    expect(desk.now().current?.request).toEqual({ kind: "source", id: "u" });
  });

  it("forgets an answer that nobody waits for any more", async () => {
    const { desk, waiting, settle } = makeDesk();
    desk.want(A, FIRST_VIEW);
    desk.want(B, FIRST_VIEW);
    expect(waiting[0]?.signal.aborted).toBe(true);
    waiting[1]?.resolve(sourceOf("b"));
    await settle();
    waiting[0]?.resolve(sourceOf("a"));
    await settle();
    expect(desk.now().current?.source.id).toBe("b");
    desk.want(A, FIRST_VIEW);
    desk.giveUp();
    waiting[2]?.reject(new Error("aborted"));
    await settle();
    expect(desk.now()).toMatchObject({ current: { source: { id: "b" } }, pending: null });
  });

  it("is cleared by an address that asks for nothing", async () => {
    const { desk, last, settle } = makeDesk();
    desk.want(A, FIRST_VIEW);
    last().resolve(sourceOf("a"));
    await settle();
    desk.want(null, FIRST_VIEW);
    expect(desk.now()).toEqual({ current: null, pending: null });
  });
});
