"""How far the disks and the pictures of a population reach beyond what one table and one stretch give.

A network that has seen one kind of picture errs on every other. What is broadened here is what real pictures were seen
to differ in: thickness, smooth and extended disks, and how the light was turned into greys and colours.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from giz.core.vocabulary import GREYS
from giz.imaging.colour import lupton_rgb
from giz.imaging.greys import asinh_grey
from giz.synthetic.parameters import GalaxyParameters
from giz.synthetic.photometry import FloatArray
from giz.synthetic.streams import stream

# With these the axial ratio of the outer isophote gives the true tilt by the convention of the real standards, q0 = 0.2
# (Holmberg 1946), to about a degree for every type; with the table's own, disks look thinner and bulges rounder, and a
# network that learned from them says 1 to 2 degrees too little of real galaxies.
THICKNESS_BY_TYPE: Mapping[str, float] = MappingProxyType(
    {"Sab": 0.8, "Sbc": 1.25, "SBb": 1.25, "Scd": 1.7, "Sdm": 1.35}
)
BULGE_BY_TYPE: Mapping[str, float] = MappingProxyType({"Sab": 0.75})
BULGE_FLATTER = 0.08
# Some real disks are rounder and brighter in the middle than any of the table: at half of the range of a picture's
# greys a quarter of the reference galaxies look 10 to 20 degrees too little tilted; their outer isophotes are right.
ROUND_MIDDLE_SHARE = 0.45
MOST_MIDDLE_LIGHT_BY_TYPE: Mapping[str, float] = MappingProxyType(
    {"Sab": 0.20, "Sbc": 0.35, "SBb": 0.35, "Scd": 0.25, "Sdm": 0.15}
)
ROUNDEST_BULGE = 0.95
SMOOTH_SHARE = 0.25
CHANNEL_GAIN, BLACK_POINT_NMGY = (1.45, 1.0, 0.80), (0.008, 0.013, 0.021)


@dataclass(frozen=True, slots=True)
class Structure:
    """Changes to a drawn disk: factors of its thickness, bulge, arms and the bulge's size; what is added to R25 / h,
    to the brightness, to the bulge's share of the light and to its axial ratio.
    """

    thickness: float
    bulge: float
    arms: float
    r25_h: float
    brighter_mag: float
    middle_light: float
    middle_rounder: float
    middle_size: float


@dataclass(frozen=True, slots=True)
class Stretch:
    """How frames become pictures; three values are for g, r, i. See `asinh_grey` and `lupton_rgb`."""

    softening: float
    sky_grey: float
    white_percentile: tuple[float, float, float]
    min_range_sigma: float
    colour_stretch_nmgy: float
    colour_softening: float
    channel_gain: tuple[float, float, float]
    black_point: float
    smoothing_native_px: float
    sky_glow: float

    @property
    def sky_offset(self) -> float:
        """Where the sky lies on the scale of `asinh_grey` to have this grey."""
        return math.sinh((1.0 - self.sky_grey / 255.0) * math.asinh(self.softening)) / self.softening


def draw_structure(galaxy_type: str, seed: int) -> Structure:
    """Draw for one disk of the population (stream "structure" of its seed)."""
    rng = stream(seed, "structure")
    is_smooth, is_round_middle = rng.random() < SMOOTH_SHARE, rng.random() < ROUND_MIDDLE_SHARE
    return Structure(
        thickness=THICKNESS_BY_TYPE[galaxy_type] * float(np.exp(rng.normal(0.0, 0.12))),
        bulge=BULGE_BY_TYPE.get(galaxy_type, 1.0) * float(rng.uniform(0.7, 1.2)),
        arms=float(rng.uniform(0.1, 0.5) if is_smooth else rng.uniform(0.7, 1.1)),
        r25_h=float(rng.uniform(-0.7, 0.3)),
        brighter_mag=float(rng.normal(0.1, 0.3)),
        middle_light=float(rng.uniform(0.2, 1.0)) * MOST_MIDDLE_LIGHT_BY_TYPE[galaxy_type] * is_round_middle,
        middle_rounder=float(rng.uniform(0.05, 0.30)) * is_round_middle,
        middle_size=float(rng.uniform(1.0, 2.2)) if is_round_middle else 1.0,
    )


def with_plain_middle(structure: Structure) -> Structure:
    """The same disk with the bulge that its type has."""
    return replace(structure, middle_light=0.0, middle_rounder=0.0, middle_size=1.0)


def broadened(p: GalaxyParameters, by: Structure) -> GalaxyParameters:
    return replace(
        p,
        thickness_h=p.thickness_h * by.thickness,
        bulge_to_total=p.bulge_to_total * by.bulge + by.middle_light,
        bulge_axis_ratio=min(p.bulge_axis_ratio - BULGE_FLATTER + by.middle_rounder, ROUNDEST_BULGE),
        bulge_re_h=p.bulge_re_h * by.middle_size,
        arm_amplitude=p.arm_amplitude * by.arms,
        r25_h=max(p.r25_h + by.r25_h, 2.0),
        surface_brightness_offset_mag=p.surface_brightness_offset_mag - by.brighter_mag,
    )


def draw_stretch(seed: int) -> Stretch:
    """Draw for one member, disk or reject (stream "stretch" of its seed)."""
    rng = stream(seed, "stretch")

    def spread(low: float, high: float) -> float:
        return float(np.exp(rng.uniform(math.log(low), math.log(high))))

    whites = 99.65 - rng.uniform(-0.25, 1.0) + rng.uniform(-0.3, 0.3, 3)
    gains = np.array(CHANNEL_GAIN) * np.exp(rng.normal(0.0, 0.08, 3))
    return Stretch(
        softening=spread(6.0, 25.0),
        sky_grey=float(rng.uniform(225.0, 246.0)),
        white_percentile=_three(np.clip(whites, 97.5, 99.95)),
        min_range_sigma=spread(8.0, 30.0),
        colour_stretch_nmgy=spread(0.2, 0.8),
        colour_softening=spread(5.0, 12.0),
        channel_gain=_three(gains),
        black_point=spread(0.4, 2.0),
        smoothing_native_px=float(rng.uniform(0.4, 1.0)),
        sky_glow=float(rng.uniform(0.6, 1.3)),
    )


def _three(values: npt.NDArray[np.float64]) -> tuple[float, float, float]:
    first, second, third = (float(value) for value in values)
    return first, second, third


def stretched(
    frames: FloatArray, pixel_scale_arcsec: float, sky_rgb: tuple[int, int, int], by: Stretch
) -> dict[str, npt.NDArray[np.uint8]]:
    """Pictures of (3, n, n) frames by the code path of all images: greys "g", "r", "i" and colour "gri"."""
    pictures = {
        band: asinh_grey(
            frame,
            softening=by.softening,
            sky_offset=by.sky_offset,
            white_percentile=white,
            min_range_sigma=by.min_range_sigma,
        )
        for band, frame, white in zip(GREYS, frames, by.white_percentile, strict=True)
    }
    black_g, black_r, black_i = BLACK_POINT_NMGY
    sky_red, sky_green, sky_blue = sky_rgb
    pictures["gri"] = lupton_rgb(
        frames,
        pixel_scale_arcsec,
        stretch_nmgy=by.colour_stretch_nmgy,
        softening=by.colour_softening,
        channel_gain=by.channel_gain,
        black_point_nmgy=(black_g * by.black_point, black_r * by.black_point, black_i * by.black_point),
        smoothing_native_px=by.smoothing_native_px,
        sky_rgb=(round(sky_red * by.sky_glow), round(sky_green * by.sky_glow), round(sky_blue * by.sky_glow)),
    )
    return pictures


def as_json(structure: Structure | None, stretch: Stretch) -> dict[str, Any]:
    """What was drawn, fit for JSON."""
    drawn = asdict(stretch)
    drawn |= {name: list(value) for name, value in drawn.items() if isinstance(value, tuple)}
    return {"structure": None if structure is None else asdict(structure), "stretch": drawn}
