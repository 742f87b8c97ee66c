/** The light of a drawn spiral at a point of the sky: an exponential disk with arms and dust, and a round bulge. */

import { makeNoise, NOISE_PERIOD } from "./random";

export interface GalaxyLook {
  /** 0 = face-on, 90 = edge-on. */
  tiltDeg: number;
  seed: number;
  /** Half the disk's length, where half the picture's side is 1. */
  radius?: number;
  /** No arms and no disk: a smooth ball of stars. */
  isElliptical?: boolean;
  /** The bulge's share of the light. */
  bulge?: number;
  bar?: boolean;
  ring?: boolean;
  center?: readonly [number, number];
  /** Turns the major axis, counter-clockwise. */
  turnDeg?: number;
  brightness?: number;
  /** Bends the disk into a tide's tail. */
  bend?: number;
}

export type Light = [red: number, green: number, blue: number];

const DISK_THICKNESS = 0.11;
const BULGE_ROUNDNESS = 0.62;
/** One turn around the centre is one period of the noise, so that no seam shows. */
const NOISE_PER_RADIAN = NOISE_PERIOD / (2 * Math.PI);
const PITCH = Math.tan((19 * Math.PI) / 180);

const axisRatio = (cosine: number, thickness: number) => Math.sqrt(cosine ** 2 * (1 - thickness ** 2) + thickness ** 2);
const smooth = (from: number, to: number, value: number) => {
  const t = Math.min(Math.max((value - from) / (to - from), 0), 1);
  return t * t * (3 - 2 * t);
};

/** Returns a function that adds the galaxy's light at (x, y) to `light`; y points up, the picture reaches from -1 to 1. */
export function lightOf(look: GalaxyLook): (x: number, y: number, light: Light) => void {
  const { radius = 0.62, bulge = 0.3, isElliptical = false, center = [0, 0], brightness = 1, bend = 0 } = look;
  const noise = makeNoise(look.seed);
  const cosine = Math.cos((look.tiltDeg * Math.PI) / 180);
  const diskRatio = axisRatio(cosine, DISK_THICKNESS);
  const bulgeRatio = isElliptical ? diskRatio : axisRatio(cosine, BULGE_ROUNDNESS);
  const turn = ((look.turnDeg ?? 0) * Math.PI) / 180;
  const [cosTurn, sinTurn] = [Math.cos(turn), Math.sin(turn)];
  const scale = radius * 0.27;
  const bulgeScale = isElliptical ? radius * 0.34 : radius * 0.13;
  const armContrast = smooth(0.12, 0.5, cosine);
  const laneDepth = 1.5 * smooth(0.42, 0.05, cosine);
  const spin = look.seed % 7;

  return (skyX, skyY, light) => {
    const dx = skyX - center[0];
    const dy = skyY - center[1];
    const x = dx * cosTurn + dy * sinTurn;
    const y = dy * cosTurn - dx * sinTurn - bend * Math.max(x, -0.12) ** 2 * 2.4;
    const ball = brightness * (isElliptical ? 2.6 : 6 * bulge) * Math.exp(-2.6 * Math.sqrt(Math.hypot(x, y / bulgeRatio) / bulgeScale));
    light[0] += ball;
    light[1] += ball * 0.76;
    light[2] += ball * 0.48;
    if (isElliptical) return;

    const planeY = y / diskRatio;
    const distance = Math.hypot(x, planeY);
    if (distance > radius * 1.9) return;
    const angle = Math.atan2(planeY, x);
    const wound = angle - Math.log(distance / radius + 0.02) / PITCH;
    const patch = noise(wound * NOISE_PER_RADIAN, (distance / radius) * 15) * 0.6 + noise((x + 0.6 * planeY) * 17, (planeY - 0.6 * x) * 17) * 0.4;
    const inner = smooth(0.12, 0.34, distance / radius);
    const arm = inner * (0.5 + 0.5 * Math.cos(2 * wound + spin)) ** 2;
    const armDust = inner * (0.5 + 0.5 * Math.cos(2 * wound + spin + 1.1)) ** 5;
    const edge = 1 - smooth(radius * 0.9, radius * 1.75, distance);
    const smoothDisk = Math.exp(-distance / scale) * edge * (1 + 1.3 * (1 - cosine));
    let ridge = 0;
    if (look.ring) ridge += 0.16 * Math.exp(-(((distance - radius * 0.62) / (radius * 0.09)) ** 2));
    if (look.bar) ridge += 0.55 * Math.exp(-((x / (radius * 0.3)) ** 4) - (planeY / (radius * 0.07)) ** 2);
    const young = smoothDisk * armContrast * (1.7 * arm * (0.12 + 1.5 * patch) + Math.max(patch - 0.58, 0) * 2.6 * inner);
    const old = smoothDisk * (1 - 0.42 * armContrast * inner) * (0.82 + 0.36 * patch);
    const lane = Math.exp(-(((y + 0.16 * scale * (cosine + 0.1)) / (radius * 0.028)) ** 2)) * Math.exp(-Math.abs(x) / (1.9 * scale));
    const clear = Math.exp(-laneDepth * lane * (0.55 + 0.9 * patch)) * (1 - 0.45 * armContrast * armDust * (0.4 + 0.6 * patch));
    const warmth = Math.exp(-distance / (0.42 * radius));
    light[0] = light[0] * (1 - laneDepth * 0.42 * lane) + brightness * clear * (old * (0.8 + 0.2 * warmth) + young * 0.62 + ridge);
    light[1] = light[1] * (1 - laneDepth * 0.5 * lane) + brightness * clear * (old * (0.78 - 0.02 * warmth) + young * 0.8 + ridge * (look.bar ? 0.8 : 0.95));
    light[2] = light[2] * (1 - laneDepth * 0.56 * lane) + brightness * clear ** 1.2 * (old * (0.86 - 0.34 * warmth) + young * 1.12 + ridge * (look.bar ? 0.55 : 1.1));
  };
}
