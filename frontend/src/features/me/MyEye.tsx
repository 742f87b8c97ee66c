import { useQuery } from "@tanstack/react-query";
import { queryKeys } from "@/lib/queryKeys";
import { getMyEye } from "./api";
import { EyePlot } from "./EyePlot";
import { EyeProgress } from "./EyeProgress";
import { offsetInWords, scatterInWords } from "./words";

/** How this person sees galaxies: offset and scatter in words, the plot behind them, and the progress. */
export function MyEye() {
  const eye = useQuery({ queryKey: queryKeys.myEye, queryFn: getMyEye, staleTime: 60_000 }).data;
  if (!eye) return null;
  const { figures, needed, galaxies, left_out: leftOut } = eye;
  return (
    <section className="my-eye" aria-labelledby="my-eye-title" data-testid="my-eye">
      <h2 id="my-eye-title">My eye</h2>
      {figures ? (
        <>
          <p className="eye-sentence">
            {offsetInWords(figures)} {scatterInWords(figures)}
          </p>
          <p className="eye-notes">
            From {figures.galaxies} settled galaxies. Each is compared with the median of the others, without your own answer; the others differ among themselves, and
            that is part of the scatter.
            {leftOut > 0 && ` ${leftOut} very different ${leftOut === 1 ? "answer is" : "answers are"} left out.`}
          </p>
          <p className="eye-notes">
            <a href="/certificate/mine">Certificate (PDF)</a>
          </p>
          <div className="eye-figures">
            <EyePlot points={eye.points} line={eye.line} />
            <EyeProgress periods={eye.periods} />
          </div>
        </>
      ) : (
        <p className="eye-notes">
          Once {needed} of your galaxies are settled, you will see here how your eye compares with those of the others
          {galaxies > 0 && ` (so far ${galaxies})`}.
        </p>
      )}
    </section>
  );
}
