/** The API calls of My galaxies. */

import { callApi } from "@/lib/api/client";
import type { MyEye, OwnVotes, Practice } from "@/lib/api/types";

export const PAGE_LENGTH = 60;

export const getOwnVotes = (offset: number) => callApi<OwnVotes>("GET", `me/votes/?limit=${PAGE_LENGTH}&offset=${offset}`);

/** How this person sees galaxies compared with the others. */
export const getMyEye = () => callApi<MyEye>("GET", "me/eye/");

/** The votes of all pages, each once: a vote that arrives between two requests shifts the later page by one row. */
export const votesOf = (pages: Pick<OwnVotes, "results">[]) => [
  ...new Map(pages.flatMap((page) => page.results).map((vote) => [vote.key, vote])).values(),
];

export const getPractice = () => callApi<Practice>("GET", "me/practice/");
