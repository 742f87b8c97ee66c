import { callApi } from "./client";
import type { Me, Preferences } from "./types";

export const patchPreferences = (preferences: Preferences) => callApi<Me>("PATCH", "me/", { preferences });
