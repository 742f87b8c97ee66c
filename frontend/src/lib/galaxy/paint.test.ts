import { describe, expect, it } from "vitest";
import { renderSky, type SkyLook } from "./paint";

const SIDE = 64;
const skyOf = (tiltDeg: number, more: Partial<SkyLook> = {}): SkyLook => ({ seed: 3, stars: 0, noise: 0, galaxies: [{ seed: 3, tiltDeg }], ...more });

/** How flat the light is: the ratio of its spreads up and down, and left and right. */
function flatness(pixels: Uint8ClampedArray): number {
  let [across, along] = [0, 0];
  for (let pixel = 0; pixel < SIDE * SIDE; pixel += 1) {
    const light = Math.max((pixels[4 * pixel + 1] ?? 0) - 12, 0);
    along += light * ((pixel % SIDE) - SIDE / 2 + 0.5) ** 2;
    across += light * (Math.floor(pixel / SIDE) - SIDE / 2 + 0.5) ** 2;
  }
  return Math.sqrt(across / along);
}

describe("a drawn galaxy", () => {
  it("is the same for the same seed", () => {
    expect(renderSky(SIDE, skyOf(58, { stars: 9, noise: 0.01 }))).toEqual(renderSky(SIDE, skyOf(58, { stars: 9, noise: 0.01 })));
  });
  it("is round face-on, and flatter the more it is tilted", () => {
    const flat = [0, 30, 50, 65, 80, 90].map((tiltDeg) => flatness(renderSky(SIDE, skyOf(tiltDeg))));
    expect(flat[0]).toBeGreaterThan(0.85);
    expect(flat).toEqual([...flat].sort((a, b) => b - a));
    expect(flat.at(-1)).toBeLessThan(0.3);
  });
  it("shows no light where the picture is cut off", () => {
    const pixels = renderSky(SIDE, skyOf(58, { cutAt: 0.5 }));
    expect([...pixels.slice(4 * (SIDE - 1), 4 * SIDE)]).toEqual([235, 235, 235, 255]);
  });
});
