/** The position of a prediction in the row of its nearest standards. */

export interface RulerPanel {
  inclination_deg: number;
}

export interface Ruler {
  /** How many cells there are: the standards, and the galaxy among them. */
  cells: number;
  /** The galaxy's cell, from 0. */
  place: number;
  /** The cell of the standard with this number. */
  cellOf: (panel: number) => number;
  /** Position of an inclination in cells from the left end; the middle of the first cell is 0.5. Clamped to the row. */
  at: (inclinationDeg: number) => number;
}

/** Linear between the knots (the middles of the cells), and extrapolated beyond the ends. */
export function rulerOf(panels: readonly RulerPanel[], inclinationDeg: number): Ruler {
  const place = panels.filter((panel) => panel.inclination_deg < inclinationDeg).length;
  const degrees = panels.map((panel) => panel.inclination_deg);
  degrees.splice(place, 0, inclinationDeg);
  const last = degrees.length - 1;
  const step = last > 0 ? Math.max(((degrees[last] ?? 0) - (degrees[0] ?? 0)) / last, 0.1) : 1;
  const at = (wanted: number): number => {
    const first = degrees[0] ?? 0;
    const end = degrees[last] ?? 0;
    if (wanted <= first) return Math.max(0, 0.5 - (first - wanted) / step);
    if (wanted >= end) return Math.min(last + 1, last + 0.5 + (wanted - end) / step);
    const right = degrees.findIndex((degree) => degree >= wanted);
    const [from, to] = [degrees[right - 1] ?? first, degrees[right] ?? end];
    return right - 0.5 + (to > from ? (wanted - from) / (to - from) : 0);
  };
  return { cells: degrees.length, place, cellOf: (panel) => (panel < place ? panel : panel + 1), at };
}

/** The scale of a plot of predictions: multiples of five that enclose all of them. */
export function scaleOf(values: readonly number[]): { from: number; to: number; ticks: number[] } {
  const from = Math.max(0, 5 * Math.floor((Math.min(...values) - 0.5) / 5));
  const to = Math.max(from + 10, Math.min(95, 5 * Math.ceil((Math.max(...values) + 0.5) / 5)));
  const step = [5, 10, 15, 20].find((candidate) => (to - from) / candidate <= 5) ?? 20;
  const ticks = Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, index) => from + index * step);
  return { from, to, ticks };
}
