import { useDeferredValue, useMemo, useState } from "react";
import { SkyCanvas } from "@/components/SkyCanvas";

const SIDE_PX = 360;
const FIRST_TILT_DEG = 58;

function inWords(tiltDeg: number): string {
  if (tiltDeg <= 12) return "face-on: we look straight down on it";
  if (tiltDeg < 45) return "nearly face-on";
  if (tiltDeg < 72) return "tilted";
  return tiltDeg < 87 ? "nearly edge-on" : "edge-on: we see it from the side";
}

/** A galaxy that visitors can tilt, to explain what inclination means. */
export function TiltGalaxy() {
  const [tiltDeg, setTiltDeg] = useState(FIRST_TILT_DEG);
  const drawnDeg = useDeferredValue(tiltDeg);
  const look = useMemo(() => ({ seed: 21, stars: 34, galaxies: [{ seed: 21, tiltDeg: drawnDeg, radius: 0.66, bulge: 0.26 }] }), [drawnDeg]);
  return (
    <figure className="tilt">
      <div className="tilt-sky">
        <SkyCanvas look={look} sidePx={SIDE_PX} label={`A drawn spiral galaxy, tilted by ${tiltDeg} degrees`} />
      </div>
      <figcaption>
        <p className="tilt-number">
          <strong>{tiltDeg}°</strong> <span>{inWords(tiltDeg)}</span>
        </p>
        <label>
          <span className="sr-only">Tilt the galaxy</span>
          <input
            type="range"
            min={0}
            max={90}
            value={tiltDeg}
            aria-valuetext={`${tiltDeg} degrees, ${inWords(tiltDeg)}`}
            onChange={(event) => setTiltDeg(event.target.valueAsNumber)}
          />
        </label>
        <div className="tilt-ends" aria-hidden="true">
          <span>0° face-on</span>
          <span>edge-on 90°</span>
        </div>
      </figcaption>
    </figure>
  );
}
