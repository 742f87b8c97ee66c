import { type CSSProperties, useEffect, useMemo, useRef } from "react";
import { SkyPicture } from "@/components/SkyPicture";
import { Priority } from "@/lib/pictures/loader";
import type { Answer, Interval } from "../api/types";
import { rulerOf } from "../rules/ruler";
import { cssTransform, type View } from "../rules/view";
import { inDegrees, type Measured } from "../rules/words";

interface Props {
  panels: NonNullable<Answer["grid"]>["panels"];
  measured: Measured;
  view: View;
  /** The galaxy's own picture. */
  picture: string | null;
}

/** As on the comparison page: the galaxy fills its cell. */
const CROP = 1.45;
const WHOLE = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

/** The nine nearest standards in a row with the galaxy among them, and the interval below them. */
export function Ruler({ panels, measured, view, picture }: Props) {
  const { inclinationDeg, interval68Deg, interval95Deg } = measured;
  const ruler = useMemo(() => rulerOf(panels, inclinationDeg), [panels, inclinationDeg]);
  const row = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const element = row.current;
    const cell = element?.querySelector<HTMLElement>(".ruler-own");
    if (element && cell) element.scrollLeft = cell.offsetLeft + cell.offsetWidth / 2 - element.clientWidth / 2;
  }, [ruler]);

  const share = (inclination: number) => (100 * ruler.at(inclination)) / ruler.cells;
  const span = ([from, to]: Interval): CSSProperties => ({ left: `${share(from)}%`, width: `${share(to) - share(from)}%` });
  const cells = panels.map((panel) => ({
    key: `${panel.pgc}`,
    label: `${WHOLE.format(panel.inclination_deg)}°`,
    content: (
      <SkyPicture
        address={panel.picture_url}
        alt={`standard of ${WHOLE.format(panel.inclination_deg)} degrees`}
        priority={Priority.strip}
        style={{ transform: `scale(${CROP}) rotate(${panel.rotation_deg}deg)` }}
        isSmall
      />
    ),
  }));
  cells.splice(ruler.place, 0, {
    key: "own",
    label: inDegrees(inclinationDeg),
    content: <SkyPicture address={picture} alt="your galaxy" priority={Priority.strip} style={{ transform: `scale(${CROP}) ${cssTransform(view)}` }} isSmall />,
  });
  return (
    // A row wider than the screen must be scrollable by keyboard.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <div className="ruler" ref={row} tabIndex={0} role="group" aria-label="The nearest standards, from face-on to edge-on, with the galaxy among them">
      <div className="ruler-track" style={{ "--cells": ruler.cells } as CSSProperties}>
        <ol className="ruler-cells">
          {cells.map(({ key, label, content }) => (
            <li key={key} className={key === "own" ? "ruler-cell ruler-own" : "ruler-cell"}>
              <div className="ruler-view">{content}</div>
              <span>{label}</span>
            </li>
          ))}
        </ol>
        <div className="ruler-line" aria-hidden="true">
          {interval95Deg && <span className="ruler-wide" style={span(interval95Deg)} />}
          {interval68Deg && <span className="ruler-narrow" style={span(interval68Deg)} />}
          <span className="ruler-mark" style={{ left: `${share(inclinationDeg)}%` }} />
        </div>
      </div>
    </div>
  );
}
