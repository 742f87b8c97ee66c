/** The projected ellipse of a tilted round disk. */

/** The axial ratio of a disk seen edge-on (Hubble 1926, with the usual 0.2), if no prediction gives a better value. */
export const DISK_THICKNESS = 0.2;

const RADIANS = Math.PI / 180;

/** b/a of a disk of this inclination: cos²i = (q² − q₀²) / (1 − q₀²). */
export function axialRatio(inclinationDeg: number, thickness = DISK_THICKNESS): number {
  const cosine = Math.cos(inclinationDeg * RADIANS);
  return Math.sqrt(cosine ** 2 * (1 - thickness ** 2) + thickness ** 2);
}

/** An ellipse around the origin with a level major axis, as a path. */
export function ellipsePath(semiMajor: number, ratio: number): string {
  const semiMinor = semiMajor * ratio;
  return `M${-semiMajor} 0A${semiMajor} ${semiMinor} 0 1 1 ${semiMajor} 0A${semiMajor} ${semiMinor} 0 1 1 ${-semiMajor} 0Z`;
}
