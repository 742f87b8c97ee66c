/** The API calls of the landing page. */

import { callApi } from "@/lib/api/client";
import type { Campaign, Stats } from "@/lib/api/types";

export const getStats = () => callApi<Stats>("GET", "stats/");

export const getCampaigns = () => callApi<Campaign[]>("GET", "campaigns/");
