import { callApi } from "@/lib/api/client";
import type { components } from "@/lib/api/schema.gen";

type Answer = components["schemas"]["Prediction"];

/** What the network says of the galaxy as it lies. */
export const askNetwork = (sourceId: string) => callApi<Answer>("POST", `predict/sources/${encodeURIComponent(sourceId)}/evaluate/`, {});
