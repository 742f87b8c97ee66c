import { callApi } from "@/lib/api/client";
import type { Task } from "@/lib/api/types";

/** A galaxy of the Predict page in the shape of a task; it is none. */
export const getComparison = (sourceId: string) => callApi<Task>("GET", `predict/sources/${encodeURIComponent(sourceId)}/comparison/`);
