import "./compare.css";
import { useQuery } from "@tanstack/react-query";
import { useCallback, useMemo, useState } from "react";
import { Header } from "@/components/Header";
import { Link } from "@/components/Link";
import type { Task } from "@/lib/api/types";
import { inWords } from "@/lib/errorWords";
import { queryKeys } from "@/lib/queryKeys";
import { navigate, sourceAddress } from "@/lib/router";
import { useTitle } from "@/lib/useTitle";
import { getComparison } from "./api";
import { Comparison } from "./Comparison";
import { OwnAnswer } from "./components/OwnAnswer";
import { useOwnEye, type Verdict } from "./hooks/useOwnEye";

function OwnEye({ task, onDone, onLeave }: { task: Task; onDone: (verdict: Verdict) => void; onLeave: () => void }) {
  const tasks = useMemo(() => [task], [task]);
  return <Comparison labelling={useOwnEye(tasks, { onDone, onSkip: onLeave, words: "Just for you: your answer isn’t saved." })} />;
}

/** Lets a user judge a galaxy of the Predict page, and then shows the answer and the prediction side by side. */
export default function OwnEyePage({ sourceId }: { sourceId: string }) {
  const [verdict, setVerdict] = useState<Verdict | null>(null);
  const [round, setRound] = useState(0);
  const address = sourceAddress(sourceId);
  // Drawn again for each round, with other standards. The pictures are kept for a day.
  const { data: task, error } = useQuery({ queryKey: queryKeys.comparison(sourceId, round), queryFn: () => getComparison(sourceId), staleTime: Number.POSITIVE_INFINITY });
  const leave = useCallback(() => navigate(address), [address]);
  useTitle(task ? `${task.target.label} by your own eye` : "By your own eye");

  if (task && verdict) {
    return (
      <OwnAnswer
        task={task}
        verdict={verdict}
        address={address}
        onAgain={() => {
          setVerdict(null);
          setRound((before) => before + 1);
        }}
      />
    );
  }
  if (task) return <OwnEye task={task} onDone={setVerdict} onLeave={leave} key={round} />;
  return (
    <>
      <Header />
      <main className="message">
        {error ? (
          <>
            <h1>This galaxy can’t be compared</h1>
            <p role="alert">{inWords(error)}</p>
            <p className="actions">
              <Link to={address} className="button primary">
                Back to the network
              </Link>
            </p>
          </>
        ) : (
          <p className="arriving">Loading your galaxy</p>
        )}
      </main>
    </>
  );
}
