import type { MyEye } from "@/lib/api/types";

const LOW = 45;
const HIGH = 90;
const SIDE = 300;
const EDGE = 34;
const PIVOT = 70;
const TICKS = [45, 60, 75, 90];

const along = (degrees: number): number => EDGE + ((degrees - LOW) / (HIGH - LOW)) * (SIDE - EDGE - 14);
const across = (degrees: number): number => SIDE - along(degrees);

/** The part of one's own line that lies inside the plot: the others' inclinations at its ends, and one's own there. */
function ownLine({ offset_at_70_deg: offset, slope }: NonNullable<MyEye["line"]>) {
  const own = (others: number): number => others + offset + slope * (others - PIVOT);
  const othersAt = (value: number): number => (value - offset + slope * PIVOT) / (1 + slope);
  const low = Math.max(LOW, othersAt(LOW));
  const high = Math.min(HIGH, othersAt(HIGH));
  return slope > -1 && low < high ? { low, high, ownLow: own(low), ownHigh: own(high) } : null;
}

/** Own inclinations against those of the others, with the line of agreement and one's own line. */
export function EyePlot({ points, line }: Pick<MyEye, "points" | "line">) {
  const ends = line && ownLine(line);
  return (
    <figure className="eye-figure">
      <svg viewBox={`0 0 ${SIDE} ${SIDE}`} role="img" aria-label={`Your inclinations of ${points.length} galaxies against the median of the others`}>
        {TICKS.map((tick) => (
          <g key={tick} className="eye-grid">
            <line x1={along(tick)} x2={along(tick)} y1={across(LOW)} y2={across(HIGH)} />
            <line x1={along(LOW)} x2={along(HIGH)} y1={across(tick)} y2={across(tick)} />
            <text x={along(tick)} y={SIDE - 12} textAnchor="middle">
              {tick}°
            </text>
            <text x={EDGE - 6} y={across(tick) + 4} textAnchor="end">
              {tick}°
            </text>
          </g>
        ))}
        <line className="eye-agree" x1={along(LOW)} y1={across(LOW)} x2={along(HIGH)} y2={across(HIGH)} />
        {points.map(([others = 0, mine = 0], number) => (
          // Several galaxies may be at the same place, and their order never changes.
          <circle key={number} cx={along(others)} cy={across(mine)} r={3.5} />
        ))}
        {ends && <line className="eye-line" x1={along(ends.low)} y1={across(ends.ownLow)} x2={along(ends.high)} y2={across(ends.ownHigh)} />}
      </svg>
      <figcaption>
        You (up) against the median of the others (to the right).{line && " Golden: your line; dashed: where you would agree."}
      </figcaption>
    </figure>
  );
}
