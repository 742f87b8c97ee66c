/** Loads the pictures for a request, and waits while they are fetched from a survey. */

import { ApiError } from "@/lib/api/client";
import type { SourceRequest } from "../rules/request";
import { getSource, postFiles, postSource } from "./calls";
import type { Source } from "./types";

export type Ask = SourceRequest | { kind: "files"; files: readonly File[] };

const FIRST_PAUSE_MS = 700;
const LONGEST_PAUSE_MS = 3000;
/** How many polls in a row may fail. */
const PATIENCE = 5;

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason as Error);
    });
  });
}

function first(ask: Ask, signal: AbortSignal): Promise<Source> {
  if (ask.kind === "files") return postFiles(ask.files, { signal });
  return ask.kind === "source" ? getSource(ask.id, { signal }) : postSource(ask, { signal });
}

async function later(id: string, signal: AbortSignal): Promise<Source> {
  for (let missed = 1; ; missed += 1) {
    try {
      return await getSource(id, { signal });
    } catch (error) {
      if (!(error instanceof ApiError) || !error.isPassing || missed === PATIENCE) throw error;
      await pause(LONGEST_PAUSE_MS, signal);
    }
  }
}

export async function loadSource(ask: Ask, signal: AbortSignal, onFetching: () => void): Promise<Source> {
  let source = await first(ask, signal);
  for (let ms = FIRST_PAUSE_MS; source.state === "fetching"; ms = Math.min(ms * 1.4, LONGEST_PAUSE_MS)) {
    onFetching();
    await pause(ms, signal);
    source = await later(source.id, signal);
  }
  if (source.state === "failed") throw new ApiError(404, source.code ?? "fetch_failed", source.detail ?? "The pictures could not be fetched.");
  return source;
}
