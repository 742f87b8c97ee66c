import { Icon } from "@/components/Icon";
import { Link } from "@/components/Link";
import { ownEyeAddress } from "@/lib/router";
import type { Answer, Source } from "../api/types";
import type { SourceRequest } from "../rules/request";
import type { View } from "../rules/view";
import { betweenWords, fitnessOf, inDegrees, type Measured, measuredOf, networkName, opponentsOf, viewName } from "../rules/words";
import type { Guess } from "./Guess";
import { Opinions } from "./Opinions";
import { Rejection } from "./Rejection";
import { Ruler } from "./Ruler";
import { Seen } from "./Seen";
import { Sharing } from "./Sharing";

interface Props {
  answer: Answer;
  /** The view that the answer is for. */
  view: View;
  source: Source;
  request: SourceRequest;
  picture: string | null;
  guess: Guess;
}

function Number({ measured, isUnfit, guess }: { measured: Measured; isUnfit: boolean; guess: Guess }) {
  const { inclinationDeg, sigmaDeg, interval68Deg, interval95Deg } = measured;
  return (
    <div className="answer-head" data-unfit={isUnfit || undefined}>
      <p className="answer-number">
        <strong data-testid="inclination">{inDegrees(inclinationDeg)}</strong>
        {sigmaDeg !== null && <span>± {inDegrees(sigmaDeg)}</span>}
      </p>
      <p className="quiet">
        {isUnfit && "If it is measured anyway: "}
        {interval68Deg && interval95Deg && `${betweenWords(interval68Deg)} in 68 of 100 such cases, ${betweenWords(interval95Deg)} in 95.`}
        {guess.isOwn && ` Your ellipse says ${guess.tiltDeg}°.`}
      </p>
    </div>
  );
}

function Alarm({ disagreement, models }: Pick<Answer, "disagreement" | "models">) {
  if (!disagreement.is_alarming) return null;
  return (
    <p className="alarm" role="note">
      <Icon name="alarm" />
      <span>
        <strong>The predictions do not agree.</strong> The {opponentsOf({ models })} are {inDegrees(disagreement.spread_deg)} apart. Treat the result with care: centre the galaxy, try another zoom, or judge it yourself.
      </span>
    </p>
  );
}

function Together({ answer, measured }: { answer: Answer; measured: Measured | null }) {
  const together = measured?.interval68Deg ?? null;
  return (
    <section className="answer-part" aria-labelledby="opinions-title">
      <h2 id="opinions-title">All predictions</h2>
      {answer.models.length > 1 && <Opinions title="Each network" rows={answer.models} nameOf={({ name }) => networkName(name)} together={together} />}
      <Opinions title={`By ${networkName(answer.model.network)}, from`} rows={answer.views} nameOf={viewName} together={together} />
    </section>
  );
}

export function AnswerPanel({ answer, view, source, request, picture, guess }: Props) {
  const measured = measuredOf(answer);
  const { model } = answer;
  return (
    <>
      {measured ? (
        <Number measured={measured} isUnfit={fitnessOf(answer.rejection.probability) === "unfit"} guess={guess} />
      ) : (
        <p>This network predicts whether a galaxy can be measured, but not its inclination.</p>
      )}
      {measured && measured.sigmaDeg !== null && (
        <p className="quiet">
          The error is how far the network is typically off for pictures like this one, up or down by chance. An error that all its answers share, for example in the scale of inclinations, is not included{answer.sigma_common_deg === null ? "." : `; compared with other sources it is about ${inDegrees(answer.sigma_common_deg)}.`}
        </p>
      )}
      <Alarm disagreement={answer.disagreement} models={answer.models} />
      {measured && answer.grid && answer.grid.panels.length > 0 && <Ruler panels={answer.grid.panels} measured={measured} view={view} picture={picture} />}
      <Rejection rejection={answer.rejection} />
      <Together answer={answer} measured={measured} />
      {answer.grid && (
        <p className="judge">
          <Link className="button" to={ownEyeAddress(source.id)}>
            Judge it yourself
          </Link>
          <span className="quiet">
            By eye, with the same standards; your answer isn’t saved.
            {answer.judge_url && (
              <>
                {" "}
                Your answers count in <a href={answer.judge_url}>its campaign</a>, which includes this galaxy.
              </>
            )}
          </span>
        </p>
      )}
      <Seen seen={answer.seen} />
      <Sharing request={request} source={source} view={view} />
      <p className="quiet model-line">
        Predicted by {networkName(model.network)}, version {model.version}
        {model.trained_on && `, trained on ${model.trained_on}`}. <a href={model.card_url}>Its model card</a> lists its errors.
        {/synthetic/i.test(model.trained_on) &&
          (answer.has_real_errors ? " Its stated error was checked on real galaxies." : " Its stated error was checked on synthetic galaxies only; on real ones it may be larger.")}
      </p>
    </>
  );
}
