import { type PointerEvent, useEffect, useRef } from "react";

interface Changes {
  /** By shares of the frame. */
  onMove: (x: number, y: number) => void;
  onEnlarge: (factor: number) => void;
  onTurn: (byDeg: number) => void;
}

const WHEEL_FACTOR_PER_PX = 0.0015;
/** Two fingers turn only when they clearly do: most pinches mean the size. */
const TURN_FROM_DEG = 8;

interface Point {
  x: number;
  y: number;
}

/** Mouse and fingers on the picture: dragging moves, the wheel and two fingers enlarge, two fingers turn. */
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

  const onPointerMove = (event: PointerEvent<HTMLDivElement>) => {
    const before = points.current.get(event.pointerId);
    if (!before) return;
    const now = { x: event.clientX, y: event.clientY };
    const side = event.currentTarget.clientWidth || 1;
    const other = [...points.current].find(([id]) => id !== event.pointerId)?.[1];
    const fingers = points.current.size;
    points.current.set(event.pointerId, now);
    latest.current.onMove((now.x - before.x) / side / fingers, (now.y - before.y) / side / fingers);
    if (!other) return;
    const [was, is] = [Math.hypot(before.x - other.x, before.y - other.y), Math.hypot(now.x - other.x, now.y - other.y)];
    if (was > 0 && is > 0) latest.current.onEnlarge(is / was);
    const byDeg = ((Math.atan2(now.y - other.y, now.x - other.x) - Math.atan2(before.y - other.y, before.x - other.x)) * 180) / Math.PI;
    const small = ((byDeg + 540) % 360) - 180;
    turned.current.sumDeg += small;
    turned.current.isTurning ||= Math.abs(turned.current.sumDeg) > TURN_FROM_DEG;
    if (turned.current.isTurning) latest.current.onTurn(small);
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
