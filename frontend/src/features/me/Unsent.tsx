import { ApiError } from "@/lib/api/client";
import { inWords } from "@/lib/errorWords";
import { outbox, useOutbox } from "@/lib/outbox";

/** Votes that are still in this browser: not yet sent, or not accepted by the server. */
export function Unsent() {
  const { waiting, refused, atRisk } = useOutbox();
  if (waiting === 0 && refused.length === 0) return null;
  return (
    <section className="unsent" aria-labelledby="unsent-title">
      <h2 id="unsent-title">Saved in this browser</h2>
      {waiting > 0 && (
        <p>
          {waiting === 1 ? "One vote is" : `${waiting} votes are`} waiting to be sent.{" "}
          <button type="button" className="text-button" onClick={() => void outbox.flush()}>
            send now
          </button>
        </p>
      )}
      {atRisk > 0 && <p role="alert">This browser could not save {atRisk === 1 ? "one vote" : `${atRisk} votes`}. Please keep this page open until everything is sent.</p>}
      {refused.length > 0 && (
        <ul>
          {refused.map((vote) => (
            <li key={vote.key}>
              <span>
                <strong>{vote.galaxy}</strong> {inWords(new ApiError(400, vote.refused ?? "", "The server did not accept this vote."))}
              </span>
              <span className="actions">
                <button type="button" className="button small" onClick={() => void outbox.sendAgain(vote.key)}>
                  Send again
                </button>
                <button type="button" className="button small" onClick={() => void outbox.forget(vote.key)}>
                  Discard it
                </button>
              </span>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
