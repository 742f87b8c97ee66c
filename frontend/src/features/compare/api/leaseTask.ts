import { callApi } from "@/lib/api/client";
import type { Task } from "@/lib/api/types";

export const leaseTask = (campaign: string, held: string[]) => callApi<Task>("POST", "tasks/", { campaign, held });
