import { callApi } from "@/lib/api/client";
import type { StandardSet } from "@/lib/api/types";

/** Immutable: the browser's cache keeps it for good. */
export const getStandardSet = (id: number) => callApi<StandardSet>("GET", `standard-sets/${id}/`);
