import { FORGOTTEN_GALAXY, FORGOTTEN_PICTURE, isForgotten, problemInWords } from "../rules/problems";
import type { SourceRequest } from "../rules/request";

interface Props {
  error: unknown;
  request: SourceRequest;
  onRenew: () => void;
}

/** Why there is no prediction; the galaxy and its view are unchanged. */
export function EvaluationProblem({ error, request, onRenew }: Props) {
  if (!isForgotten(error)) {
    return (
      <p className="field-problem" role="alert">
        {problemInWords(error)}
      </p>
    );
  }
  return (
    <p className="field-problem" role="alert">
      {request.kind === "source" ? (
        FORGOTTEN_PICTURE
      ) : (
        <>
          {FORGOTTEN_GALAXY}{" "}
          <button type="button" className="text-button" onClick={onRenew}>
            Load it again
          </button>
        </>
      )}
    </p>
  );
}
