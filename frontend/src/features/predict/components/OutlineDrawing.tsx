import { ellipsePath } from "@/lib/ellipse";
import { bandPath, type Outline } from "../rules/ellipse";
import { svgTransform, type View } from "../rules/view";

/** The ellipse follows the galaxy's rotation, zoom and shift. Dashed before a prediction, with the interval as a band after it. */
export function OutlineDrawing({ outline, view }: { outline: Outline; view: View }) {
  const { middle, angleDeg, semiMajor, ratio, interval } = outline;
  const line = ellipsePath(semiMajor, ratio);
  return (
    <svg className="outline" viewBox="-0.5 -0.5 1 1" aria-hidden="true" focusable="false" data-testid="outline">
      <g transform={svgTransform(view)}>
        <g transform={`translate(${middle[0]} ${middle[1]}) rotate(${angleDeg})`}>
          {interval && <path className="outline-band" fillRule="evenodd" d={bandPath(semiMajor, interval.fromDeg, interval.toDeg, interval.thickness)} />}
          <path className="outline-dark" d={line} />
          <path className={interval ? "outline-line" : "outline-line outline-guide"} d={line} />
        </g>
      </g>
    </svg>
  );
}
