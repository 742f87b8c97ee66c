export interface Guess {
  tiltDeg: number;
  turnDeg: number;
  /** Whether it has been changed: only then it is mentioned beside the prediction. */
  isOwn: boolean;
}

export const FIRST_GUESS: Guess = { tiltDeg: 60, turnDeg: 0, isOwn: false };

/** The user's own ellipse, to be fitted to the galaxy before the prediction. */
export function GuessSliders({ guess, onChange }: { guess: Guess; onChange: (guess: Guess) => void }) {
  return (
    <section className="answer-part guess" aria-labelledby="guess-title">
      <h2 id="guess-title">Your own estimate first (optional)</h2>
      <p className="quiet">Fit the dashed ellipse to the disk. The network never sees it.</p>
      <div className="guess-sliders">
        <label>
          <span>
            Tilt <strong>{guess.tiltDeg}°</strong>
          </span>
          <input
            type="range"
            min={0}
            max={90}
            value={guess.tiltDeg}
            aria-valuetext={`${guess.tiltDeg} degrees`}
            onChange={(event) => onChange({ ...guess, tiltDeg: event.target.valueAsNumber, isOwn: true })}
          />
        </label>
        <label>
          <span>
            Angle <strong>{guess.turnDeg}°</strong>
          </span>
          <input
            type="range"
            min={-90}
            max={90}
            value={guess.turnDeg}
            aria-valuetext={`${guess.turnDeg} degrees`}
            onChange={(event) => onChange({ ...guess, turnDeg: event.target.valueAsNumber })}
          />
        </label>
      </div>
    </section>
  );
}
