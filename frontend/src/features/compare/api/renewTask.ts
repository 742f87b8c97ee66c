import { callApi } from "@/lib/api/client";
import type { Lease } from "@/lib/api/types";

export const renewTask = (id: string) => callApi<Lease>("POST", `tasks/${id}/renew/`);
