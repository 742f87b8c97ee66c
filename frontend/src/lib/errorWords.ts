/** A message for each error code of the API: plain, friendly, without blame, and with what happens next. */

import { ApiError } from "./api/client";

const WORDS: Record<string, string> = {
  unreachable: "We could not reach the server. We will keep trying.",
  not_authenticated: "Please log in again; your vote is saved.",
  csrf: "Your session was renewed. Please try again.",
  permission_denied: "Your account does not have permission to do this.",
  no_campaign: "It may have been renamed, or the address mistyped.",
  campaign_paused: "This campaign is paused. Your votes are safe; please come back later.",
  campaign_closed: "This campaign is finished. Thank you for every galaxy you judged.",
  campaign_misconfigured: "This campaign has too few standards to compare with. Its organisers need to add some.",
  other_person: "Somebody else has logged in on this browser. Your votes are saved here and will be sent when you log in again.",
  busy: "The last galaxies are being updated. We will try again in a moment.",
  too_many_requests: "Too many requests. We will continue in a moment.",
  unavailable: "The server is temporarily unavailable. We will keep trying.",
  retired: "This galaxy already had enough votes; yours is saved, but not counted.",
  already_voted: "You have already judged this galaxy; your first answer counts.",
  lease_lost: "Your time for this galaxy ran out and somebody else took it; your vote is saved, but not counted.",
  key_reused: "This vote was already sent with another answer; the first one counts.",
  not_found: "The server no longer knows this galaxy's task.",
  trace_mismatch: "The server interpreted this answer differently; it is saved on this device.",
  bad_trace: "The server could not read this answer; it is saved on this device.",
  reason_required: "Please choose at least one reason.",
  bad_trial: "This round of practice is over. Please begin a new one.",
  already_judged: "You have judged this galaxy already. Please begin a new round.",
  no_standards: "This site has no galaxies to compare with yet. Please come back later.",
  too_late_to_undo: "You can undo a vote for five minutes; this one is now final.",
};

export function inWords(error: unknown): string {
  if (!(error instanceof ApiError)) return "Something went wrong on this page. Please reload it; your votes are saved.";
  const known = WORDS[error.code];
  if (known) return known;
  if (error.isPassing) return "The server has a problem. Your votes are saved, and we will keep trying.";
  return error.message || "The server could not do this.";
}

/** For requests that are not repeated automatically: a skip, an undo. */
export function inWordsOnce(error: unknown): string {
  return error instanceof ApiError && error.isPassing ? "We could not reach the server. Please try again." : inWords(error);
}
