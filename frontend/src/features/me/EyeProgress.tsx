import type { MyEye } from "@/lib/api/types";
import { degrees } from "./words";

const WIDTH = 300;
const HEIGHT = 300;
const LEFT = 34;
const BOTTOM = 34;

/** Offset and scatter of the first galaxies, the next, and so on, each with its standard error. */
export function EyeProgress({ periods }: Pick<MyEye, "periods">) {
  if (periods.length < 2) return null;
  const most = Math.max(2, ...periods.map((p) => Math.max(Math.abs(p.offset_deg) + p.offset_error_deg, p.scatter_deg + p.scatter_error_deg)));
  const top = Math.ceil(most);
  const lowest = Math.min(0, ...periods.map((p) => Math.floor(p.offset_deg - p.offset_error_deg)));
  const across = (value: number): number => 8 + ((top - value) / (top - lowest)) * (HEIGHT - BOTTOM - 8);
  const along = (number: number): number => LEFT + ((number + 0.5) / periods.length) * (WIDTH - LEFT - 8);
  const ticks = [...new Set([lowest, 0, Math.round(top / 2), top])];
  const first = periods[0];
  const last = periods.at(-1);
  return (
    <figure className="eye-figure">
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        role="img"
        aria-label={
          first && last
            ? `Progress: at first an offset of ${degrees(first.offset_deg)} and a scatter of ${degrees(first.scatter_deg)}, lately ${degrees(last.offset_deg)} and ${degrees(last.scatter_deg)}`
            : "Progress"
        }
      >
        {ticks.map((tick) => (
          <g key={tick} className={tick === 0 ? "eye-grid eye-zero" : "eye-grid"}>
            <line x1={LEFT} x2={WIDTH - 8} y1={across(tick)} y2={across(tick)} />
            <text x={LEFT - 6} y={across(tick) + 4} textAnchor="end">
              {tick}°
            </text>
          </g>
        ))}
        <polyline className="eye-scatter" points={periods.map((p, number) => `${along(number)},${across(p.scatter_deg)}`).join(" ")} />
        {periods.map((p, number) => (
          <g key={number} className="eye-offset">
            <line x1={along(number)} x2={along(number)} y1={across(p.offset_deg - p.offset_error_deg)} y2={across(p.offset_deg + p.offset_error_deg)} />
            <circle cx={along(number)} cy={across(p.offset_deg)} r={4} />
          </g>
        ))}
        <text className="eye-axis" x={LEFT} y={HEIGHT - 12}>
          first
        </text>
        <text className="eye-axis" x={WIDTH - 8} y={HEIGHT - 12} textAnchor="end">
          latest {last?.galaxies} galaxies
        </text>
      </svg>
      <figcaption>Your progress. Golden dots: offset with its error; line: scatter. Both are best near 0°.</figcaption>
    </figure>
  );
}
