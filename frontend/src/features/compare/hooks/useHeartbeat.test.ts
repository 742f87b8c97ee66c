import { describe, expect, it } from "vitest";
import { needsRenewal } from "./useHeartbeat";

const HOUR_MS = 3_600_000;

describe("when a lease is renewed [flow F16] [review 15]", () => {
  it.each([0, -3 * HOUR_MS, 3 * HOUR_MS])("the same with a clock that is %i ms wrong", (errorMs) => {
    const heardAtMs = Date.UTC(2030, 0, 1) + errorMs;
    const hold = { dueAt: "2030-01-01T00:15:00Z", heardAtMs, lastsS: 900 };
    expect(needsRenewal(hold, heardAtMs + 1000)).toBe(false);
    expect(needsRenewal(hold, heardAtMs + 500_000)).toBe(false);
    expect(needsRenewal(hold, heardAtMs + 541_000)).toBe(true);
    expect(needsRenewal(hold, heardAtMs + 2000_000)).toBe(true);
  });

  it("at once where the clock was set back meanwhile", () => {
    expect(needsRenewal({ dueAt: "", heardAtMs: HOUR_MS, lastsS: 900 }, 0)).toBe(true);
  });
});
