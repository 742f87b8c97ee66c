/** The API calls of the Predict page. */

import { type CallOptions, callApi } from "@/lib/api/client";
import { bodyOfRequest, type SourceRequest } from "../rules/request";
import type { Example, Source } from "./types";

/** A few galaxies to try at once. */
export const getExamples = () => callApi<Example[]>("GET", "predict/examples/");

export const getSource = (id: string, options: CallOptions) => callApi<Source>("GET", `predict/sources/${encodeURIComponent(id)}/`, undefined, options);

/** Long enough for pictures of several bands on a slow connection. */
const UPLOAD_TIMEOUT_MS = 180_000;

export const postSource = (request: SourceRequest, options: CallOptions) => callApi<Source>("POST", "predict/sources/", bodyOfRequest(request), options);

export function postFiles(files: readonly File[], options: CallOptions): Promise<Source> {
  const form = new FormData();
  for (const file of files) form.append("file", file);
  return callApi<Source>("POST", "predict/sources/", form, { ...options, timeoutMs: UPLOAD_TIMEOUT_MS });
}
