import { type CallOptions, callApi } from "@/lib/api/client";
import { bodyOfRequest, type SourceRequest } from "../rules/request";
import type { Source } from "./types";

/** Pictures of several bands on a slow line. */
const UPLOAD_TIMEOUT_MS = 180_000;

export const postSource = (request: SourceRequest, options: CallOptions) => callApi<Source>("POST", "predict/sources/", bodyOfRequest(request), options);

export function postFiles(files: readonly File[], options: CallOptions): Promise<Source> {
  const form = new FormData();
  for (const file of files) form.append("file", file);
  return callApi<Source>("POST", "predict/sources/", form, { ...options, timeoutMs: UPLOAD_TIMEOUT_MS });
}
