import { type PointerEvent, useRef } from "react";

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

/** Fingers on the triptych: a swipe moves the target, two fingers zoom, a long press compares full screen. */
export function useGestures({ onSwipe, onPinch, onLongPress }: Gestures) {
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
    onContextMenu: (event: { preventDefault: () => void; nativeEvent: Event }) => {
      // A long press on a picture would open the browser's picture menu over our comparison.
      if ((event.nativeEvent as globalThis.PointerEvent).pointerType !== "mouse") event.preventDefault();
    },
  };
}
