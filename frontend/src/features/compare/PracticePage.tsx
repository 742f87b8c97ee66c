import "./compare.css";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useState } from "react";
import { Header } from "@/components/Header";
import { Link } from "@/components/Link";
import { keepPractice } from "@/lib/api/calls";
import type { Judged, PracticeRound, Task, VoteBody } from "@/lib/api/types";
import { inWords } from "@/lib/errorWords";
import { rememberRound } from "@/lib/practiceRounds";
import { queryKeys } from "@/lib/queryKeys";
import { useMe } from "@/lib/useMe";
import { useTitle } from "@/lib/useTitle";
import { randomUuid } from "@/lib/uuid";
import { beginPractice } from "./api";
import { Comparison } from "./Comparison";
import { PracticeSum } from "./components/PracticeSum";
import { PracticeVerdict } from "./components/PracticeVerdict";
import { type Said, useOwnEye, type Verdict } from "./hooks/useOwnEye";

const NOTHING = () => undefined;

interface GalaxyProps {
  round: PracticeRound;
  place: number;
  tasks: readonly Task[];
  onSaid: (said: Said) => void;
}

function Galaxy({ round, place, tasks, onSaid }: GalaxyProps) {
  const onDone = useCallback((verdict: Verdict, body: VoteBody) => onSaid({ verdict, body }), [onSaid]);
  // One line on a phone.
  const words = "Practice: after your answer you see the true tilt.";
  const title = round.day ? "Today’s five" : "Practice";
  return (
    <Comparison
      labelling={useOwnEye(tasks, { onDone, onSkip: NOTHING, words: place === 0 ? words : `Practice: galaxy ${place + 1} of ${round.galaxies.length}.` })}
      about={{ title, progress: `galaxy ${place + 1} of ${round.galaxies.length}` }}
    />
  );
}

/** A finished round is kept by the account that is logged in, or on this device until there is one. */
function useKept(token: string | undefined, isSignedIn: boolean | undefined): void {
  const queryClient = useQueryClient();
  useEffect(() => {
    if (token === undefined || isSignedIn === undefined) return;
    if (!isSignedIn) return rememberRound(token);
    // A second daily five of one day is refused; that needs no words.
    keepPractice(token).then((practice) => queryClient.setQueryData(queryKeys.practice, practice), NOTHING);
  }, [token, isSignedIn, queryClient]);
}

/** The galaxies of a round, one after the other, each with its verdict; then their sum. */
function Round({ round, onAgain }: { round: PracticeRound; onAgain: (token: string) => void }) {
  const me = useMe().data;
  const [judged, setJudged] = useState<readonly Judged[]>([]);
  const [said, setSaid] = useState<Said | null>(null);
  const [place, setPlace] = useState(0);
  const last = judged.at(-1);
  const isFinished = judged.length === round.galaxies.length;
  useKept(isFinished ? last?.token : undefined, me && me.volunteer !== null);
  const [tasks, setTasks] = useState(() => round.galaxies.slice(0, 2));
  const next = () => {
    setSaid(null);
    setPlace(place + 1);
    setTasks(round.galaxies.slice(place + 1, place + 3));
  };
  const task = round.galaxies[place];
  if (!task) return <PracticeSum round={round} judged={judged} isSignedIn={me ? me.volunteer !== null : undefined} onAgain={() => onAgain(last?.token ?? "")} />;
  if (!said) return <Galaxy round={round} place={place} tasks={tasks} onSaid={setSaid} key={task.id} />;
  return (
    <PracticeVerdict
      task={task}
      said={said}
      place={place}
      count={round.galaxies.length}
      token={place === 0 ? round.token : (judged[place - 1]?.token ?? "")}
      judged={judged[place]}
      onJudged={(one) => setJudged((before) => (before.length === place ? [...before, one] : before))}
      onNext={next}
    />
  );
}

/** Practice for everybody, without an account: galaxies of known tilt, and the truth after each. */
export default function PracticePage({ isDaily }: { isDaily: boolean }) {
  const [page] = useState(() => randomUuid());
  const [after, setAfter] = useState<readonly string[]>([]);
  const isToday = isDaily && after.length === 0;
  const { data: round, error } = useQuery({
    queryKey: queryKeys.practiceRound(page, after.length),
    queryFn: () => beginPractice(isToday, isDaily ? "" : (after.at(-1) ?? "")),
    staleTime: Number.POSITIVE_INFINITY,
  });
  useTitle(isToday ? "Today’s five" : "Practice");
  if (round) return <Round round={round} onAgain={(token) => setAfter([...after, token])} key={round.galaxies[0]?.id} />;
  return (
    <>
      <Header />
      <main className="message">
        {error ? (
          <>
            <h1>Practice is not available</h1>
            <p role="alert">{inWords(error)}</p>
            <p className="actions">
              <Link to="/" className="button">
                Home page
              </Link>
            </p>
          </>
        ) : (
          <p className="arriving">Loading your galaxies</p>
        )}
      </main>
    </>
  );
}
