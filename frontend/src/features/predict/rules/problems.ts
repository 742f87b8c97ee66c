/** What can go wrong here, in words, each with a way on. The server's own sentences say best what a picture or a name lacks. */

import { ApiError, UNREACHABLE } from "@/lib/api/client";

const KEPT = "What you entered is kept.";

/** Of a question about a source that was here: it lives for a day. */
export const isForgotten = (error: unknown): boolean => error instanceof ApiError && (error.code === "not_found" || error.code === "picture_missing");

export const FORGOTTEN_PICTURE = "This picture is not kept any more: uploads are forgotten after a day. Please send it again.";
export const FORGOTTEN_GALAXY = "The server has put this galaxy away meanwhile.";

export function problemInWords(error: unknown): string {
  if (!(error instanceof ApiError)) return "Something went wrong on this page. Please try once more.";
  if (error.code === UNREACHABLE) return `We could not reach the server. ${KEPT} Please try once more.`;
  if (error.code === "too_many_requests") return `That was very quick. ${KEPT} Please try again in ${error.retryAfterS ?? 60} seconds.`;
  if (error.code.startsWith("http_")) return `The server has a problem. ${KEPT} Please try again in a moment.`;
  return error.isPassing ? `${error.message} ${KEPT}` : error.message;
}
