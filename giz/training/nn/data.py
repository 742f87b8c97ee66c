"""What a network learns from: labels of a label set as checked arrays, its pictures mapped into memory. No torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from giz.core.vocabulary import BANDS, COLOUR, REASONS
from giz.labelset import LabelSet

COLOUR_INDEX = BANDS.index(COLOUR)
# The channels of each band in a picture with all bands: g, r, i, then red, green, blue.
CHANNELS = {"g": slice(0, 1), "r": slice(1, 2), "i": slice(2, 3), COLOUR: slice(3, 6)}
CHANNEL_COUNT = 6
# What a network is shown of a galaxy when it is measured: all bands that exist, or one.
VIEWS = ("all", *BANDS)
LOWEST_DEG, HIGHEST_DEG = 45.0, 90.0
BIN_DEG, BIN_COUNT = 5.0, 9

Side = Literal["train", "validation", "test"]
Rows = npt.NDArray[np.int64]


class TrainingError(ValueError):
    """Something that can't be trained on or with: a stable code for programs, a sentence for people."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


def bin_of(inclination_deg: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """Return the 5-degree bins (0 to 8) of inclinations from 45 to 90 degrees; 90 belongs to the last bin."""
    bins = np.floor((np.asarray(inclination_deg, float) - LOWEST_DEG) / BIN_DEG).astype(np.int64)
    return np.clip(bins, 0, BIN_COUNT - 1)


@dataclass(frozen=True, eq=False)
class TrainingData:
    """A label set ready for training; row k is row k of the label set.

    inclination_deg : (n,) degrees; NaN unless the galaxy is accepted.
    is_accepted : (n,) accepted galaxies of 45 degrees or more: those to measure.
    is_rejected : (n,) rejected or face-on galaxies. Those that are neither (split verdicts) are not used.
    reasons : (n, 9) of 0 and 1, in the order of REASONS.
    has_band : (n, 4) whether there is a picture, in the order of BANDS.
    """

    labelset: LabelSet
    inclination_deg: npt.NDArray[np.float64]
    is_accepted: npt.NDArray[np.bool_]
    is_rejected: npt.NDArray[np.bool_]
    reasons: npt.NDArray[np.float32]
    has_band: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, labelset: LabelSet) -> TrainingData:
        """Read and check the labels.

        Raises
        ------
        TrainingError
            ``no_images``, ``no_inclinations``.
        """
        if not labelset.size_px:
            raise TrainingError("no_images", "This label set contains no pictures. Freeze or make one with pictures.")
        verdict = labelset.column("verdict").astype(str)
        inclination_deg = labelset.column("inclination_deg").astype(float)
        has_band = np.stack([labelset.has_image(band) for band in BANDS], axis=1)
        is_accepted = (verdict == "A") & (inclination_deg >= LOWEST_DEG) & has_band.any(axis=1)
        is_rejected = np.isin(verdict, ("F", "J")) & has_band.any(axis=1)
        if not is_accepted.any():
            raise TrainingError(
                "no_inclinations",
                "This label set has no accepted galaxy with an inclination of 45° or more and a picture.",
            )
        known = np.where(is_accepted, inclination_deg, np.nan)
        return cls(labelset, known, is_accepted, is_rejected, _reasons(labelset, verdict), has_band)

    @property
    def size_px(self) -> int:
        return int(self.labelset.size_px or 0)

    def rows(self, side: Side, flavour: int = 0) -> Rows:
        """Return the usable rows of one side of the split; `flavour` 1 to 3 gives a sub-sample of the train side."""
        if side == "test":
            rows = self.labelset.rows(split="test")
        else:
            rows = self.labelset.rows(split="train", validation=side == "validation", flavour=flavour)
        return rows[self.is_accepted[rows] | self.is_rejected[rows]]

    def pictures(self, rows: Rows, wanted: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint8]:
        """Read pictures.

        Parameters
        ----------
        rows : (n,) galaxies.
        wanted : (n, 4) bands to read, in the order of BANDS; each must exist.

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


def pictures_stack(
    pictures: Mapping[str, npt.NDArray[np.uint8]], views: Sequence[Sequence[str]]
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.bool_]]:
    """The input of `Predictor.predict` for one galaxy, one row a view.

    Parameters
    ----------
    pictures : by band, of one galaxy: (S, S) grey or (S, S, 3) colour, uint8.
    views : n lists of the bands that are shown.

    Returns
    -------
    pixels : (n, 6, S, S) uint8, in the order of CHANNELS; zeros where a band is not shown.
    present : (n, 4) bool, in the order of BANDS.
    """
    side = next(iter(pictures.values())).shape[0]
    pixels = np.zeros((len(views), CHANNEL_COUNT, side, side), np.uint8)
    present = np.zeros((len(views), len(BANDS)), bool)
    for number, view in enumerate(views):
        for band in view:
            image = pictures[band]
            pixels[number, CHANNELS[band]] = image.transpose(2, 0, 1) if band == COLOUR else image
            present[number, BANDS.index(band)] = True
    return pixels, present


def _reasons(labelset: LabelSet, verdict: npt.NDArray[np.str_]) -> npt.NDArray[np.float32]:
    marks = np.zeros((len(labelset), len(REASONS)), np.float32)
    marks[verdict == "F", REASONS.index("face_on")] = 1
    if any(column.name == "reasons" for column in labelset.columns):
        texts = labelset.column("reasons")
        for number, code in enumerate(REASONS):
            marks[[f"[{code}]" in text for text in texts], number] = 1
    return marks
