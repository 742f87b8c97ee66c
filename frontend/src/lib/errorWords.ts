/** Every code of the API in words: plain, warm, no blame, and what happens next. */

import { ApiError } from "./api/client";

const WORDS: Record<string, string> = {
  unreachable: "We could not reach the server. We will keep trying.",
  not_authenticated: "Please log in again; your vote is kept.",
  csrf: "Your session was renewed. Please try once more.",
  permission_denied: "Your account may not do this.",
  no_campaign: "It may have been renamed, or the address mistyped.",
  campaign_paused: "This campaign is taking a break. Your votes are safe; please look in again later.",
  campaign_closed: "This campaign is finished. Thank you for every galaxy you judged.",
  campaign_misconfigured: "This campaign has too few standards to compare with. Its organisers need to add some.",
  all_done: "You have judged every galaxy that is open here. Thank you.",
  too_many_leases: "Several galaxies are waiting for you in other windows. Finish one of them, or close those windows.",
  too_many_requests: "That was very quick. We pause for a moment and go on.",
  unavailable: "The server is taking a short break. We will keep trying.",
  retired: "This galaxy had enough judgements already; yours is kept beside them.",
  already_voted: "You had judged this galaxy already; the first answer stands.",
  lease_lost: "Someone else finished this galaxy meanwhile; your vote is kept beside theirs.",
  key_reused: "This vote was sent before with another answer; the first one stands.",
  not_found: "The server doesn't know this galaxy's task any more.",
  trace_mismatch: "The server read this judgement differently; it is kept on this device.",
  bad_trace: "The server could not read this judgement; it is kept on this device.",
  reason_required: "Please choose at least one reason.",
  too_late_to_undo: "Undo works for five minutes; this vote now stands.",
};

export function inWords(error: unknown): string {
  if (!(error instanceof ApiError)) return "Something went wrong on this page. Reloading it helps; your votes are kept.";
  const known = WORDS[error.code];
  if (known) return known;
  if (error.isPassing) return "The server has a problem. Your votes are kept, and we will keep trying.";
  return error.message || "The server could not do this.";
}
