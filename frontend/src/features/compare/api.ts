/** The API calls of the comparison: tasks, standards, and what a campaign is. */

import { queryOptions } from "@tanstack/react-query";
import { callApi } from "@/lib/api/client";
import type { components } from "@/lib/api/schema.gen";
import type { Campaign, Judged, Lease, PracticeRound, StandardSet, Task, VoteBody } from "@/lib/api/types";
import { queryKeys } from "@/lib/queryKeys";

export const getCampaign = (name: string) => callApi<Campaign>("GET", `campaigns/${encodeURIComponent(name)}/`);

/** Immutable, so the browser caches it permanently. */
export const getStandardSet = (id: number) => callApi<StandardSet>("GET", `standard-sets/${id}/`);

export const leaseTask = (campaign: string, held: string[]) => callApi<Task>("POST", "tasks/", { campaign, held });

export const renewTask = (id: string) => callApi<Lease>("POST", `tasks/${id}/renew/`);

/** Returns leased galaxies when their page is left; the request outlives the page. */
export const releaseTasks = (ids: readonly string[]) => callApi<unknown>("POST", "tasks/release/", { tasks: ids }, { keepalive: true });

export const skipTask = (id: string) => callApi<unknown>("POST", `tasks/${id}/skip/`);

/** A galaxy of the Predict page in the format of a task, without a lease. */
export const getComparison = (sourceId: string) => callApi<Task>("GET", `predict/sources/${encodeURIComponent(sourceId)}/comparison/`);

/** A version of a field guide never changes. */
export const guideQuery = (version: number) =>
  queryOptions({
    queryKey: queryKeys.fieldGuide(version),
    queryFn: () => callApi<components["schemas"]["FieldGuide"]>("GET", `field-guides/${version}/`),
    staleTime: Infinity,
  });

/** Begins a round of practice; nothing is stored. `after` is the token of the round before. */
export const beginPractice = (isDaily: boolean, after: string) => callApi<PracticeRound>("POST", "practice/", { kind: isDaily ? "daily" : "free", after });

/** Judges the next galaxy of a round; answers its true inclination. */
export const judgePractice = (token: string, { trace, verdict, reasons }: VoteBody) => callApi<Judged>("POST", "practice/judge/", { token, trace, verdict, reasons });

type Answer = components["schemas"]["Prediction"];

/** The prediction for the galaxy in its standard view. */
export const askNetwork = (sourceId: string) => callApi<Answer>("POST", `predict/sources/${encodeURIComponent(sourceId)}/evaluate/`, {});
