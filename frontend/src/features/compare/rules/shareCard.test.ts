import { describe, expect, it } from "vitest";
import { sumOf } from "./feedback";
import { cardWords, heightOf } from "./shareCard";

describe("the picture to share", () => {
  it("says in words what it shows", () => {
    const errorsDeg = [-3, 2.4, null];
    const sum = sumOf(errorsDeg.map((error_deg) => ({ error_deg })));
    expect(cardWords({ title: "Five galaxies", sum, errorsDeg, host: "giz.example" })).toBe("Five galaxies: mean error 2.7°; −3°, +2°, rejected");
  });
  it("keeps large errors inside", () => {
    expect([heightOf(0), heightOf(7.5), heightOf(40), heightOf(-40)]).toEqual([0, 0.5, 1, -1]);
  });
});
