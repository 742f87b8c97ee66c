import type { OwnVote } from "@/lib/api/types";
import { titleOf } from "@/lib/reasons";
import { answerOf, outcomeOf } from "./words";

const DAY = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", year: "numeric" });

const STANDINGS: Partial<Record<OwnVote["standing"], string>> = {
  superseded: "undone",
  surplus: "saved, not counted",
  repeat: "judged more than once",
};

interface Props {
  vote: OwnVote;
  isBusy: boolean;
  onUndo: () => void;
}

/** A judged galaxy: its picture, the answer, and undo while that is possible. */
export function VoteCard({ vote, isBusy, onUndo }: Props) {
  const reasons = vote.verdict === "F" ? vote.reasons.filter((reason) => reason !== "face_on") : vote.reasons;
  const remarks = [...reasons.map((reason) => titleOf(reason)), ...(vote.comment ? [vote.comment] : [])];
  const standing = STANDINGS[vote.standing];
  return (
    <li className="vote-card" data-standing={vote.standing}>
      <div className="vote-picture">{vote.thumbnail ? <img src={vote.thumbnail} alt="" loading="lazy" width={128} height={128} /> : <span>no picture</span>}</div>
      <div className="vote-words">
        <strong>{answerOf(vote)}</strong>
        {vote.outcome && <span className="outcome">all {outcomeOf(vote.outcome)}</span>}
        <span>{vote.label}</span>
        {remarks.length > 0 && <span>{remarks.join(" · ")}</span>}
        <span>
          <time dateTime={vote.created_at}>{DAY.format(new Date(vote.created_at))}</time>
          {standing && ` · ${standing}`}
        </span>
        {vote.is_first && <span>first to judge this galaxy</span>}
        {vote.can_undo && (
          <button type="button" className="text-button" disabled={isBusy} onClick={onUndo} aria-label={`Undo my answer on ${vote.label}`}>
            undo
          </button>
        )}
      </div>
    </li>
  );
}
