import { callApi } from "./client";
import type { Task } from "./types";

export const undoVote = (key: string) => callApi<{ task: Task }>("POST", `votes/${key}/undo/`);
