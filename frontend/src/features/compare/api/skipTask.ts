import { callApi } from "@/lib/api/client";

export const skipTask = (id: string) => callApi<unknown>("POST", `tasks/${id}/skip/`);
