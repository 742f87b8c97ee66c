import { type CallOptions, callApi } from "@/lib/api/client";
import type { Source } from "./types";

export const getSource = (id: string, options: CallOptions) => callApi<Source>("GET", `predict/sources/${encodeURIComponent(id)}/`, undefined, options);
