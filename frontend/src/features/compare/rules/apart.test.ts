import { describe, expect, it } from "vitest";
import { apartWords } from "./apart";

describe("two answers in words", () => {
  it("says which way and how far they are apart, against the uncertainty of the network", () => {
    expect(apartWords(63.5, 60.94, 3)).toBe("You see it 2.6° more edge-on than the network. That is within its uncertainty.");
    expect(apartWords(56.5, 60.9, 3)).toBe("You see it 4.4° more face-on than the network. That is slightly more than its ± 3.0°.");
    expect(apartWords(80.5, 60.9, 3)).toBe("You see it 19.6° more edge-on than the network. That is far more than its ± 3.0°: one of you is wrong.");
  });
  it("says no more than it knows", () => {
    expect(apartWords(60.5, 60.52, 2)).toBe("You agree to a tenth of a degree.");
    expect(apartWords(62.5, 60.5, null)).toBe("You see it 2.0° more edge-on than the network.");
    expect(apartWords(null, 60.5, 2)).toBe("");
    expect(apartWords(62.5, null, 2)).toBe("");
  });
});
