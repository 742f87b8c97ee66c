import { useCallback, useState } from "react";
import { evaluateSource } from "../api/evaluateSource";
import type { Answer } from "../api/types";
import type { View } from "../rules/view";

export interface Evaluation {
  /** The last prediction and its view. */
  result: { answer: Answer; view: View } | null;
  error: unknown;
  isBusy: boolean;
  evaluate: (view: View) => void;
}

export function useEvaluation(sourceId: string): Evaluation {
  const [result, setResult] = useState<Evaluation["result"]>(null);
  const [error, setError] = useState<unknown>(null);
  const [isBusy, setBusy] = useState(false);
  const evaluate = useCallback(
    (view: View) => {
      setBusy(true);
      setError(null);
      void evaluateSource(sourceId, view)
        .then((answer) => setResult({ answer, view }), setError)
        .finally(() => setBusy(false));
    },
    [sourceId],
  );
  return { result, error, isBusy, evaluate };
}
