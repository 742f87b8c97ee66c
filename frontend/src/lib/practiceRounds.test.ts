import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ApiError } from "./api/client";

const keepPractice = vi.hoisted(() => vi.fn());
vi.mock("./api/calls", () => ({ keepPractice }));
import { keepWantedRounds, rememberRound, wantRounds } from "./practiceRounds";

describe("rounds of practice that an account keeps", () => {
  beforeEach(() => {
    const stored = new Map<string, string>();
    vi.stubGlobal("localStorage", {
      getItem: (key: string) => stored.get(key) ?? null,
      setItem: (key: string, value: string) => stored.set(key, value),
      removeItem: (key: string) => stored.delete(key),
    });
    keepPractice.mockReset().mockResolvedValue({});
  });
  afterEach(() => vi.unstubAllGlobals());

  it("are sent once, and only if the user asked for it", async () => {
    rememberRound("one");
    rememberRound("two");
    expect(await keepWantedRounds()).toBe(false);
    wantRounds();
    expect(await keepWantedRounds()).toBe(true);
    expect(await keepWantedRounds()).toBe(false);
    expect(keepPractice.mock.calls).toEqual([["one"], ["two"]]);
  });
  it("are tried again after a failure that passes, and forgotten after a refusal", async () => {
    rememberRound("taken");
    rememberRound("mine");
    wantRounds();
    keepPractice.mockRejectedValueOnce(new ApiError(409, "trial_taken", "")).mockRejectedValueOnce(new ApiError(503, "unavailable", ""));
    expect(await keepWantedRounds()).toBe(false);
    expect(await keepWantedRounds()).toBe(true);
    expect(keepPractice.mock.calls).toEqual([["taken"], ["mine"], ["mine"]]);
  });
  it("do no harm where storage is forbidden", async () => {
    vi.stubGlobal("localStorage", undefined);
    rememberRound("one");
    wantRounds();
    expect(await keepWantedRounds()).toBe(false);
  });
});
