/** What a response to a vote means for the copy in this browser. */

import { ApiError } from "../api/client";

/**
 * later: try again · login: wait for the person · session: renew the CSRF cookie · settled: known to the server ·
 * refused: keep it and tell the user.
 */
export type Fate = "later" | "login" | "session" | "settled" | "refused";

const SETTLED = new Set(["already_voted", "lease_lost", "retired", "campaign_closed", "key_reused"]);

/** Codes by which our server refuses this particular vote. Any other response says nothing about the vote. */
const REFUSED = new Set([
  "bad_trace", "trace_mismatch", "reason_required", "validation_error", "unknown_field", "bad_json", "too_large", "not_found", "permission_denied",
]);

export function fateOf(error: unknown): Fate {
  if (!(error instanceof ApiError)) return "later";
  if (SETTLED.has(error.code)) return "settled";
  if (error.code === "not_authenticated" || error.code === "other_person") return "login";
  if (error.code === "csrf") return "session";
  return REFUSED.has(error.code) ? "refused" : "later";
}

/** Whether the next vote would fail, too: the server is not reached, or asks for a pause. */
export function stopsAll(error: ApiError): boolean {
  return error.status === 0 || error.status === 429;
}

const FIRST_DELAY_S = 2;
const LONGEST_DELAY_S = 60;

/** Doubling pauses with up to 30 % jitter, so that many browsers don't retry at the same time. */
export function pauseMs(failures: number, retryAfterS: number | null, random: number): number {
  const backoffS = Math.min(FIRST_DELAY_S * 2 ** Math.max(failures - 1, 0), LONGEST_DELAY_S);
  return Math.round(1000 * Math.max(backoffS, retryAfterS ?? 0) * (1 + 0.3 * random));
}
