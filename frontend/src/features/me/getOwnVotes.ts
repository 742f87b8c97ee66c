import { callApi } from "@/lib/api/client";
import type { OwnVotes } from "@/lib/api/types";

export const PAGE_LENGTH = 60;

export const getOwnVotes = (offset: number) => callApi<OwnVotes>("GET", `me/votes/?limit=${PAGE_LENGTH}&offset=${offset}`);
