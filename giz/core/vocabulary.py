"""The codes that pages, files, exports and networks share: bands, verdicts, reasons. Formats hold their orders."""

from typing import Literal

# --- bands: three greys and the colour picture that is made of them ---------------------------------------------------
GREYS = ("g", "r", "i")
COLOUR = "gri"
# The order of label sets and of a network's inputs.
BANDS = (*GREYS, COLOUR)
# The order in which pages offer pictures.
COLOUR_FIRST = (COLOUR, *GREYS)
# Deepest against dust and knots first: which grey picture is measured.
GREYS_BY_DEPTH = ("r", "i", "g")
# The one picture to show or to ask about, where it must be one: the first of these that is there.
BEST_FIRST = (COLOUR, *GREYS_BY_DEPTH)

# --- verdicts ---------------------------------------------------------------------------------------------------------
Verdict = Literal["A", "F", "J"]
ACCEPTED: Verdict = "A"
FACE_ON: Verdict = "F"
REJECTED: Verdict = "J"
# As the API and counts in files name them.
VERDICT_NAMES: dict[str, str] = {ACCEPTED: "accepted", FACE_ON: "face_on", REJECTED: "rejected"}

# --- reasons for a rejection, or remarks ------------------------------------------------------------------------------
# The original's codes in the original's order, which is that of a network's outputs, too.
REASONS = (
    *("not_sure", "better_image", "bad_TF", "ambiguous", "disturbed"),
    *("HI", "face_on", "not_spiral", "multiple"),
)
