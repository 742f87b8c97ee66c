import { type PointerEvent, type RefObject, useEffect, useRef, useState } from "react";

const EDGE_PX = 44;
const SCROLL_STEP_PX = 9;

interface Drag {
  pointerId: number;
  x: number;
  /** Where the target was grabbed, in cells from the left of its cell. */
  grip: number;
}

/** Drags the target along the strip: the slot follows at once, and the strip scrolls near its edges. */
export function useStripDrag(scroller: RefObject<HTMLElement | null>, cells: number, slot: number, onPlace: (slot: number) => void) {
  const drag = useRef<Drag | null>(null);
  const [offset, setOffset] = useState<number | null>(null);
  const latest = useRef({ cells, onPlace });
  useEffect(() => {
    latest.current = { cells, onPlace };
  });

  const follow = () => {
    const track = scroller.current?.firstElementChild;
    if (!track || !drag.current) return;
    const box = track.getBoundingClientRect();
    const position = ((drag.current.x - box.left) / box.width) * latest.current.cells - drag.current.grip;
    const bounded = Math.min(Math.max(position, 0), latest.current.cells - 1);
    setOffset(bounded);
    latest.current.onPlace(Math.round(bounded));
  };

  const isDragging = offset !== null;
  useEffect(() => {
    if (!isDragging) return undefined;
    const timer = setInterval(() => {
      const box = scroller.current?.getBoundingClientRect();
      if (!box || !drag.current || !scroller.current) return;
      const direction = drag.current.x < box.left + EDGE_PX ? -1 : drag.current.x > box.right - EDGE_PX ? 1 : 0;
      const before = scroller.current.scrollLeft;
      scroller.current.scrollLeft += direction * SCROLL_STEP_PX;
      if (scroller.current.scrollLeft !== before) follow();
    }, 16);
    return () => clearInterval(timer);
  });

  const end = (event: PointerEvent) => {
    if (drag.current?.pointerId !== event.pointerId) return;
    drag.current = null;
    setOffset(null);
  };

  const handlers = {
    onPointerDown: (event: PointerEvent<HTMLElement>) => {
      if (event.button !== 0) return;
      const box = event.currentTarget.getBoundingClientRect();
      event.currentTarget.setPointerCapture(event.pointerId);
      drag.current = { pointerId: event.pointerId, x: event.clientX, grip: (event.clientX - box.left) / box.width };
      setOffset(slot);
    },
    onPointerMove: (event: PointerEvent<HTMLElement>) => {
      if (drag.current?.pointerId !== event.pointerId) return;
      drag.current.x = event.clientX;
      follow();
    },
    onPointerUp: end,
    onPointerCancel: end,
  };
  return { handlers, offset };
}
