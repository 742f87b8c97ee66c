import { type PointerEvent, useEffect, useRef } from "react";
import type { Pinch, Place } from "../rules/view";

interface Changes {
  /** By shares of the frame. */
  onMove: (x: number, y: number) => void;
  onEnlarge: (factor: number) => void;
  onPinch: (pinch: Pinch) => void;
}

const WHEEL_FACTOR_PER_PX = 0.0015;
/** Two fingers turn only when they clearly do: most pinches mean the size. */
const TURN_FROM_DEG = 8;

interface Point {
  x: number;
  y: number;
}

const middleOf = (a: Point, b: Point): Point => ({ x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 });
const betweenDeg = (a: Point, b: Point): number => (Math.atan2(b.y - a.y, b.x - a.x) * 180) / Math.PI;

/** A point of the window as a place in the frame. */
function placeIn(frame: Element, { x, y }: Point): Place {
  const { left, top, width, height } = frame.getBoundingClientRect();
  return [(x - left - width / 2) / (frame.clientWidth || 1), (y - top - height / 2) / (frame.clientHeight || 1)];
}

/** Mouse and fingers on the picture: dragging moves, the wheel enlarges; two fingers move, enlarge and turn what lies under them. */
export function useViewGestures(changes: Changes) {
  const frame = useRef<HTMLDivElement>(null);
  const points = useRef(new Map<number, Point>());
  const turned = useRef({ sumDeg: 0, isTurning: false });
  const latest = useRef(changes);
  useEffect(() => {
    latest.current = changes;
  });

  useEffect(() => {
    const element = frame.current;
    if (!element) return;
    // React's own wheel listeners are passive: the page would scroll along.
    const onWheel = (event: WheelEvent) => {
      if (event.deltaY === 0) return;
      event.preventDefault();
      const px = event.deltaY * (event.deltaMode === 1 ? 16 : event.deltaMode === 2 ? 400 : 1) * (event.ctrlKey ? 6 : 1);
      latest.current.onEnlarge(Math.exp(-WHEEL_FACTOR_PER_PX * Math.max(-300, Math.min(px, 300))));
    };
    element.addEventListener("wheel", onWheel, { passive: false });
    return () => element.removeEventListener("wheel", onWheel);
  }, []);

  /** How far two fingers have turned since the last event: nothing before they clearly do. */
  const turnOf = (before: Point, now: Point, other: Point): number => {
    const byDeg = ((betweenDeg(other, now) - betweenDeg(other, before) + 540) % 360) - 180;
    turned.current.sumDeg += byDeg;
    turned.current.isTurning ||= Math.abs(turned.current.sumDeg) > TURN_FROM_DEG;
    return turned.current.isTurning ? byDeg : 0;
  };

  const onPointerMove = (event: PointerEvent<HTMLDivElement>) => {
    const before = points.current.get(event.pointerId);
    if (!before) return;
    const now = { x: event.clientX, y: event.clientY };
    const element = event.currentTarget;
    const other = [...points.current].find(([id]) => id !== event.pointerId)?.[1];
    points.current.set(event.pointerId, now);
    if (!other) {
      latest.current.onMove((now.x - before.x) / (element.clientWidth || 1), (now.y - before.y) / (element.clientHeight || 1));
      return;
    }
    const [was, is] = [Math.hypot(before.x - other.x, before.y - other.y), Math.hypot(now.x - other.x, now.y - other.y)];
    const [from, to] = [placeIn(element, middleOf(before, other)), placeIn(element, middleOf(now, other))];
    latest.current.onPinch({ byDeg: turnOf(before, now, other), factor: was > 0 && is > 0 ? is / was : 1, from, to });
  };

  const end = (event: PointerEvent) => {
    points.current.delete(event.pointerId);
    if (points.current.size < 2) turned.current = { sumDeg: 0, isTurning: false };
  };

  return {
    frame,
    handlers: {
      onPointerDown: (event: PointerEvent<HTMLDivElement>) => {
        if (event.pointerType === "mouse" && event.button !== 0) return;
        if (event.target instanceof Element && event.target.closest("button")) return;
        event.currentTarget.setPointerCapture(event.pointerId);
        points.current.set(event.pointerId, { x: event.clientX, y: event.clientY });
      },
      onPointerMove,
      onPointerUp: end,
      onPointerCancel: end,
    },
  };
}
