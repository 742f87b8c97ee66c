import type { Reason } from "@/lib/api/types";
import type { SkyLook } from "@/lib/galaxy/paint";
import { SkyCanvas } from "./SkyCanvas";

const SIDE_PX = 144;

const LOOKS: Record<Reason, SkyLook> = {
  face_on: { seed: 4, stars: 8, galaxies: [{ seed: 4, tiltDeg: 8, radius: 0.6, bulge: 0.2 }] },
  not_spiral: { seed: 9, stars: 9, galaxies: [{ seed: 1, tiltDeg: 42, radius: 0.42, isElliptical: true, brightness: 1.2 }] },
  multiple: {
    seed: 14,
    stars: 7,
    galaxies: [
      { seed: 3, tiltDeg: 58, radius: 0.46, center: [-0.24, 0.14], turnDeg: 28 },
      { seed: 12, tiltDeg: 66, radius: 0.36, center: [0.34, -0.22], turnDeg: -36 },
    ],
  },
  disturbed: { seed: 31, stars: 8, galaxies: [{ seed: 8, tiltDeg: 55, radius: 0.62, bend: 0.5, turnDeg: -12, center: [-0.14, -0.04] }] },
  ambiguous: {
    seed: 23,
    stars: 9,
    galaxies: [
      { seed: 6, tiltDeg: 76, radius: 0.5, turnDeg: 48, bulge: 0.34 },
      { seed: 2, tiltDeg: 38, radius: 0.66, bulge: 0.06, brightness: 0.45 },
    ],
  },
  better_image: { seed: 5, stars: 5, noise: 0.02, cutAt: 0.34, glare: { x: -0.16, y: 0.2, strength: 3.4 }, galaxies: [{ seed: 5, tiltDeg: 64, radius: 0.56, brightness: 0.5 }] },
  bad_TF: { seed: 19, stars: 8, galaxies: [{ seed: 10, tiltDeg: 46, radius: 0.6, bulge: 0.42, bar: true, ring: true }] },
  HI: {
    seed: 41,
    stars: 7,
    galaxies: [
      { seed: 13, tiltDeg: 62, radius: 0.44, center: [-0.2, -0.06] },
      { seed: 15, tiltDeg: 50, radius: 0.2, center: [0.56, 0.34], turnDeg: 40, brightness: 0.9 },
    ],
  },
  not_sure: { seed: 52, stars: 10, noise: 0.022, galaxies: [{ seed: 16, tiltDeg: 57, radius: 0.5, brightness: 0.16, bulge: 0.2 }] },
};

/** An example of what a reason means, drawn. */
export function ReasonArt({ reason, className }: { reason: Reason; className: string }) {
  return <SkyCanvas look={LOOKS[reason]} sidePx={SIDE_PX} className={className} />;
}
