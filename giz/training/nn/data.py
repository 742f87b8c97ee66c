"""What a network learns from: labels of a label set as arrays, its pictures mapped into memory, checked beforehand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from giz.labelset import LabelSet
from giz.training.nn.errors import TrainingError

GREYS = ("g", "r", "i")
COLOUR = "gri"
BANDS = (*GREYS, COLOUR)
# Where each band lies among the six channels of a picture with all bands: g, r, i, then red, green, blue.
CHANNELS = {"g": slice(0, 1), "r": slice(1, 2), "i": slice(2, 3), COLOUR: slice(3, 6)}
CHANNEL_COUNT = 6
# The codes of SCIENCE.md section 2, in the order of the network's answers.
REASON_CODES = (
    *("not_sure", "better_image", "bad_TF", "ambiguous", "disturbed"),
    *("HI", "face_on", "not_spiral", "multiple"),
)
# What is shown of a galaxy when it is measured: everything there is, or one band.
VIEWS = ("all", *BANDS)
LOWEST_DEG, HIGHEST_DEG = 45.0, 90.0
BIN_DEG, BIN_COUNT = 5.0, 9

Side = Literal["train", "validation", "test"]
Rows = npt.NDArray[np.int64]


def bin_of(inclination_deg: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """The 5-degree bin (0 to 8) of inclinations of 45 to 90 degrees; 90 belongs to the last."""
    bins = np.floor((np.asarray(inclination_deg, float) - LOWEST_DEG) / BIN_DEG).astype(np.int64)
    return np.clip(bins, 0, BIN_COUNT - 1)


@dataclass(frozen=True, eq=False)
class TrainingData:
    """A label set, ready to be learned from. Rows are those of the label set.

    inclination_deg : (n,) degrees; NaN where a galaxy has none to learn.
    is_accepted : (n,) to be measured: accepted, 45 degrees or more.
    is_rejected : (n,) rejected or face-on. Galaxies that are neither (split verdicts) are not learned from.
    reasons : (n, 9) of 0 and 1, in the order of REASON_CODES.
    has_band : (n, 4) in the order of BANDS.
    """

    labelset: LabelSet
    inclination_deg: npt.NDArray[np.float64]
    is_accepted: npt.NDArray[np.bool_]
    is_rejected: npt.NDArray[np.bool_]
    reasons: npt.NDArray[np.float32]
    has_band: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, labelset: LabelSet) -> TrainingData:
        """Take the labels over and check them.

        Raises
        ------
        TrainingError
            ``no_images``, ``no_inclinations``: with what is missing.
        """
        if not labelset.size_px:
            raise TrainingError("no_images", "This label set holds no pictures. Freeze or make one with pictures.")
        verdict = labelset.column("verdict").astype(str)
        inclination_deg = labelset.column("inclination_deg").astype(float)
        has_band = np.stack([labelset.has_image(band) for band in BANDS], axis=1)
        is_accepted = (verdict == "A") & (inclination_deg >= LOWEST_DEG) & has_band.any(axis=1)
        is_rejected = np.isin(verdict, ("F", "J")) & has_band.any(axis=1)
        if not is_accepted.any():
            raise TrainingError(
                "no_inclinations", "No galaxy of this label set is accepted, tilted by 45° or more, and has a picture."
            )
        known = np.where(is_accepted, inclination_deg, np.nan)
        return cls(labelset, known, is_accepted, is_rejected, _reasons(labelset, verdict), has_band)

    @property
    def size_px(self) -> int:
        return int(self.labelset.size_px or 0)

    def rows(self, side: Side, flavour: int = 0) -> Rows:
        """Rows of one side of the split that can be learned from or measured; `flavour` 1 to 3 bags the train side."""
        if side == "test":
            rows = self.labelset.rows(split="test")
        else:
            rows = self.labelset.rows(split="train", validation=side == "validation", flavour=flavour)
        return rows[self.is_accepted[rows] | self.is_rejected[rows]]

    def pictures(self, rows: Rows, wanted: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint8]:
        """Pictures of all bands.

        Parameters
        ----------
        rows : (n,) galaxies.
        wanted : (n, 4) bands to read, in the order of BANDS; every one must be there.

        Returns
        -------
        (n, 6, H, W) uint8: g, r, i, red, green, blue; zeros where a band is not wanted.
        """
        side = self.size_px
        pixels = np.zeros((rows.size, CHANNEL_COUNT, side, side), np.uint8)
        for number, band in enumerate(BANDS):
            for place in np.flatnonzero(wanted[:, number]):
                image = self.labelset.image(int(rows[place]), band)
                pixels[place, CHANNELS[band]] = image.transpose(2, 0, 1) if band == COLOUR else image
        return pixels


def _reasons(labelset: LabelSet, verdict: npt.NDArray[np.str_]) -> npt.NDArray[np.float32]:
    marks = np.zeros((len(labelset), len(REASON_CODES)), np.float32)
    marks[verdict == "F", REASON_CODES.index("face_on")] = 1
    if any(column.name == "reasons" for column in labelset.columns):
        texts = labelset.column("reasons")
        for number, code in enumerate(REASON_CODES):
            marks[[f"[{code}]" in text for text in texts], number] = 1
    return marks
