import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { LazyPart } from "@/components/LazyPart";
import { FailedSheet } from "@/components/PlainSheet";
import Sheet from "@/components/Sheet";
import { useKeys } from "@/lib/keys/useKeys";
import { availableBand } from "@/lib/pictures/choose";
import { fetchWhenIdle, Part } from "@/lib/parts";
import { setPreferences, usePreferences } from "@/lib/preferences";
import { commandOf, type KeyCommand } from "../hooks/keys";
import { useEvaluation } from "../hooks/useEvaluation";
import { useView } from "../hooks/useView";
import { guideOf, outlineOf } from "../rules/ellipse";
import { isSameView, moveBy, turnBy, type View, zoomBy } from "../rules/view";
import { answerSpoken, galaxyName } from "../rules/words";
import type { Current } from "../state/desk";
import { AnswerPanel } from "./AnswerPanel";
import { Chooser } from "./Chooser";
import { EvaluationProblem } from "./EvaluationProblem";
import { FIRST_GUESS, GuessSliders } from "./Guess";
import { Preview } from "./Preview";
import { PreviewTools } from "./PreviewTools";

const HELP = new Part(() => import("./HelpSheet"));

interface Props {
  current: Current;
  isActive: boolean;
  onUpload: (files: readonly File[]) => void;
  /** Loads the same galaxy again and shows it in this view. */
  onRenew: (view: View) => void;
}

/** One galaxy: its frame on the left, its prediction on the right. */
export function Workspace({ current: { request, source, firstView }, isActive, onUpload, onRenew }: Props) {
  const { view, change, reset } = useView(request, firstView);
  const { result, error, isBusy, evaluate } = useEvaluation(source.id);
  const { band: wantedBand, show_keys: showKeys } = usePreferences();
  const [guess, setGuess] = useState(FIRST_GUESS);
  const [showsOutline, setShowsOutline] = useState(true);
  const [dialog, setDialog] = useState<"another" | "help" | null>(null);
  const close = useCallback(() => setDialog(null), []);
  useEffect(() => fetchWhenIdle(HELP), []);
  const band = availableBand(source.pictures, wantedBand) ?? "gri";
  const isStale = result !== null && !isSameView(result.view, view);

  const run = useCallback(
    (command: KeyCommand) => {
      switch (command.do) {
        case "evaluate":
          if (!isBusy) evaluate(view);
          break;
        case "invert":
          change((before) => ({ ...before, isInverted: !before.isInverted }));
          break;
        case "reset":
          reset();
          break;
        case "outline":
          setShowsOutline((before) => !before);
          break;
        case "next_band":
          setPreferences({ band: source.bands[(source.bands.indexOf(band) + 1) % source.bands.length] ?? band });
          break;
        case "band":
          if (source.bands.includes(command.band)) setPreferences({ band: command.band });
          break;
        case "zoom":
          change((before) => zoomBy(before, command.steps));
          break;
        case "turn":
          change((before) => turnBy(before, command.byDeg));
          break;
        case "move":
          change((before) => moveBy(before, command.x, command.y));
          break;
        case "another":
        case "help":
          setDialog(command.do);
      }
    },
    [isBusy, evaluate, view, change, reset, source.bands, band],
  );
  const answerPlace = useRef<HTMLDivElement>(null);
  // On a phone the prediction is below the picture: scroll just far enough to show it.
  useEffect(() => {
    void answerPlace.current?.querySelector(".answer-head")?.scrollIntoView({ block: "nearest" });
  }, [result]);
  useKeys(isActive && dialog === null, commandOf, run);

  const outline = useMemo(() => {
    if (!showsOutline) return null;
    const { ellipse, inclination_deg, interval_68_deg } = result?.answer ?? {};
    if (result && ellipse && typeof inclination_deg === "number" && interval_68_deg) return outlineOf(ellipse, inclination_deg, interval_68_deg, result.view);
    return guideOf(guess.tiltDeg, guess.turnDeg);
  }, [showsOutline, result, guess]);

  const { size_arcmin, survey_title } = source.galaxy;
  const facts = [survey_title, size_arcmin && `field ${size_arcmin.toFixed(1)}′`].filter(Boolean).join(" · ");
  return (
    <>
      <div className="predict-head">
        <div>
          <h1>{galaxyName(source.galaxy)}</h1>
          {facts && <p className="quiet">{facts}</p>}
        </div>
        <button type="button" className="button" onClick={() => setDialog("another")}>
          Another galaxy
        </button>
      </div>
      <div className="predict-table">
        <section className="predict-view" aria-label="The galaxy">
          <Preview source={source} band={band} view={view} outline={outline} isBusy={isBusy} onView={change} onCommand={run} />
          <PreviewTools bands={source.bands} band={band} view={view} hasOutline={showsOutline} onCommand={run} />
        </section>
        <section className="predict-answer" aria-label="Prediction">
          <div className="ask-row">
            <button type="button" className="button primary ask" disabled={isBusy} onClick={() => evaluate(view)}>
              {isBusy ? "Looking …" : isStale ? "Evaluate this view" : "Evaluate"}
              {showKeys && <span className="key" data-key="Enter" aria-hidden="true" />}
            </button>
            {isStale && (
              <p className="quiet">
                You have changed the view; the prediction below is for the previous one.{" "}
                <button type="button" className="text-button" onClick={() => change(result.view)}>
                  Back to it
                </button>
              </p>
            )}
          </div>
          {error !== null && <EvaluationProblem error={error} request={request} onRenew={() => onRenew(view)} />}
          <p className="sr-only" role="status" data-testid="spoken">
            {result && !isBusy ? answerSpoken(result.answer) : ""}
          </p>
          {result ? (
            <div ref={answerPlace} className={isStale || isBusy ? "answer stale" : "answer"}>
              <AnswerPanel answer={result.answer} view={result.view} source={source} request={request} picture={source.pictures[band] ?? null} guess={guess} />
            </div>
          ) : (
            <>
              <p className="lead">Centre the galaxy in the frame so that it fills about half of the width. Then evaluate it.</p>
              <GuessSliders guess={guess} onChange={setGuess} />
            </>
          )}
        </section>
      </div>
      {dialog === "another" && (
        <Sheet title="Another galaxy" className="chooser-sheet" onClose={() => setDialog(null)}>
          <Chooser onUpload={onUpload} onChosen={() => setDialog(null)} />
        </Sheet>
      )}
      {dialog === "help" && (
        <LazyPart part={HELP} props={{ onClose: close }} waiting={null} failed={(retry) => <FailedSheet onRetry={retry} onClose={close} />} />
      )}
    </>
  );
}
