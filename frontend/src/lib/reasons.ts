/** The reasons for a rejection or a remark, in the order in which people choose them. The codes are those of the original site. */

import type { Reason } from "./api/types";

export const REASONS: readonly { code: Reason; title: string; words: string }[] = [
  { code: "face_on", title: "Face-on", words: "Round: we look straight down on it" },
  { code: "not_spiral", title: "Not a spiral", words: "No disk, no arms: a smooth ball of stars" },
  { code: "multiple", title: "Several galaxies", words: "Two or more overlap" },
  { code: "disturbed", title: "Disturbed", words: "Bent, torn or with a tail" },
  { code: "ambiguous", title: "Ambiguous", words: "Its tilt can be interpreted in two ways" },
  { code: "better_image", title: "Needs a better picture", words: "Cut off, too faint, or a star or trail in front" },
  { code: "bad_TF", title: "Unusual disk", words: "A strong bar, bulge or ring: unsuitable for measuring distances" },
  { code: "HI", title: "Neighbour's gas", words: "A companion so close that their gas would mix" },
  { code: "not_sure", title: "Not sure", words: "I would rather not say" },
];

export const titleOf = (code: string): string => REASONS.find((reason) => reason.code === code)?.title ?? code;
