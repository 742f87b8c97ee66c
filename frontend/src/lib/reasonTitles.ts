/** The nine reasons in plain words; the codes are the original's. */

import type { Reason } from "./api/types";

export const REASON_TITLES: Record<Reason, string> = {
  face_on: "Face-on",
  not_spiral: "Not a spiral",
  multiple: "Several galaxies",
  disturbed: "Disturbed",
  ambiguous: "Ambiguous",
  better_image: "Needs a better picture",
  bad_TF: "Unusual disk",
  HI: "Neighbour's gas",
  not_sure: "Not sure",
};
