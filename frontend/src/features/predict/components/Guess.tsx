export interface Guess {
  tiltDeg: number;
  turnDeg: number;
  /** Whether somebody has touched it: only then it is worth a word beside the answer. */
  isOwn: boolean;
}

export const FIRST_GUESS: Guess = { tiltDeg: 60, turnDeg: 0, isOwn: false };

/** Before the network answers: an ellipse of one's own, to be laid over the galaxy. */
export function GuessSliders({ guess, onChange }: { guess: Guess; onChange: (guess: Guess) => void }) {
  return (
    <section className="answer-part guess" aria-labelledby="guess-title">
      <h3 id="guess-title">Your eye first, if you like</h3>
      <p className="quiet">Lay the dashed ellipse over the disk. The network never sees it.</p>
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
            Turn <strong>{guess.turnDeg}°</strong>
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
