/** The vote of a session, as it is sent to the server and in words. */

import type { Reason, VoteBody } from "@/lib/api/types";
import { outcomeNow, type Remarks, type Session, traceNow } from "./session";

export function answerOf(session: Session, key: string): VoteBody | null {
  const outcome = outcomeNow(session);
  if (outcome.kind !== "accepted" && outcome.kind !== "face_on") return null;
  const { reasons, comment } = session.remarks;
  return { key, task: session.task.id, trace: traceNow(session), verdict: outcome.kind, reasons, comment };
}

/** A rejection also records the comparison so far. */
export function rejectionOf(session: Session, key: string, remarks: Remarks): VoteBody {
  return { key, task: session.task.id, trace: traceNow(session), verdict: "rejected", ...remarks };
}

export function verdictWords(verdict: VoteBody["verdict"], reasons: readonly Reason[], inclinationDeg: number | null): string {
  if (verdict === "face_on" || (verdict === "rejected" && reasons.includes("face_on"))) return "Face-on";
  if (verdict === "rejected") return "Rejection";
  return inclinationDeg === null ? "Answer" : `${inclinationDeg}°`;
}
