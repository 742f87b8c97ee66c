import { useMemo } from "react";
import type { Interval, Opinion } from "../api/types";
import { scaleOf } from "../rules/ruler";
import { betweenWords, inDegrees, inPercent } from "../rules/words";

interface Props {
  title: string;
  rows: readonly Opinion[];
  nameOf: (row: Opinion) => string;
  /** The combined prediction. */
  together: Interval | null;
}

/** A small dot plot of the predictions with their intervals on one scale, with the numbers beside it. */
export function Opinions({ title, rows, nameOf, together }: Props) {
  const scale = useMemo(() => {
    const values = rows.flatMap(({ inclination_deg, interval_68_deg }) => [inclination_deg, ...(interval_68_deg ?? [])]);
    return scaleOf([...values.filter((value) => value !== null), ...(together ?? [])]);
  }, [rows, together]);
  const at = (degrees: number) => `${(100 * (degrees - scale.from)) / (scale.to - scale.from)}%`;
  const length = ([from, to]: Interval) => ({ left: at(from), width: `${(100 * (to - from)) / (scale.to - scale.from)}%` });
  if (rows.length === 0) return null;
  const showsRejection = rows.some((row) => row.rejection_probability !== null);
  return (
    <table className="opinions">
      <caption>{title}</caption>
      <thead>
        <tr>
          <th scope="col">
            <span className="sr-only">Who</span>
          </th>
          <th scope="col" className="opinion-plot-head">
            <span className="sr-only">68 % interval</span>
            <span className="opinion-scale" aria-hidden="true">
              {scale.ticks.map((tick) => (
                <span key={tick} style={{ left: at(tick) }}>
                  {tick}°
                </span>
              ))}
            </span>
          </th>
          <th scope="col">tilt</th>
          {showsRejection && (
            <th scope="col">
              rejection
            </th>
          )}
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={row.name}>
            <th scope="row">{nameOf(row)}</th>
            <td className="opinion-plot">
              {row.interval_68_deg && <span className="sr-only">{betweenWords(row.interval_68_deg)}</span>}
              <span className="opinion-line" aria-hidden="true">
                {together && <span className="opinion-together" style={length(together)} />}
                {row.interval_68_deg && <span className="opinion-interval" style={length(row.interval_68_deg)} />}
                {row.inclination_deg !== null && <span className="opinion-dot" style={{ left: at(row.inclination_deg) }} />}
              </span>
            </td>
            <td className="number">{row.inclination_deg === null ? "—" : inDegrees(row.inclination_deg)}</td>
            {showsRejection && <td className="number">{row.rejection_probability === null ? "—" : inPercent(row.rejection_probability)}</td>}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
