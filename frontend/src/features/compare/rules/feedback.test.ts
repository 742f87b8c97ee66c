import { describe, expect, it } from "vitest";
import { feedbackWords, offsetWords, signed, sumOf } from "./feedback";

const said = (true_deg: number, error_deg: number | null, verdict: "A" | "F" | "J" = "A") => feedbackWords({ verdict, true_deg, error_deg });

describe("practice in words", () => {
  it("says how far, which way, and where to look", () => {
    expect(said(62, -3.2)).toBe("3° too round: look at the faint rim, not at the bright middle.");
    expect(said(86, -4)).toContain("4° too round: look how thin the disk is");
    expect(said(62, 5.4)).toContain("5° too narrow");
    expect(said(62, 1.4)).toContain("Within about a degree");
    expect(said(62, -17, "F")).toContain("more tilted than the galaxy at 45°");
    expect(said(62, null, "J")).toContain("can be measured");
  });
  it("sums up errors, and leaves rejections out", () => {
    expect(sumOf([{ error_deg: -3 }, { error_deg: 1 }, { error_deg: null }])).toEqual({ meanDeg: 2, offsetDeg: -1 });
    expect(sumOf([{ error_deg: null }])).toEqual({ meanDeg: null, offsetDeg: null });
  });
  it("names a direction only if there is one", () => {
    expect(offsetWords(sumOf([{ error_deg: -3 }, { error_deg: -2 }]))).toBe("On average you see them 2.5° too round.");
    expect(offsetWords(sumOf([{ error_deg: 3 }, { error_deg: 4 }]))).toBe("On average you see them 3.5° too narrow.");
    expect(offsetWords(sumOf([{ error_deg: -6 }, { error_deg: 5 }]))).toContain("neither");
    expect(offsetWords(sumOf([]))).toBe("");
  });
  it("writes signs with a true minus", () => {
    expect([signed(2.6), signed(-2.6), signed(0.2), signed(-0.4)]).toEqual(["+3°", "−3°", "0°", "0°"]);
  });
});
