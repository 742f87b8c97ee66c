import { callApi } from "@/lib/api/client";
import type { Example } from "./types";

/** A few galaxies to try at once. */
export const getExamples = () => callApi<Example[]>("GET", "predict/examples/");
