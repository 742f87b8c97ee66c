import { type CSSProperties, useEffect, useRef } from "react";
import { Priority } from "@/lib/pictures/loader";
import type { Picture } from "../hooks/usePictures";
import { keepMenuAway } from "../hooks/useGestures";
import { useStripDrag } from "../hooks/useStripDrag";
import { caption, shortCaption, spoken } from "../rules/place";
import { rowOf, type Session } from "../state/session";
import { PictureView } from "./PictureView";

interface Props {
  session: Session;
  target: Picture;
  pictureOf: (standardId: number) => Picture | null;
  onPlace: (slot: number) => void;
}

type Vars = CSSProperties & Record<`--${string}`, number | string>;

/** The tap area of a slot in the strip: half a cell to either side, or up to the target if that is next to it. */
function gapZone(gap: number, slot: number, cells: number): { from: number; to: number } {
  const edge = gap < slot ? gap : gap + 1;
  const from = gap === slot + 1 ? slot + 1 : edge - 0.5;
  const to = gap === slot - 1 ? slot : edge + 0.5;
  return { from: Math.max(from, 0), to: Math.min(to, cells) };
}

export function Strip({ session, target, pictureOf, onPlace }: Props) {
  const row = rowOf(session);
  const { slot, place } = session;
  const cells = row.length + 1;
  const scroller = useRef<HTMLDivElement>(null);
  const { handlers, offset } = useStripDrag(scroller, cells, slot, onPlace);
  const isDragging = offset !== null;
  const rowName = place.step === "A" ? "A" : `B${place.window}`;

  useEffect(() => {
    const element = scroller.current;
    if (!element || isDragging || element.scrollWidth <= element.clientWidth) return;
    const isCalm = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
    const middle = ((slot + 0.5) / cells) * element.scrollWidth - element.clientWidth / 2;
    element.scrollTo({ left: middle, behavior: isCalm ? "auto" : "smooth" });
  }, [slot, cells, rowName, isDragging]);

  const text = spoken(row, slot, place);
  return (
    <section className="strip" aria-label="All standards in order" ref={scroller} onContextMenu={keepMenuAway}>
      <div className="strip-track" style={{ "--cells": cells } as Vars} data-motion={session.motion} data-dragging={isDragging || undefined}>
        {row.map((panel, index) => {
          const cell = index < slot ? index : index + 1;
          const picture = pictureOf(panel.standardId);
          return (
            <div className="cell" key={`${rowName}-${panel.bin}`} style={{ "--i": cell, "--from": slot - cell } as Vars} aria-hidden="true">
              <div className="cell-inner">
                <div className="cell-view">{picture && <PictureView picture={picture} alt="" priority={Priority.strip} isSmall />}</div>
                <span>{panel.degrees}°</span>
              </div>
            </div>
          );
        })}
        {Array.from({ length: cells }, (_, gap) => gap).map((gap) => {
          if (gap === slot) return null;
          const { from, to } = gapZone(gap, slot, cells);
          return (
            <button
              key={gap}
              type="button"
              tabIndex={-1}
              className="gap"
              style={{ "--from": from, "--to": to, "--edge": gap < slot ? gap : gap + 1 } as Vars}
              aria-label={`Place it here: ${caption(row, gap, place)}`}
              onClick={() => onPlace(gap)}
            />
          );
        })}
        <div
          className="cell cell-target"
          style={{ "--i": offset ?? slot } as Vars}
          role="slider"
          tabIndex={0}
          aria-label="Place of your galaxy among the standards"
          aria-orientation="horizontal"
          aria-valuemin={1}
          aria-valuemax={cells}
          aria-valuenow={slot + 1}
          aria-valuetext={text}
          {...handlers}
        >
          <div className="cell-inner">
            <div className="cell-view">
              <PictureView picture={target} alt="" priority={Priority.strip} isSmall />
            </div>
            <span>{shortCaption(row, slot, place)}</span>
          </div>
        </div>
      </div>
    </section>
  );
}
