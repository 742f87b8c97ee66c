/** The magnification of pictures, whose field is 2 × D25. */

/** At zoom 1 a panel shows the central 1 / 1.45 of the field, so that the galaxy fills it. */
export const DEFAULT_CROP = 1.45;
export const MIN_ZOOM = 0.5;
export const MAX_ZOOM = 8;
const STEP = 1.2;

export function zoomBy(zoom: number, steps: number): number {
  const stepped = clampZoom(zoom * STEP ** steps);
  return Math.abs(stepped - 1) < 0.05 ? 1 : stepped;
}

export function clampZoom(zoom: number): number {
  return Math.round(Math.min(Math.max(zoom, MIN_ZOOM), MAX_ZOOM) * 100) / 100;
}

/** The median of a set's corrections. Those of the original set are magnifications of the field (about 2.1), those of a demo set are 1. */
export function typicalZoom(zooms: readonly number[]): number {
  const sorted = zooms.filter((zoom) => zoom > 0).sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 1;
}

/**
 * A standard's own correction relative to the median of its set, so that a set whose pictures are all "zoomed 2.3" is
 * shown like any other. Bounded, and never so small that the edge or, turned, a corner of the picture comes into view at zoom 1.
 */
export function zoomCorrection(zoom: number, typical: number, rotationDeg = 0): number {
  const relative = zoom > 0 && typical > 0 ? zoom / typical : 1;
  const turn = (rotationDeg * Math.PI) / 180;
  const filling = Math.abs(Math.cos(turn)) + Math.abs(Math.sin(turn));
  return Math.min(Math.max(relative, filling / DEFAULT_CROP), 1.6);
}
