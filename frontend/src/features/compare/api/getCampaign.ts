import { callApi } from "@/lib/api/client";
import type { Campaign } from "@/lib/api/types";

export const getCampaign = (name: string) => callApi<Campaign>("GET", `campaigns/${encodeURIComponent(name)}/`);
