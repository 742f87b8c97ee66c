import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

/** The server of these tests: up or down, and how often it was asked for a picture. */
const server = { isUp: true, asked: [] as string[], missing: "" };

class FakeImage {
  src = "";
  async decode() {
    server.asked.push(this.src);
    if (!server.isUp || this.src === server.missing) throw new Error("no such picture");
  }
}

async function page() {
  vi.resetModules();
  const loader = await import("./loader");
  const { callApi } = await import("../api/client");
  const windowEvents = new EventTarget();
  const documentEvents = Object.assign(new EventTarget(), { visibilityState: "visible", cookie: "" });
  vi.stubGlobal("window", windowEvents);
  vi.stubGlobal("document", documentEvents);
  loader.startRetrying();
  return { loader, callApi, windowEvents, documentEvents };
}

const settle = (ms = 0) => vi.advanceTimersByTimeAsync(ms);

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("Image", FakeImage);
  vi.stubGlobal("fetch", async () => new Response("{}"));
  Object.assign(server, { isUp: false, asked: [], missing: "" });
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

/** A big picture and one of the strip, both failed. */
async function withFailed() {
  const made = await page();
  made.loader.wantPicture("/big", made.loader.Priority.target);
  made.loader.wantPicture("/small", made.loader.Priority.strip);
  await settle(2000);
  expect([made.loader.pictureState("/big"), made.loader.pictureState("/small")]).toEqual(["failed", "failed"]);
  return made;
}
type Made = Awaited<ReturnType<typeof page>>;

describe("pictures that did not come", () => {
  it.each<[string, (made: Made) => unknown]>([
    ["with the first request that is answered", ({ callApi }) => callApi("GET", "me/")],
    ["once the browser is online", ({ windowEvents }) => windowEvents.dispatchEvent(new Event("online"))],
    ["once the page is looked at again", ({ documentEvents }) => documentEvents.dispatchEvent(new Event("visibilitychange"))],
    ["with the first other picture that comes", ({ loader }) => loader.wantPicture("/other", 3)],
  ])("come back %s, the strip's too [ux B8]", async (_when, happen) => {
    const made = await withFailed();
    server.isUp = true;
    happen(made);
    await settle(10);
    expect([made.loader.pictureState("/big"), made.loader.pictureState("/small")]).toEqual(["ready", "ready"]);
  });

  it("come back without anything happening, asked for with growing pauses [ux B8]", async () => {
    const { loader } = await withFailed();
    const before = server.asked.length;
    await settle(60_000);
    const rounds = (server.asked.length - before) / 2;
    expect(rounds).toBeGreaterThanOrEqual(3);
    expect(rounds).toBeLessThanOrEqual(5);
    server.isUp = true;
    await settle(64_000);
    expect(loader.pictureState("/big")).toBe("ready");
  });

  it("do not keep others away where one is gone for good, and are not asked for at each answer", async () => {
    const { loader, callApi } = await withFailed();
    Object.assign(server, { isUp: true, missing: "/big" });
    await settle(10_000);
    expect([loader.pictureState("/big"), loader.pictureState("/small")]).toEqual(["failed", "ready"]);
    const before = server.asked.length;
    for (let call = 0; call < 20; call += 1) await callApi("GET", "me/");
    await settle(10);
    expect(server.asked.length - before).toBeLessThanOrEqual(1);
  });
});
