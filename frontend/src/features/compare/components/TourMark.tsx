import { placeOf, type Mark } from "../rules/tour";
import type { Tour } from "../hooks/useTour";

const WORDS: Record<Mark, string> = {
  target: "The galaxy in the golden frame is yours. How far is its disk tilted?",
  neighbours: "The tilt of its two neighbours is known. One is more face-on, the other more edge-on.",
  move: "Move yours until it fits between them: drag it along the row, tap a gap, or press ← or →.",
  confirm: "Does it fit? Confirm, roughly at first; you can step back. If there is no disk to measure, reject it.",
  precise: "The neighbours are now one degree apart. Move once more, trust your first impression, and confirm.",
};

/** A mark of the tour, in the place of the hint above the pictures: nothing is covered, and every control works. */
export function TourMark({ mark, tour }: { mark: Mark; tour: Tour }) {
  const { number, of } = placeOf(mark);
  const isLast = number >= of - 1;
  return (
    <div className="tour" role="group" aria-label="Tour of the first galaxy">
      <p role="status">
        <span className="tour-place">
          {number} of {of}
        </span>{" "}
        {WORDS[mark]}
      </p>
      <p className="tour-actions">
        {!isLast && (
          <button type="button" className="button small" onClick={tour.next}>
            Next
          </button>
        )}
        <button type="button" className="button small quiet" onClick={tour.end}>
          {number === of ? "Close" : "Skip the tour"}
        </button>
      </p>
    </div>
  );
}
