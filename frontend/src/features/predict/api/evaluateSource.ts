import { ApiError, callApi } from "@/lib/api/client";
import type { View } from "../rules/view";
import type { Answer, ViewBody } from "./types";

/** The server evaluates few galaxies at a time. If it says "busy" for a moment, we wait and repeat, at most this many times. */
const PATIENCE = 4;
const MOMENT_S = 5;

export const bodyOf = ({ angleDeg, zoom, shift, isInverted }: View): ViewBody => ({ angle_deg: angleDeg, zoom, shift: [shift[0], shift[1]], is_inverted: isInverted });

export async function evaluateSource(id: string, view: View): Promise<Answer> {
  for (let tried = 1; ; tried += 1) {
    try {
      return await callApi<Answer>("POST", `predict/sources/${encodeURIComponent(id)}/evaluate/`, bodyOf(view));
    } catch (error) {
      const waitS = error instanceof ApiError && error.code === "busy" ? (error.retryAfterS ?? MOMENT_S) : Infinity;
      if (waitS > MOMENT_S || tried === PATIENCE) throw error;
      await new Promise((resolve) => setTimeout(resolve, waitS * 1000));
    }
  }
}
