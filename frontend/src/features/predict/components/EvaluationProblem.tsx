import { isForgotten, problemInWords } from "../rules/problems";
import type { SourceRequest } from "../rules/request";

/** Why the network did not answer; the galaxy and its view stay as they are. */
export function EvaluationProblem({ error, request, onRenew }: { error: unknown; request: SourceRequest; onRenew: () => void }) {
  return (
    <p className="field-problem" role="alert">
      {problemInWords(error, request.kind === "source")}{" "}
      {isForgotten(error) && request.kind !== "source" && (
        <button type="button" className="text-button" onClick={onRenew}>
          Load it again
        </button>
      )}
    </p>
  );
}
