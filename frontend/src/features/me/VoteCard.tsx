import type { OwnVote, Reason } from "@/lib/api/types";
import { REASON_TITLES } from "@/lib/reasonTitles";

const DAY = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", year: "numeric" });

function answerOf(vote: OwnVote): string {
  if (vote.verdict === "F") return "face-on";
  if (vote.verdict === "J") return "set aside";
  return vote.inclination_deg === null ? "judged" : `${vote.inclination_deg}°`;
}

const STANDINGS: Partial<Record<OwnVote["standing"], string>> = {
  superseded: "taken back",
  surplus: "kept beside the others",
  repeat: "judged more than once",
};

interface Props {
  vote: OwnVote;
  isBusy: boolean;
  onUndo: () => void;
}

/** One galaxy that I judged: its picture, my answer, and undo while it can be undone. */
export function VoteCard({ vote, isBusy, onUndo }: Props) {
  const reasons = vote.verdict === "F" ? vote.reasons.filter((reason) => reason !== "face_on") : vote.reasons;
  const remarks = [...reasons.map((reason) => REASON_TITLES[reason as Reason] ?? reason), ...(vote.comment ? [vote.comment] : [])];
  const standing = STANDINGS[vote.standing];
  return (
    <li className="vote-card" data-standing={vote.standing}>
      <div className="vote-picture">{vote.thumbnail ? <img src={vote.thumbnail} alt="" loading="lazy" width={128} height={128} /> : <span>no picture</span>}</div>
      <div className="vote-words">
        <strong>{answerOf(vote)}</strong>
        <span>{vote.label}</span>
        {remarks.length > 0 && <span>{remarks.join(" · ")}</span>}
        <span>
          <time dateTime={vote.created_at}>{DAY.format(new Date(vote.created_at))}</time>
          {standing && ` · ${standing}`}
        </span>
        {vote.can_undo && (
          <button type="button" className="text-button" disabled={isBusy} onClick={onUndo} aria-label={`Undo my answer on ${vote.label}`}>
            undo
          </button>
        )}
      </div>
    </li>
  );
}
