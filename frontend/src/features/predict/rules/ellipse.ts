/** The projected ellipse of a round, flat galaxy. */

import { axialRatio, DISK_THICKNESS, ellipsePath } from "@/lib/ellipse";
import type { Ellipse, Interval } from "../api/types";
import { pointAt, type View } from "./view";

/** An ellipse in the coordinates of the picture: fractions of its side from its centre, the angle clockwise. */
export interface Outline {
  middle: readonly [number, number];
  angleDeg: number;
  semiMajor: number;
  ratio: number;
  /** For a prediction: the interval of inclination, and the assumed thickness of the disk. */
  interval: { fromDeg: number; toDeg: number; thickness: number } | null;
}

const RADIANS = Math.PI / 180;
/** Semi-major axis of the galaxy in a field twice as wide as the galaxy. */
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

/** The user's own ellipse before the prediction. */
export function guideOf(tiltDeg: number, turnDeg: number): Outline {
  return { middle: [0, 0], angleDeg: turnDeg, semiMajor: SEMI_MAJOR, ratio: axialRatio(tiltDeg), interval: null };
}

/** The ellipse of a prediction, converted from its view to the picture. */
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
