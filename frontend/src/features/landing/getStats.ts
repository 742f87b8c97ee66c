import { callApi } from "@/lib/api/client";
import type { Stats } from "@/lib/api/types";

export const getStats = () => callApi<Stats>("GET", "stats/");
