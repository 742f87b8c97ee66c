import { Meter } from "@/components/Meter";
import { ReasonArt } from "@/components/ReasonArt";
import { REASON_TITLES } from "@/lib/reasonTitles";
import { REASONS } from "@/lib/reasonWords";
import type { Answer } from "../api/types";
import { FITNESS_WORDS, fitnessOf, inPercent } from "../rules/words";

/** Whether the galaxy can be measured, and what would speak against it. */
export function Rejection({ rejection: { probability, reason } }: { rejection: Answer["rejection"] }) {
  if (probability === null) return null;
  const fitness = fitnessOf(probability);
  return (
    <section className="answer-part rejection" data-fitness={fitness} aria-labelledby="rejection-title">
      <h3 id="rejection-title">{FITNESS_WORDS[fitness]}</h3>
      <div className="rejection-row">
        <div className="rejection-words">
          <p>
            <strong>{inPercent(probability)}</strong> likely that people would set it aside.
          </p>
          <Meter value={Math.round(100 * probability)} of={100} label="Probability that it is set aside, in percent" />
          {reason && (
            <p className="quiet">
              {fitness === "fit" ? "If so, the likeliest reason: " : "The likeliest reason: "}
              <strong>{REASON_TITLES[reason]}</strong>. “{REASONS.find(({ code }) => code === reason)?.words}.”
            </p>
          )}
        </div>
        {reason && <ReasonArt reason={reason} className="rejection-art" />}
      </div>
    </section>
  );
}
