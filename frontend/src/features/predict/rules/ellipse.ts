/** The ellipse that a round, flat galaxy of some inclination shows. */

import { axialRatio, DISK_THICKNESS, ellipsePath } from "@/lib/ellipse";
import type { Ellipse, Interval } from "../api/types";
import { pointAt, type View } from "./view";

/** An ellipse on the picture, in its own coordinates: sides from its middle, the angle clockwise. */
export interface Outline {
  middle: readonly [number, number];
  angleDeg: number;
  semiMajor: number;
  ratio: number;
  /** Of an answer: from which to which inclination, and how thick the disk is taken to be. */
  interval: { fromDeg: number; toDeg: number; thickness: number } | null;
}

const RADIANS = Math.PI / 180;
/** Half the galaxy's length in a field twice as wide as the galaxy. */
const SEMI_MAJOR = 0.25;

/** q₀ of the disk that shows b/a at this inclination, so that other inclinations can be drawn to match. */
export function thicknessOf(ratio: number, inclinationDeg: number): number {
  const cosine = Math.cos(inclinationDeg * RADIANS);
  const sine2 = 1 - cosine ** 2;
  if (sine2 < 0.01) return DISK_THICKNESS;
  return Math.sqrt(Math.min(Math.max((ratio ** 2 - cosine ** 2) / sine2, 0), 0.25));
}

/** The ring between two inclinations; to be filled by the even-odd rule. */
export function bandPath(semiMajor: number, fromDeg: number, toDeg: number, thickness: number): string {
  return ellipsePath(semiMajor, axialRatio(fromDeg, thickness)) + ellipsePath(semiMajor, axialRatio(toDeg, thickness));
}

/** What somebody lays over the galaxy before the network has answered. */
export function guideOf(tiltDeg: number, turnDeg: number): Outline {
  return { middle: [0, 0], angleDeg: turnDeg, semiMajor: SEMI_MAJOR, ratio: axialRatio(tiltDeg), interval: null };
}

/** The ellipse of an answer, from the view that it is for to the picture. */
export function outlineOf(ellipse: Ellipse, inclinationDeg: number, [fromDeg, toDeg]: Interval, view: View): Outline {
  const [x, y] = ellipse.centre;
  return {
    middle: pointAt(view, [x - 0.5, y - 0.5]),
    angleDeg: ellipse.angle_deg - view.angleDeg,
    semiMajor: ellipse.semi_major / view.zoom,
    ratio: ellipse.axial_ratio,
    interval: { fromDeg, toDeg, thickness: thicknessOf(ellipse.axial_ratio, inclinationDeg) },
  };
}
