import { type PointerEvent, useEffect, useRef } from "react";
import { wheelFactor } from "@/lib/wheel";

interface Gestures {
  onSwipe: (direction: -1 | 1) => void;
  onPinch: (factor: number) => void;
  onLongPress: () => void;
}

const SWIPE_PX = 36;
const STILL_PX = 10;
const LONG_PRESS_MS = 550;

interface Touch {
  startX: number;
  startY: number;
  x: number;
  y: number;
}

/** Suppresses the browser's picture menu on a long press (but not on a right click). */
export function keepMenuAway(event: { preventDefault: () => void; nativeEvent: Event }): void {
  if ((event.nativeEvent as globalThis.PointerEvent).pointerType !== "mouse") event.preventDefault();
}

/** Touch gestures on the three pictures: a swipe moves the target, two fingers zoom, a long press opens full screen. The mouse wheel zooms. */
export function useGestures({ onSwipe, onPinch, onLongPress }: Gestures) {
  const frame = useRef<HTMLElement>(null);
  const zoom = useRef(onPinch);
  useEffect(() => {
    zoom.current = onPinch;
  });
  useEffect(() => {
    const element = frame.current;
    if (!element) return undefined;
    // React's own wheel listeners are passive, so the page would scroll, too.
    const onWheel = (event: WheelEvent) => {
      const factor = wheelFactor(event);
      if (factor === 1) return;
      event.preventDefault();
      zoom.current(factor);
    };
    element.addEventListener("wheel", onWheel, { passive: false });
    return () => element.removeEventListener("wheel", onWheel);
  }, []);

  const touches = useRef(new Map<number, Touch>());
  const spread = useRef<number | null>(null);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);

  const spreadNow = () => {
    const [a, b] = [...touches.current.values()];
    return a && b ? Math.hypot(a.x - b.x, a.y - b.y) : null;
  };

  const end = (event: PointerEvent, mayBeSwipe: boolean) => {
    clearTimeout(timer.current);
    const touch = touches.current.get(event.pointerId);
    touches.current.delete(event.pointerId);
    if (!touch || !mayBeSwipe) return;
    const dx = touch.x - touch.startX;
    const wasPinch = spread.current !== null;
    if (touches.current.size === 0) spread.current = null;
    if (!wasPinch && Math.abs(dx) >= SWIPE_PX && Math.abs(dx) > 1.5 * Math.abs(touch.y - touch.startY)) onSwipe(dx < 0 ? -1 : 1);
  };

  return {
    frame,
    onPointerDown: (event: PointerEvent) => {
      if (event.pointerType === "mouse" || (event.target instanceof Element && event.target.closest("button"))) return;
      touches.current.set(event.pointerId, { startX: event.clientX, startY: event.clientY, x: event.clientX, y: event.clientY });
      clearTimeout(timer.current);
      spread.current = spreadNow();
      if (touches.current.size === 1) {
        timer.current = setTimeout(() => {
          touches.current.clear();
          onLongPress();
        }, LONG_PRESS_MS);
      }
    },
    onPointerMove: (event: PointerEvent) => {
      const touch = touches.current.get(event.pointerId);
      if (!touch) return;
      touch.x = event.clientX;
      touch.y = event.clientY;
      if (Math.hypot(touch.x - touch.startX, touch.y - touch.startY) > STILL_PX) clearTimeout(timer.current);
      const now = spreadNow();
      if (now !== null && spread.current !== null && spread.current > 0 && Math.abs(now / spread.current - 1) > 0.03) {
        onPinch(now / spread.current);
        spread.current = now;
      }
    },
    onPointerUp: (event: PointerEvent) => end(event, true),
    onPointerCancel: (event: PointerEvent) => end(event, false),
    onContextMenu: keepMenuAway,
  };
}
