/** The API calls that several features share; those of one feature are beside it. */

import { ApiError, callApi, UNREACHABLE } from "./client";
import type { Me, MyCampaign, NewlySettled, Practice, Preferences, Task, VoteBody, VoteReceipt } from "./types";

/** The current user. Also sets the CSRF cookie, so it must come before any write. */
export async function getMe(): Promise<Me> {
  const me = await callApi<Partial<Me>>("GET", "me/");
  if (me.volunteer === undefined || me.counts === undefined) throw new ApiError(0, UNREACHABLE, "The response did not come from this site.");
  return me as Me;
}

export const patchPreferences = (preferences: Preferences) => callApi<Me>("PATCH", "me/", { preferences });

/** The campaign that has a galaxy for this person (or for a newcomer) now. */
export const getMyCampaign = async () => (await callApi<MyCampaign>("GET", "me/campaign/")).campaign;

/** Keeps a finished round of practice in the account; repeating it changes nothing. */
export const keepPractice = (token: string) => callApi<Practice>("POST", "me/practice/", { token });

export const postVote = (vote: VoteBody, volunteer: string) => callApi<VoteReceipt>("POST", "votes/", vote, { owner: volunteer });

export const undoVote = (key: string) => callApi<{ task: Task }>("POST", `votes/${key}/undo/`);

/** Own galaxies that were settled since they were last shown. */
export const getSettled = () => callApi<NewlySettled>("GET", "me/settled/");
