import { describe, expect, it } from "vitest";
import { axialRatio } from "@/lib/ellipse";
import { isPredictPath } from "@/lib/router";
import type { Ellipse, Opinion } from "../api/types";
import { bandPath, outlineOf, thicknessOf } from "./ellipse";
import { addressOf, isRequest, readAngle, requestOfAddress, requestOfPosition, requestOfText, type SourceRequest } from "./request";
import { rulerOf, scaleOf } from "./ruler";
import { enlargeBy, FIRST_VIEW, isSameView, moveBy, pinchBy, pointAt, tidy, turnBy, type View, viewFromQuery, viewInWords, viewToQuery, zoomBy } from "./view";
import { opponentsOf } from "./words";

const place = ({ angleDeg, zoom, shift }: View, [x, y]: readonly [number, number]): [number, number] => {
  const turn = (angleDeg * Math.PI) / 180;
  return [zoom * (x * Math.cos(turn) - y * Math.sin(turn)) + shift[0], zoom * (x * Math.sin(turn) + y * Math.cos(turn)) + shift[1]];
};

describe("a view", () => {
  const moved: View = { angleDeg: 20, zoom: 1.5, shift: [0.12, -0.08], isInverted: false };

  it("knows which point of the picture is seen where", () => {
    const [x, y] = place(moved, pointAt(moved, [0.3, -0.2]));
    expect(x).toBeCloseTo(0.3, 12);
    expect(y).toBeCloseTo(-0.2, 12);
  });

  it("keeps under two fingers what lay there, and stops with them where it can't grow", () => {
    const [from, to] = [[0.2, -0.1], [0.25, 0.05]] as const;
    const after = pinchBy(moved, { byDeg: 25, factor: 1.4, from, to });
    const [x, y] = place(after, pointAt(moved, from));
    expect(x).toBeCloseTo(to[0], 3);
    expect(y).toBeCloseTo(to[1], 3);
    expect([after.angleDeg, after.zoom]).toEqual([45, 2.1]);
    const largest = { ...FIRST_VIEW, zoom: 8 };
    expect(pinchBy(largest, { byDeg: 0, factor: 3, from, to: from })).toEqual(largest);
  });

  it("is said in words without numbers below zero", () => {
    expect(viewInWords({ ...moved, angleDeg: -20, shift: [-0.2, 0.05] })).toBe("turned left by 20 degrees, zoom 1.5, moved left by 20 and down by 5 percent");
    expect(viewInWords(moved)).toContain("moved right by 12 and up by 8 percent");
  });

  it.each([
    ["turned", (view: View) => turnBy(view, 35)],
    ["enlarged", (view: View) => enlargeBy(view, 1.7)],
  ])("keeps what stands in the middle when it is %s", (_, change) => {
    const [x, y] = place(change(moved), pointAt(moved, [0, 0]));
    expect(x).toBeCloseTo(0, 3);
    expect(y).toBeCloseTo(0, 3);
  });

  it("moves the galaxy on the screen as far as asked, however it is turned", () => {
    const after = moveBy(moved, 0.1, 0.2);
    const [x, y] = place(after, pointAt(moved, [0, 0]));
    expect(x).toBeCloseTo(0.1, 4);
    expect(y).toBeCloseTo(0.2, 4);
  });

  it("stays within what the API accepts", () => {
    expect(tidy({ angleDeg: 350, zoom: 99, shift: [3, -3], isInverted: true })).toEqual({ angleDeg: -10, zoom: 8, shift: [1, -1], isInverted: true });
    expect(tidy({ ...FIRST_VIEW, angleDeg: -180 }).angleDeg).toBe(180);
    expect(enlargeBy({ ...FIRST_VIEW, zoom: 8 }, 2).zoom).toBe(8);
  });

  it("comes back to exactly 1 by steps", () => {
    expect(zoomBy(zoomBy(zoomBy(FIRST_VIEW, 3), -2), -1).zoom).toBe(1);
  });

  it("goes into an address and back", () => {
    expect(viewToQuery(FIRST_VIEW)).toEqual({});
    const view = { ...tidy(moved), isInverted: true };
    expect(isSameView(viewFromQuery(new URLSearchParams(viewToQuery(view))), view)).toBe(true);
    expect(viewFromQuery(new URLSearchParams("angle=often&zoom="))).toEqual(FIRST_VIEW);
  });
});

describe("what somebody types", () => {
  it.each([
    ["40153", { kind: "pgc", pgc: 40153 }],
    [" PGC 40153 ", { kind: "pgc", pgc: 40153 }],
    ["pgc40153", { kind: "pgc", pgc: 40153 }],
    ["482913746102938", { kind: "pgc", pgc: 482913746102938 }],
    ["ls-dr10:9011-123456-789", { kind: "name", name: "ls-dr10:9011-123456-789" }],
    ["WALLABY J104059-270456", { kind: "name", name: "WALLABY J104059-270456" }],
    ["ngc  4321", { kind: "name", name: "ngc 4321" }],
    ["M 100", { kind: "name", name: "M 100" }],
  ] as const)("%s is read", (text, request) => {
    expect(requestOfText(text)).toEqual(request);
  });

  it.each([
    ["184.74 47.30", 184.74, 47.3],
    ["184.74, +47.30", 184.74, 47.3],
    ["184,74 47,30", 184.74, 47.3],
    ["RA 184.74 Dec −47.30", 184.74, -47.3],
    ["12 18 57.5 +47 18 14", 184.739583, 47.303889],
    ["12:18:57.5 -00:18:14", 184.739583, -0.303889],
    ["12h18m57.5s +47d18m14s", 184.739583, 47.303889],
    ["12h18m57.5s+47°18′14″", 184.739583, 47.303889],
    ["12 18 +47 18", 184.5, 47.3],
    ["12 18 57.5 47 18 14", 184.739583, 47.303889],
  ])("%s is a place [data 12]", (text, ra_deg, dec_deg) => {
    expect(requestOfText(text)).toEqual({ kind: "position", ra_deg, dec_deg, size_arcmin: 4 });
  });

  it.each(["NGC 4321", "3C 273", "M 31", "M 31 32", "2MASX J0955", "1 2 3", "UGC 12-3", "Arp 220"])("%s is a name [data 12]", (text) => {
    expect(requestOfText(text)).toEqual({ kind: "name", name: text });
  });

  it.each(["400 10", "12 61 00 +10 00 00", "10 -91", "25h00m00s +10d00m00s", "-10 5"])("%s is not a position on the sky [data 12]", (text) => {
    expect(requestOfText(text)).toContain("right ascension");
  });

  it.each(["0", "-5", "PGC 0", "+5", "−5"])("%s is no PGC number, and for the right reason [ux C22]", (text) => {
    expect(requestOfText(text)).toMatch(/whole number/);
  });

  it("says what to type instead of an empty field or a number that no galaxy has", () => {
    expect(requestOfText("  ")).toContain("PGC number");
    expect(requestOfText("9999999999")).toContain("too many digits");
    expect(requestOfText("x".repeat(81))).toContain("too long");
  });

  it.each([
    ["185.7287", "hours", 185.7287],
    ["12 22 54.9", "hours", 185.72875],
    ["12h22m54.9s", "hours", 185.72875],
    ["12:22:54.9", "hours", 185.72875],
    ["+15 49 20", "degrees", 15.82222],
    ["-0 30", "degrees", -0.5],
    ["−5,25", "degrees", -5.25],
    ["12 61 00", "hours", null],
    ["twelve", "hours", null],
  ] as const)("the angle %s is read", (text, unit, expected) => {
    if (expected === null) expect(readAngle(text, unit)).toBeNull();
    else expect(readAngle(text, unit)).toBeCloseTo(expected, 4);
  });

  it("names every field of a position that can't be used", () => {
    const problems = requestOfPosition({ ra: "400", dec: "", size: "0" });
    expect(isRequest(problems)).toBe(false);
    expect(Object.keys(problems)).toEqual(["ra", "dec", "size"]);
  });
});

describe("the address of a galaxy", () => {
  it.each<SourceRequest>([
    { kind: "pgc", pgc: 40153 },
    { kind: "pgc", pgc: 482913746102938 },
    { kind: "name", name: "NGC 4321" },
    { kind: "name", name: "ls-dr10:9011-123456-789" },
    { kind: "position", ra_deg: 185.72875, dec_deg: -15.8, size_arcmin: 7.4 },
    { kind: "source", id: "0b6f8a52-70c9-4e65-9df3-b4dd03b6c5a0" },
  ])("leads back to it: $kind", (request) => {
    const address = new URL(addressOf(request, { angle: "12" }), "http://giz.example");
    expect(isPredictPath(address.pathname)).toBe(true);
    expect(requestOfAddress(address.pathname, address.searchParams)).toEqual(request);
    expect(address.searchParams.get("angle")).toBe("12");
  });

  it("asks for nothing where it can't be read", () => {
    expect(requestOfAddress("/predict", new URLSearchParams("ra=1&dec=no"))).toBeNull();
    expect(requestOfAddress("/predict", new URLSearchParams())).toBeNull();
    expect(isPredictPath("/predict/pgc/no")).toBe(false);
  });
});

describe("the ellipse", () => {
  it("is round face-on, and as thick as its disk edge-on", () => {
    expect(axialRatio(0)).toBe(1);
    expect(axialRatio(90)).toBeCloseTo(0.2, 12);
    expect(axialRatio(60)).toBeCloseTo(0.5292, 3);
  });

  it.each([50, 65, 80, 89])("finds the thickness again that an answer at %s° was drawn with", (inclinationDeg) => {
    expect(thicknessOf(axialRatio(inclinationDeg, 0.13), inclinationDeg)).toBeCloseTo(0.13, 6);
  });

  it("has a band between two ellipses of the same length", () => {
    expect(bandPath(0.25, 60, 70, 0.2).match(/A0\.25 /g)).toHaveLength(4);
  });
});

describe("the ellipse of an answer", () => {
  const ellipse: Ellipse = { axial_ratio: axialRatio(60), angle_deg: 35, centre: [0.62, 0.42], semi_major: 0.375, is_measured: true };
  const view: View = { angleDeg: 20, zoom: 1.5, shift: [0.12, -0.08], isInverted: false };

  it("is fixed to the picture, so that it follows the galaxy when the view changes", () => {
    const outline = outlineOf(ellipse, 60, [58, 62], view);
    expect(outline.middle[0]).toBeCloseTo(0, 12);
    expect(outline.middle[1]).toBeCloseTo(0, 12);
    expect(outline.angleDeg).toBe(15);
    expect(outline.semiMajor).toBeCloseTo(0.25, 12);
    expect(outline.interval?.thickness).toBeCloseTo(0.2, 6);
  });
});

describe("the ruler of standards", () => {
  const panels = [56, 57, 58, 59, 60, 62, 63, 64, 65].map((inclination_deg) => ({ inclination_deg }));

  it("puts the galaxy between its neighbours", () => {
    const ruler = rulerOf(panels, 61.2);
    expect(ruler.place).toBe(5);
    expect([ruler.cellOf(4), ruler.cellOf(5)]).toEqual([4, 6]);
    expect(ruler.at(61.2)).toBeCloseTo(5.5, 12);
  });

  it("has every standard in the middle of its cell, and is straight between", () => {
    const ruler = rulerOf(panels, 61);
    for (const [index, { inclination_deg }] of panels.entries()) expect(ruler.at(inclination_deg)).toBeCloseTo(ruler.cellOf(index) + 0.5, 12);
    expect(ruler.at(61.5)).toBeCloseTo(6, 12);
  });

  it("ends at its ends, however wide an interval is", () => {
    const ruler = rulerOf(panels, 61);
    expect(ruler.at(10)).toBe(0);
    expect(ruler.at(90)).toBe(10);
  });

  it("holds a galaxy that is more face-on than every standard, one that is more edge-on, and one without standards", () => {
    expect(rulerOf(panels, 40).place).toBe(0);
    expect(rulerOf(panels, 88).place).toBe(9);
    expect(rulerOf([], 60).at(60)).toBe(0.5);
  });
});

describe("the scale of a plot", () => {
  it("reaches around every answer in whole fives", () => {
    expect(scaleOf([57.2, 63.1])).toEqual({ from: 55, to: 65, ticks: [55, 60, 65] });
    expect(scaleOf([89.9, 90]).to).toBe(95);
    expect(scaleOf([3, 88]).ticks.length).toBeLessThanOrEqual(6);
  });
});

describe("what does not agree", () => {
  const opinion = (name: string, inclination_deg: number | null): Opinion => ({ name, inclination_deg, interval_68_deg: null, rejection_probability: null });
  const ours = opinion("ours", 40);

  it.each([
    ["the bands of one network", [ours], "bands"],
    ["its bands too, where the other network gives a verdict only", [ours, opinion("model4-binary", null)], "bands"],
    ["two networks that measure", [ours, opinion("model4", 80), opinion("model4-binary", null)], "networks"],
  ])("is %s", (_, models, word) => {
    expect(opponentsOf({ models })).toBe(word);
  });
});
