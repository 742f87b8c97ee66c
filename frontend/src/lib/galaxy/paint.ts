/** Draws galaxies as a survey would show them: Lupton's colours, a few stars, a little noise. */

import { type GalaxyLook, type Light, lightOf } from "./model";
import { makeRandom } from "./random";

export interface SkyLook {
  galaxies: readonly GalaxyLook[];
  seed: number;
  stars?: number;
  /** A bright star in front: where, and how bright. */
  glare?: { x: number; y: number; strength: number };
  noise?: number;
  /** The sky to the right of this is missing. */
  cutAt?: number;
}

const SOFTENING = 12;
/** The light that just turns white. */
const WHITE = 2.1;
const SKY = 0.03;
const STAR_COLOURS: readonly Light[] = [
  [1, 0.72, 0.42],
  [1, 0.88, 0.7],
  [0.95, 0.97, 1],
  [0.7, 0.83, 1],
];

function addStars(light: Float32Array, side: number, look: SkyLook): void {
  const random = makeRandom(look.seed + 77);
  const spots = Array.from({ length: look.stars ?? 26 }, () => ({
    x: random() * side,
    y: random() * side,
    strength: 0.05 + 0.75 * random() ** 5,
    colour: STAR_COLOURS[Math.floor(random() * STAR_COLOURS.length)] ?? [1, 1, 1],
    width: (1.05 + random() * 0.35) * (side / 320),
    spike: 0,
  }));
  if (look.glare) {
    const { x, y, strength } = look.glare;
    spots.push({ x: ((x + 1) / 2) * side, y: ((1 - y) / 2) * side, strength, colour: [0.92, 0.95, 1], width: (side / 320) * 5, spike: side * 0.22 });
  }
  for (const { x, y, strength, colour, width, spike } of spots) {
    const reach = Math.ceil(Math.max(width * 5, spike));
    for (let row = Math.max(0, Math.floor(y - reach)); row < Math.min(side, y + reach); row += 1) {
      for (let column = Math.max(0, Math.floor(x - reach)); column < Math.min(side, x + reach); column += 1) {
        const [dx, dy] = [column - x, row - y];
        let value = strength * Math.exp(-(dx * dx + dy * dy) / (2 * width * width));
        if (spike > 0) value += strength * 0.3 * (Math.exp(-Math.abs(dx) * 0.9 - (4 * Math.abs(dy)) / spike) + Math.exp(-Math.abs(dy) * 0.9 - (4 * Math.abs(dx)) / spike));
        const at = 3 * (row * side + column);
        for (let channel = 0; channel < 3; channel += 1) light[at + channel] = (light[at + channel] ?? 0) + value * (colour[channel] ?? 1);
      }
    }
  }
}

type Pixels = Uint8ClampedArray<ArrayBuffer>;

/** Draws the sky as `side` × `side` RGBA pixels; pauses after each row, so that the caller may give up. */
export function* skyRows(side: number, look: SkyLook): Generator<void, Pixels> {
  const light = new Float32Array(3 * side * side);
  const one: Light = [0, 0, 0];
  const adders = look.galaxies.map(lightOf);
  for (let row = 0; row < side; row += 1) {
    const y = 1 - (2 * row + 1) / side;
    for (let column = 0; column < side; column += 1) {
      one.fill(0);
      for (const add of adders) add((2 * column + 1) / side - 1, y, one);
      light.set(one, 3 * (row * side + column));
    }
    yield;
  }
  addStars(light, side, look);
  const random = makeRandom(look.seed + 5);
  const grain = 4 * (look.noise ?? 0.008);
  const pixels = new Uint8ClampedArray(4 * side * side);
  const top = Math.asinh(SOFTENING * WHITE);
  for (let pixel = 0; pixel < side * side; pixel += 1) {
    if (pixel % side === 0) yield;
    const isCut = look.cutAt !== undefined && (2 * (pixel % side)) / side - 1 > look.cutAt;
    const red = light[3 * pixel] ?? 0;
    const green = light[3 * pixel + 1] ?? 0;
    const blue = light[3 * pixel + 2] ?? 0;
    const mean = Math.max((red + green + blue) / 3, 1e-6);
    const stretch = Math.asinh(SOFTENING * mean) / top / mean;
    const brightest = Math.max(red, green, blue) * stretch;
    const shown = brightest > 1 ? stretch / brightest : stretch;
    // What is brighter than white loses its colour, as on a detector.
    const white = brightest > 1 ? 0.75 * (1 - 1 / brightest) : 0;
    for (let channel = 0; channel < 3; channel += 1) {
      const colour = (channel === 0 ? red : channel === 1 ? green : blue) * shown;
      const value = colour + (1 - colour) * white + SKY + (random() + random() - 1) * grain;
      pixels[4 * pixel + channel] = isCut ? 235 : 255 * Math.min(value, 1);
    }
    pixels[4 * pixel + 3] = 255;
  }
  return pixels;
}

export function renderSky(side: number, look: SkyLook): Pixels {
  const rows = skyRows(side, look);
  for (;;) {
    const { done, value } = rows.next();
    if (done) return value;
  }
}
