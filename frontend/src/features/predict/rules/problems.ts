/** Error messages of the Predict page. For pictures and names the server's own sentences are the most precise. */

import { ApiError, UNREACHABLE } from "@/lib/api/client";

const LONG_S = 120;
const KEPT = "Your input is kept.";

/** For a source that has expired: sources are kept for a day. */
export const isForgotten = (error: unknown): boolean => error instanceof ApiError && (error.code === "not_found" || error.code === "picture_missing");

export const FORGOTTEN_PICTURE = "This picture is no longer here: uploads are deleted after a day. Please upload it again.";
export const FORGOTTEN_GALAXY = "This result has expired. Please load the galaxy again.";

/** Codes of failures, mostly of surveys, where trying again may help. It never helps with a wrong name or file. */
const PASSING_CODES = new Set(["no_network", "survey_down", "survey_bad_answer", "fetch_failed", "not_ready", "busy", "csrf"]);
/** A proxy or firewall will refuse the same request again. */
const REFUSED_BY_STRANGERS = /^http_(?:400|401|403|405|406|411|413|414|415|431)$/;

export function mayHelpAgain(error: unknown): boolean {
  return !(error instanceof ApiError) || (error.isPassing && !REFUSED_BY_STRANGERS.test(error.code)) || PASSING_CODES.has(error.code);
}

/** Codes whose sentence on the server is meant for programs. */
const WORDS: Record<string, string> = {
  band_twice: "Two of these pictures have the same band. Name the files so that they end in _g, _r, _i or _gri, one of each.",
  no_network: "This site can’t reach the survey archives at the moment; your own connection is not the cause. Galaxies that it already has can still be loaded.",
};

/** Responses that are not from our server: from a proxy, a firewall, or while the server starts. */
function strangerInWords(status: number): string {
  if (status === 413) return "The upload is too large for this site, or for a proxy in front of it. One picture may have up to 25 MB, all of them together 64 MB. If a lower limit applies here, the operator of the site can raise it.";
  if (status === 401 || status === 403) return "Something between this page and the server (a firewall or proxy) blocked the request. Reloading the page may help.";
  if (status >= 500) return `The server has a problem. ${KEPT} Please try again in a moment.`;
  if (status === 404 || status === 408 || status === 425) return `The server did not answer; it may be starting. ${KEPT} Please try again in a moment.`;
  if (status === 429) return `Too many requests. ${KEPT} Please try again in a minute.`;
  return "Something between this page and the server could not handle this request. Reloading the page may help.";
}

export function problemInWords(error: unknown): string {
  if (!(error instanceof ApiError)) return "Something went wrong on this page. Please try again.";
  if (error.code === UNREACHABLE) return `We could not reach the server. ${KEPT} Please try again.`;
  // "Too many requests" does not fit a wait of hours: then the server's sentence says what the limit is.
  if (error.code === "too_many_requests" && (error.retryAfterS ?? 0) > LONG_S) return error.message;
  if (error.code === "too_many_requests") return `Too many requests. ${KEPT} Please try again in ${error.retryAfterS ?? 60} seconds.`;
  if (error.code.startsWith("http_")) return strangerInWords(error.status);
  const words = WORDS[error.code] ?? error.message;
  return error.isPassing ? `${words} ${KEPT}` : words;
}
