import { Meter } from "@/components/Meter";
import { ReasonArt } from "@/components/ReasonArt";
import { REASONS, titleOf } from "@/lib/reasons";
import type { Answer } from "../api/types";
import { FITNESS_WORDS, fitnessOf, inPercent } from "../rules/words";

/** For landscapes or faces the network predicts a rejection with at least this probability. */
const ALIEN = 0.985;

/** Whether the galaxy can be measured, and the most likely reason against it. */
export function Rejection({ rejection: { probability, reason, prior } }: { rejection: Answer["rejection"] }) {
  if (probability === null) return null;
  const fitness = fitnessOf(probability);
  return (
    <section className="answer-part rejection" data-fitness={fitness} aria-labelledby="rejection-title">
      <h2 id="rejection-title">{FITNESS_WORDS[fitness]}</h2>
      <div className="rejection-row">
        <div className="rejection-words">
          <p>
            <strong>{inPercent(probability)}</strong> likely that people would reject it.
          </p>
          <Meter value={Math.round(100 * probability)} of={100} label="Probability of rejection, in percent" />
          {prior !== null && <p className="quiet">In its campaign people reject {inPercent(prior)} of the galaxies; the probability takes that into account.</p>}
          {probability > ALIEN && <p>This may not be a spiral galaxy at all: the network has only learned spirals.</p>}
          {reason && (
            <p className="quiet">
              {fitness === "fit" ? "If so, most likely because: " : "Most likely reason: "}
              <strong>{titleOf(reason)}</strong>. “{REASONS.find(({ code }) => code === reason)?.words}.”
            </p>
          )}
        </div>
        {reason && <ReasonArt reason={reason} className="rejection-art" />}
      </div>
    </section>
  );
}
