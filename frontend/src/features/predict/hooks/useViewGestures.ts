import { type PointerEvent, useEffect, useRef } from "react";
import { wheelFactor } from "@/lib/wheel";
import type { Pinch, Place } from "../rules/view";

interface Changes {
  /** In fractions of the frame. */
  onMove: (x: number, y: number) => void;
  onEnlarge: (factor: number) => void;
  onPinch: (pinch: Pinch) => void;
}

/** Two fingers rotate only beyond this angle: most pinches are meant to zoom. */
const TURN_FROM_DEG = 8;

interface Point {
  x: number;
  y: number;
}

const middleOf = (a: Point, b: Point): Point => ({ x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 });
const betweenDeg = (a: Point, b: Point): number => (Math.atan2(b.y - a.y, b.x - a.x) * 180) / Math.PI;

/** Converts a point of the window into a position in the frame. */
function placeIn(frame: Element, { x, y }: Point): Place {
  const { left, top, width, height } = frame.getBoundingClientRect();
  return [(x - left - width / 2) / (frame.clientWidth || 1), (y - top - height / 2) / (frame.clientHeight || 1)];
}

/** Mouse and touch gestures on the picture: dragging moves, the wheel zooms; two fingers move, zoom and rotate about their middle. */
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
    // React's own wheel listeners are passive, so the page would scroll, too.
    const onWheel = (event: WheelEvent) => {
      const factor = wheelFactor(event);
      if (factor === 1) return;
      event.preventDefault();
      latest.current.onEnlarge(factor);
    };
    element.addEventListener("wheel", onWheel, { passive: false });
    return () => element.removeEventListener("wheel", onWheel);
  }, []);

  /** How far two fingers have rotated since the last event; 0 until the rotation is clear. */
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
