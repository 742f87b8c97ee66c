import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { FIRST_VIEW } from "../rules/view";
import { evaluateSource } from "./evaluateSource";

const busy = (after: string) => new Response(JSON.stringify({ code: "busy", detail: "Many galaxies" }), { status: 503, headers: { "Retry-After": after, "X-GIZ-API": "1" } });
const answer = () => new Response(JSON.stringify({ inclination_deg: 60 }), { status: 200, headers: { "X-GIZ-API": "1" } });

describe("asking about a galaxy", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  it("waits a moment where the server is busy for a moment [review 23]", async () => {
    const fetch = vi.fn().mockResolvedValueOnce(busy("1")).mockResolvedValueOnce(busy("1")).mockResolvedValueOnce(answer());
    vi.stubGlobal("fetch", fetch);
    vi.stubGlobal("document", { cookie: "" });
    const asked = evaluateSource("a", FIRST_VIEW);
    await vi.advanceTimersByTimeAsync(2500);
    await expect(asked).resolves.toEqual({ inclination_deg: 60 });
    expect(fetch).toHaveBeenCalledTimes(3);
  });

  it.each(["60", "600"])("says so where it is busy for %s seconds [review 23]", async (after) => {
    const fetch = vi.fn().mockResolvedValue(busy(after));
    vi.stubGlobal("fetch", fetch);
    vi.stubGlobal("document", { cookie: "" });
    await expect(evaluateSource("a", FIRST_VIEW)).rejects.toMatchObject({ code: "busy" });
    expect(fetch).toHaveBeenCalledTimes(1);
  });
});
