import type { Tour } from "../hooks/useTour";
import type { Notice } from "../hooks/useNotice";
import { spoken } from "../rules/place";
import { rowOf, type Session } from "../state/session";
import { NoticeLine } from "./NoticeLine";
import { TourMark } from "./TourMark";

interface Props {
  session: Session;
  notice: Notice | null;
  tour: Tour;
  onUndo: () => void;
}

/** One sentence above the pictures; a notice replaces the hint for a moment, a mark of the tour while it runs. */
export function Headline({ session, notice, tour, onUndo }: Props) {
  const isA = session.place.step === "A";
  return (
    <div className="headline">
      <h1>{isA ? "Where does the galaxy belong?" : "Now more precisely"}</h1>
      {tour.mark ? (
        <TourMark mark={tour.mark} tour={tour} />
      ) : (
        <p className="headline-hint">
          {isA
            ? "The left neighbour is more face-on, the right one more edge-on. Move the galaxy until it fits between them."
            : "The standards are now one degree apart. Trust your first impression."}
        </p>
      )}
      <NoticeLine notice={notice} onUndo={onUndo} />
      <p className="sr-only" aria-live="polite" data-testid="position">
        {`Step ${session.place.step}: ${spoken(rowOf(session), session.slot, session.place)}`}
      </p>
    </div>
  );
}
