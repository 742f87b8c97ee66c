import { callApi } from "./client";
import type { VoteBody, VoteReceipt } from "./types";

export const postVote = (vote: VoteBody) => callApi<VoteReceipt>("POST", "votes/", vote);
