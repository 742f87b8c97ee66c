import type { Notice } from "../hooks/useNotice";
import { spoken } from "../rules/place";
import { rowOf, type Session } from "../state/session";
import { NoticeLine } from "./NoticeLine";

/** One sentence above the pictures; what just happened takes the hint's place for a moment. */
export function Headline({ session, notice, onUndo }: { session: Session; notice: Notice | null; onUndo: () => void }) {
  const isA = session.place.step === "A";
  return (
    <div className="headline">
      <h1>{isA ? "Where does the galaxy belong?" : "And now more exactly"}</h1>
      <p className="headline-hint">
        {isA
          ? "Its neighbours: more face-on on the left, more edge-on on the right. Move it until both look right."
          : "The standards are one degree apart now. Trust your first impression."}
      </p>
      <NoticeLine notice={notice} onUndo={onUndo} />
      <p className="sr-only" aria-live="polite" data-testid="position">
        {`Step ${session.place.step}: ${spoken(rowOf(session), session.slot, session.place)}`}
      </p>
    </div>
  );
}
