"""How surveys differ to the eye: pixels, depth, seeing, the colour of the sky, and corners without data."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from giz.synthetic.photometry import NATIVE_SCALE_ARCSEC, SKY_MAG_ARCSEC2, SKY_SIGMA_MAG_ARCSEC2

Picture = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class SurveyLook:
    """A survey's camera; three values are for g, r, i.

    sky_sigma_mag_arcsec2 : one sigma of the sky in one native pixel, as a surface brightness.
    seeing_factor : seeing against that of SDSS; seeing_ratio : of the bands against r.
    sky_rgb : colour of the empty sky in its colour pictures.
    """

    name: str
    native_scale_arcsec: float
    sky_mag_arcsec2: tuple[float, float, float]
    sky_sigma_mag_arcsec2: tuple[float, float, float]
    seeing_factor: float
    seeing_ratio: tuple[float, float, float]
    sky_rgb: tuple[int, int, int]


SDSS = SurveyLook(
    name="sdss",
    native_scale_arcsec=NATIVE_SCALE_ARCSEC,
    sky_mag_arcsec2=SKY_MAG_ARCSEC2,
    sky_sigma_mag_arcsec2=SKY_SIGMA_MAG_ARCSEC2,
    seeing_factor=1.0,
    seeing_ratio=(1.08, 1.0, 0.95),
    sky_rgb=(3, 3, 3),
)
# The stacks of the 3 pi survey (Chambers et al. 2016, arXiv:1612.05560): seeing 1.31, 1.19, 1.11 arcsec, five-sigma
# depth for stars 23.3, 23.2, 23.1 mag, which is the noise below with the Gaussian's area of 2.27 FWHM^2. The blue
# sky is that of the reference images that did not come from SDSS.
PANSTARRS = SurveyLook(
    name="panstarrs",
    native_scale_arcsec=0.25,
    sky_mag_arcsec2=(22.0, 20.9, 19.8),
    sky_sigma_mag_arcsec2=(24.28, 24.07, 23.90),
    seeing_factor=0.91,
    seeing_ratio=(1.10, 1.0, 0.93),
    sky_rgb=(17, 23, 35),
)
LOOKS: Mapping[str, SurveyLook] = MappingProxyType({look.name: look for look in (SDSS, PANSTARRS)})


@dataclass(frozen=True, slots=True)
class Corners:
    """A square frame about the galaxy that was turned to bring the major axis level: no data beyond it.

    angle_deg : how far it was turned. reach : half its side, in halves of the field's.
    tone : grey of the rest, 0 or 255. is_colour_only : only the colour picture was cut so.
    """

    angle_deg: float
    reach: float
    tone: int
    is_colour_only: bool


def beyond_corners(corners: Corners, size_px: int) -> npt.NDArray[np.bool_]:
    """True (size_px, size_px) where the turned frame has no data."""
    axis = (np.arange(size_px) - (size_px - 1) / 2.0) / (size_px / 2.0)
    cos_a, sin_a = math.cos(math.radians(corners.angle_deg)), math.sin(math.radians(corners.angle_deg))
    x, y = axis[None, :], axis[:, None]
    outwards = np.maximum(np.abs(x * cos_a + y * sin_a), np.abs(y * cos_a - x * sin_a))
    return np.asarray(outwards > corners.reach)


def paint_corners(pictures: Mapping[str, Picture], corners: Corners) -> None:
    """Paint what lies beyond the turned frame, in place."""
    for band, picture in pictures.items():
        if band == "gri" or not corners.is_colour_only:
            picture[beyond_corners(corners, picture.shape[0])] = corners.tone
