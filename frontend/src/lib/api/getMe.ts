import { callApi } from "./client";
import type { Me } from "./types";

/** Who is looking; also sets the CSRF cookie, so it comes before anything that writes. */
export const getMe = () => callApi<Me>("GET", "me/");
