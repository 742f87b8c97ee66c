/** Which standard each panel shows: a pure function of the task's orders and the draws made so far. */

import { binsOf, type Place } from "./grid";

/** What the server sends with a task: which bin fills a grid bin, and each source bin's standards in seeded order. */
export interface Pools {
  readonly sources: Readonly<Record<string, number>>;
  readonly orders: Readonly<Record<string, readonly number[]>>;
}

/** Draws taken in a task: the next number of each source bin, and what each bin of step A and of step B last showed. */
export interface Draws {
  readonly next: Readonly<Record<number, number>>;
  readonly shown: { readonly A: Readonly<Record<number, number>>; readonly B: Readonly<Record<number, number>> };
}

export interface Panel {
  /** The grid bin of this panel. */
  readonly bin: number;
  /** The bin that fills it: the inclination that is really shown. */
  readonly degrees: number;
  readonly draw: number;
  readonly standardId: number;
}

/** The server reads draws below this number; further ones would show the same standards again. */
export const MAX_DRAW = 10_000;

export const NO_DRAWS: Draws = { next: {}, shown: { A: {}, B: {} } };

function orderOf(pools: Pools, degrees: number): readonly number[] {
  return pools.orders[degrees] ?? [];
}

function standardOf(pools: Pools, degrees: number, draw: number): number | undefined {
  const order = orderOf(pools, degrees);
  return order[draw % order.length];
}

function fillable(pools: Pools, place: Place): { bin: number; degrees: number }[] {
  return binsOf(place).flatMap((bin) => {
    const degrees = pools.sources[bin];
    return degrees !== undefined && orderOf(pools, degrees).length > 0 ? [{ bin, degrees }] : [];
  });
}

/** The next draw of a bin that shows a standard not `taken` and not `own`; else `own` again; else simply the next. */
function nextDraw(
  pools: Pools,
  degrees: number,
  from: number,
  taken: ReadonlySet<number>,
  own?: number,
): number {
  const count = orderOf(pools, degrees).length;
  const first = from + count > MAX_DRAW ? from % count : from;
  let fallback = first;
  for (let draw = first; draw < first + count; draw += 1) {
    const standardId = standardOf(pools, degrees, draw);
    if (standardId === undefined || taken.has(standardId)) continue;
    if (standardId !== own) return draw;
    fallback = draw;
  }
  return fallback;
}

/** The panels that are visible at a place; call `withRow` first, so that every one of them has a draw. */
export function panelsAt(pools: Pools, draws: Draws, place: Place): Panel[] {
  const shown = draws.shown[place.step];
  return fillable(pools, place).flatMap(({ bin, degrees }) => {
    const draw = shown[bin];
    const standardId = draw === undefined ? undefined : standardOf(pools, degrees, draw);
    return draw === undefined || standardId === undefined ? [] : [{ bin, degrees, draw, standardId }];
  });
}

/**
 * Makes the draws that a row still needs. A bin that has been seen in this step keeps its draw (sliding, stepping back
 * and forth), unless its neighbour that shares the same source shows that standard now.
 */
export function withRow(pools: Pools, draws: Draws, place: Place): Draws {
  const shown: Record<number, number> = { ...draws.shown[place.step] };
  const next: Record<number, number> = { ...draws.next };
  const taken = new Set<number>();
  const toDraw: { bin: number; degrees: number }[] = [];
  for (const panel of fillable(pools, place)) {
    const draw = shown[panel.bin];
    const standardId = draw === undefined ? undefined : standardOf(pools, panel.degrees, draw);
    if (standardId === undefined || taken.has(standardId)) toDraw.push(panel);
    else taken.add(standardId);
  }
  for (const { bin, degrees } of toDraw) {
    const draw = nextDraw(pools, degrees, next[degrees] ?? 0, taken);
    shown[bin] = draw;
    next[degrees] = draw + 1;
    const standardId = standardOf(pools, degrees, draw);
    if (standardId !== undefined) taken.add(standardId);
  }
  return { next, shown: { ...draws.shown, [place.step]: shown } };
}

/** Draws other standards for some panels of a row; the others stay. */
export function redraw(pools: Pools, draws: Draws, place: Place, bins: readonly number[]): Draws {
  const row = panelsAt(pools, draws, place);
  const shown: Record<number, number> = { ...draws.shown[place.step] };
  const next: Record<number, number> = { ...draws.next };
  const taken = new Set(row.filter((panel) => !bins.includes(panel.bin)).map((panel) => panel.standardId));
  for (const panel of row) {
    if (!bins.includes(panel.bin)) continue;
    const draw = nextDraw(pools, panel.degrees, next[panel.degrees] ?? 0, taken, panel.standardId);
    shown[panel.bin] = draw;
    next[panel.degrees] = draw + 1;
    const standardId = standardOf(pools, panel.degrees, draw);
    if (standardId !== undefined) taken.add(standardId);
  }
  return { next, shown: { ...draws.shown, [place.step]: shown } };
}

/** Whether a panel's bin has any other standard to show. */
export function hasOther(pools: Pools, panel: Panel): boolean {
  return orderOf(pools, panel.degrees).length > 1;
}

/** The draws of a row for the trace: one entry a grid bin, null where the panel is left out. */
export function drawsOfRow(pools: Pools, draws: Draws, place: Place): (number | null)[] {
  const drawOf = new Map(panelsAt(pools, draws, place).map((panel) => [panel.bin, panel.draw]));
  return binsOf(place).map((bin) => drawOf.get(bin) ?? null);
}
