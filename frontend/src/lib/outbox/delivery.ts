/** What an answer to a vote means for the copy that this browser keeps. */

import { ApiError } from "../api/client";

/** later: try again · login: wait for the person · session: renew the CSRF cookie · settled: known to the server · refused: keep, tell. */
export type Fate = "later" | "login" | "session" | "settled" | "refused";

const SETTLED = new Set(["already_voted", "lease_lost", "retired", "key_reused"]);

export function fateOf(error: unknown): Fate {
  if (!(error instanceof ApiError)) return "later";
  if (SETTLED.has(error.code)) return "settled";
  if (error.status === 401) return "login";
  if (error.code === "csrf") return "session";
  return error.isPassing || error.status === 408 || error.status === 425 ? "later" : "refused";
}

const FIRST_DELAY_S = 2;
const LONGEST_DELAY_S = 60;

/** Doubling pauses with up to 30 % of jitter, so that many browsers don't return at the same moment. */
export function pauseMs(failures: number, retryAfterS: number | null, random: number): number {
  const backoffS = Math.min(FIRST_DELAY_S * 2 ** Math.max(failures - 1, 0), LONGEST_DELAY_S);
  return Math.round(1000 * Math.max(backoffS, retryAfterS ?? 0) * (1 + 0.3 * random));
}
