/**
 * How a picture is placed in the frame that the network sees, as defined by the API: magnified about its centre, rotated
 * clockwise, then shifted right and down by fractions of the frame's side. Angles in degrees.
 */

export interface View {
  angleDeg: number;
  zoom: number;
  shift: readonly [number, number];
  isInverted: boolean;
}

export const FIRST_VIEW: View = { angleDeg: 0, zoom: 1, shift: [0, 0], isInverted: false };

export const MIN_ZOOM = 0.5;
export const MAX_ZOOM = 8;
const MAX_SHIFT = 1;
const ZOOM_STEP = 1.1;

const round = (value: number, digits: number) => {
  const factor = 10 ** digits;
  return Math.round(value * factor) / factor + 0;
};
const within = (value: number, from: number, to: number) => Math.min(Math.max(value, from), to);

/** Keeps every number in its bounds; angles from -180 (left out) to 180. */
export function tidy({ angleDeg, zoom, shift, isInverted }: View): View {
  const turned = -((((-angleDeg + 180) % 360) + 360) % 360) + 180;
  return {
    angleDeg: round(turned, 2),
    zoom: round(within(zoom, MIN_ZOOM, MAX_ZOOM), 3),
    shift: [round(within(shift[0], -MAX_SHIFT, MAX_SHIFT), 4), round(within(shift[1], -MAX_SHIFT, MAX_SHIFT), 4)],
    isInverted,
  };
}

/** A position in the frame: fractions of its side, right and down from its centre. */
export type Place = readonly [number, number];

/** A two-finger gesture: moves the point `from` between the fingers to `to`, and rotates and zooms about it. */
export interface Pinch {
  byDeg: number;
  factor: number;
  from: Place;
  to: Place;
}

const MIDDLE: Place = [0, 0];

export function pinchBy(view: View, { byDeg, factor, from, to }: Pinch): View {
  const zoom = within(view.zoom * factor, MIN_ZOOM, MAX_ZOOM);
  const [cos, sin] = [Math.cos((byDeg * Math.PI) / 180), Math.sin((byDeg * Math.PI) / 180)];
  const [x, y] = [view.shift[0] - from[0], view.shift[1] - from[1]];
  const grown = zoom / view.zoom;
  const shift: Place = [to[0] + grown * (x * cos - y * sin), to[1] + grown * (x * sin + y * cos)];
  return tidy({ ...view, zoom, angleDeg: view.angleDeg + byDeg, shift });
}

/** Zooming by buttons, keys and the wheel keeps the centre of the frame fixed. */
export const turnBy = (view: View, byDeg: number): View => pinchBy(view, { byDeg, factor: 1, from: MIDDLE, to: MIDDLE });
export const enlargeBy = (view: View, factor: number): View => pinchBy(view, { byDeg: 0, factor, from: MIDDLE, to: MIDDLE });

/** Steps of the keys and buttons stop at 1. */
export function zoomBy(view: View, steps: number): View {
  const zoom = view.zoom * ZOOM_STEP ** steps;
  return enlargeBy(view, (Math.abs(zoom - 1) < 0.04 ? 1 : zoom) / view.zoom);
}

/** Moves the galaxy on the screen. */
export const moveBy = (view: View, x: number, y: number): View => tidy({ ...view, shift: [view.shift[0] + x, view.shift[1] + y] });

export const isSameView = (a: View, b: View): boolean =>
  a.angleDeg === b.angleDeg && a.zoom === b.zoom && a.shift[0] === b.shift[0] && a.shift[1] === b.shift[1] && a.isInverted === b.isInverted;

/** CSS transform of an element as large as the frame, rotated about its centre. */
export const cssTransform = ({ angleDeg, zoom, shift }: View): string => `translate(${100 * shift[0]}%, ${100 * shift[1]}%) rotate(${angleDeg}deg) scale(${zoom})`;

/** The same for SVG, in units of the picture's side with the origin at its centre. */
export const svgTransform = ({ angleDeg, zoom, shift }: View): string => `translate(${shift[0]} ${shift[1]}) rotate(${angleDeg}) scale(${zoom})`;

/** The point of the picture at a point of the frame; both relative to the centre. */
export function pointAt({ angleDeg, zoom, shift }: View, [x, y]: readonly [number, number]): [number, number] {
  const [cos, sin] = [Math.cos((angleDeg * Math.PI) / 180), Math.sin((angleDeg * Math.PI) / 180)];
  const [right, down] = [x - shift[0], y - shift[1]];
  return [(right * cos + down * sin) / zoom, (down * cos - right * sin) / zoom];
}

/** The view as part of an address; default values are left out. */
export function viewToQuery(view: View): Record<string, string> {
  return {
    ...(view.angleDeg !== 0 && { angle: String(view.angleDeg) }),
    ...(view.zoom !== 1 && { zoom: String(view.zoom) }),
    ...(view.shift[0] !== 0 && { x: String(view.shift[0]) }),
    ...(view.shift[1] !== 0 && { y: String(view.shift[1]) }),
    ...(view.isInverted && { inverted: "1" }),
  };
}

export function viewFromQuery(query: URLSearchParams): View {
  const number = (name: string, otherwise: number) => {
    const value = Number(query.get(name) || Number.NaN);
    return Number.isFinite(value) ? value : otherwise;
  };
  return tidy({ angleDeg: number("angle", 0), zoom: number("zoom", 1), shift: [number("x", 0), number("y", 0)], isInverted: query.get("inverted") === "1" });
}

const degrees = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });

function wayOf(share: number, ahead: string, back: string): string {
  const percent = Math.round(100 * share);
  return `${percent < 0 ? back : ahead} by ${Math.abs(percent)}`;
}

/** A description for screen readers. */
export function viewInWords({ angleDeg, zoom, shift, isInverted }: View): string {
  const parts = [
    angleDeg === 0 ? "not turned" : `turned ${angleDeg > 0 ? "right" : "left"} by ${degrees.format(Math.abs(angleDeg))} degrees`,
    `zoom ${degrees.format(zoom)}`,
    shift[0] === 0 && shift[1] === 0 ? "not moved" : `moved ${wayOf(shift[0], "right", "left")} and ${wayOf(shift[1], "down", "up")} percent`,
  ];
  return [...parts, ...(isInverted ? ["inverted"] : [])].join(", ");
}
