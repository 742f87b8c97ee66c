import { callApi } from "./client";
import type { Campaign } from "./types";

export const getCampaigns = () => callApi<Campaign[]>("GET", "campaigns/");
