import { callApi } from "@/lib/api/client";
import type { View } from "../rules/view";
import type { Answer, ViewBody } from "./types";

export const bodyOf = ({ angleDeg, zoom, shift, isInverted }: View): ViewBody => ({ angle_deg: angleDeg, zoom, shift: [shift[0], shift[1]], is_inverted: isInverted });

export const evaluateSource = (id: string, view: View) => callApi<Answer>("POST", `predict/sources/${encodeURIComponent(id)}/evaluate/`, bodyOf(view));
