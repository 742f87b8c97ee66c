/** What each reason means, in the order in which the sheet shows them. */

import type { Reason } from "./api/types";

export const REASONS: readonly { code: Reason; words: string }[] = [
  { code: "face_on", words: "Round: we look straight down on it" },
  { code: "not_spiral", words: "No disk, no arms: a smooth ball of stars" },
  { code: "multiple", words: "Two or more overlap" },
  { code: "disturbed", words: "Bent, torn or with a tail" },
  { code: "ambiguous", words: "Its tilt can be read in two ways" },
  { code: "better_image", words: "Cut off, too faint, or a star or trail in front" },
  { code: "bad_TF", words: "A strong bar, bulge or ring: unfit for measuring distances" },
  { code: "HI", words: "A companion so close that their gas would mix" },
  { code: "not_sure", words: "I would rather not say" },
];
