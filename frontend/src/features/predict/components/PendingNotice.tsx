import { useEffect, useState } from "react";
import type { Pending } from "../state/desk";
import { FORGOTTEN_PICTURE, isForgotten, mayHelpAgain, problemInWords } from "../rules/problems";
import { requestInWords } from "../rules/request";

const SECOND_MS = 1000;
const LONG_S = 25;
const BLINK_MS = 350;

function useSeconds(): number {
  const [seconds, setSeconds] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => setSeconds((before) => before + 1), SECOND_MS);
    return () => clearInterval(timer);
  }, []);
  return seconds;
}

/** Most galaxies load at once: a message that flashes up would only distract. */
function useIsLate(): boolean {
  const [isLate, setLate] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), BLINK_MS);
    return () => clearTimeout(timer);
  }, []);
  return isLate;
}

const nameOf = ({ ask }: Pending) => (ask.kind === "files" ? (ask.files.length === 1 ? "your picture" : "your pictures") : requestInWords(ask));

function Waiting({ pending, onGiveUp }: { pending: Pending; onGiveUp: () => void }) {
  const seconds = useSeconds();
  const isLate = useIsLate();
  const isFetching = pending.phase === "fetching";
  if (!isLate && !isFetching) return null;
  return (
    <div className="pending">
      <p role="status">
        {pending.ask.kind === "files" ? `Sending ${nameOf(pending)} …` : isFetching ? `A survey is being asked for pictures of ${nameOf(pending)} …` : `Looking for ${nameOf(pending)} …`}
      </p>
      <div className="pending-bar" aria-hidden="true" />
      <p className="quiet">
        {isFetching && (seconds > LONG_S ? `${seconds} seconds so far; surveys can be slow. ` : `${seconds} s `)}
        <button type="button" className="text-button" onClick={onGiveUp}>
          cancel
        </button>
      </p>
    </div>
  );
}

interface Props {
  pending: Pending;
  onRetry: () => void;
  onGiveUp: () => void;
}

/** Shows what is loading, or why it failed; the user's input is kept. */
export function PendingNotice({ pending, onRetry, onGiveUp }: Props) {
  if (pending.phase !== "failed") return <Waiting pending={pending} onGiveUp={onGiveUp} />;
  const canRetry = mayHelpAgain(pending.error);
  return (
    <div className="pending pending-failed" role="alert">
      <p>
        <strong>{nameOf(pending).replace(/^y/, "Y")} could not be loaded.</strong> {pending.ask.kind === "source" && isForgotten(pending.error) ? FORGOTTEN_PICTURE : problemInWords(pending.error)}
      </p>
      <p className="actions">
        {canRetry && (
          <button type="button" className="button small" onClick={onRetry}>
            Try again
          </button>
        )}
        <button type="button" className="button small quiet" onClick={onGiveUp}>
          Cancel
        </button>
      </p>
    </div>
  );
}
