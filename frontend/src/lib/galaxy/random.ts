/** Small seeded randomness for drawings: the same seed draws the same galaxy. */

export function makeRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A power of two: the noise repeats after so many units. */
export const NOISE_PERIOD = 16;

/** Smooth noise over the plane, 0 … 1, repeating every `NOISE_PERIOD` units. */
export function makeNoise(seed: number): (x: number, y: number) => number {
  const random = makeRandom(seed);
  const grid = Float32Array.from({ length: NOISE_PERIOD ** 2 }, random);
  const at = (column: number, row: number) => grid[(row & (NOISE_PERIOD - 1)) * NOISE_PERIOD + (column & (NOISE_PERIOD - 1))] ?? 0;
  return (x, y) => {
    const column = Math.floor(x);
    const row = Math.floor(y);
    const u = (x - column) ** 2 * (3 - 2 * (x - column));
    const v = (y - row) ** 2 * (3 - 2 * (y - row));
    const top = at(column, row) * (1 - u) + at(column + 1, row) * u;
    const bottom = at(column, row + 1) * (1 - u) + at(column + 1, row + 1) * u;
    return top * (1 - v) + bottom * v;
  };
}
