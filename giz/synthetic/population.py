"""A population of synthetic galaxies: each member is a pure function of the population's seed and its own number.

So a larger population begins with the smaller one, an interrupted one goes on, and any number of processes make the
same galaxies.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from giz.synthetic.breadth import as_json, draw_stretch, draw_structure, stretched, with_plain_middle
from giz.synthetic.looks import PANSTARRS, SDSS, Corners, paint_corners
from giz.synthetic.make import MAX_SIZE_PX, SyntheticGalaxy, checked_size, make_galaxy, make_reject
from giz.synthetic.rejects import REJECT_REASONS
from giz.synthetic.types import GALAXY_TYPES

POPULATION_RULE = "population-4"
POPULATION_RULE_YEAR = 2026
LOWEST_DEG, HIGHEST_DEG = 45.0, 90.0
# Tilts are even up to here; in the last bin they crowd towards edge-on as those of the original's standards do, of
# which 79 % lie at 88 degrees or more: with this power it is 60 %.
CROWDED_FROM_DEG, CROWDING_POWER = 85.0, 1.8
REJECT_SHARE = 0.20
# Real disks that people accept are often mildly disturbed; their truth is kept.
DISTURBED_SHARE_OF_DISKS = 0.175
MISSING_BAND_SHARE = 0.10
PANSTARRS_SHARE = 0.40
# Pictures are made this much finer and scaled down, as display files are made of survey frames: noise and sky then look
# as they do in real pictures of the same size.
FINER = 2
# One in five of the reference's colour pictures has corners without data, one in twenty of its greys.
CORNERS_SHARE, COLOUR_ONLY_SHARE_OF_CORNERS = 0.20, 0.75
# The codes that a person would give (SCIENCE.md section 2).
REASON_CODES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "elliptical": ("not_spiral",),
        "merger": ("disturbed", "multiple"),
        "bright_star": ("better_image",),
        "bad_image": ("better_image",),
        "faint": ("not_sure",),
        "face_on": ("face_on",),
    }
)


@dataclass(frozen=True, slots=True)
class Member:
    """What to make: a disk tilted by 45 to 90 degrees, or a reject, which draws its own type and tilt."""

    number: int
    seed: int
    galaxy_type: str
    inclination_deg: float | None
    reject_reason: str
    is_disturbed: bool
    missing_band: str
    survey: str
    corners: Corners | None

    @property
    def verdict(self) -> str:
        """A accepted, F face-on, J rejected: what a person who saw the truth would say."""
        if not self.reject_reason:
            return "A"
        return "F" if self.reject_reason == "face_on" else "J"


@dataclass(frozen=True, slots=True, eq=False)
class RenderedMember:
    """A member, made: its pictures by band and everything that was drawn."""

    member: Member
    pictures: dict[str, npt.NDArray[np.uint8]]
    galaxy_type: str
    inclination_deg: float | None
    d25_arcsec: float
    pixel_scale_arcsec: float
    seeing_arcsec: float
    parameters: dict[str, Any]


def draw_member(population_seed: int, number: int) -> Member:
    """Draw member `number` (from 0) of a population."""
    rng = random.Random(f"{POPULATION_RULE}|{population_seed}|{number}")
    seed = rng.getrandbits(40)
    missing_band = rng.choice(("g", "r", "i", "gri")) if rng.random() < MISSING_BAND_SHARE else ""
    survey = PANSTARRS.name if rng.random() < PANSTARRS_SHARE else SDSS.name
    corners = _draw_corners(rng)
    if rng.random() < REJECT_SHARE:
        return Member(number, seed, "", None, rng.choice(REJECT_REASONS), False, missing_band, survey, corners)
    galaxy_type, tilt_deg = rng.choice(GALAXY_TYPES), _draw_tilt_deg(rng)
    is_disturbed = rng.random() < DISTURBED_SHARE_OF_DISKS
    return Member(number, seed, galaxy_type, tilt_deg, "", is_disturbed, missing_band, survey, corners)


def _draw_tilt_deg(rng: random.Random) -> float:
    tilt_deg = rng.uniform(LOWEST_DEG, HIGHEST_DEG)
    if tilt_deg > CROWDED_FROM_DEG:
        width_deg = HIGHEST_DEG - CROWDED_FROM_DEG
        tilt_deg = HIGHEST_DEG - width_deg * ((HIGHEST_DEG - tilt_deg) / width_deg) ** CROWDING_POWER
    return round(tilt_deg, 3)


def _draw_corners(rng: random.Random) -> Corners | None:
    if rng.random() >= CORNERS_SHARE:
        return None
    # Between these angles (a square is the same after 90) every reach leaves corners to see.
    angle_deg, reach = round(rng.uniform(15.0, 75.0), 2), round(rng.uniform(0.75, 1.20), 3)
    return Corners(angle_deg, reach, rng.choice((0, 255)), rng.random() < COLOUR_ONLY_SHARE_OF_CORNERS)


def make_member(member: Member, size_px: int, *, has_round_middle: bool = True) -> SyntheticGalaxy:
    """Make it; without round middle, where one was drawn, it has the bulge of its type instead."""
    if member.reject_reason:
        return make_reject(member.reject_reason, member.seed, size_px=size_px, survey=member.survey)
    if member.inclination_deg is None:
        raise ValueError(f"Member {member.number} has neither an inclination nor a reason to be rejected.")
    structure = draw_structure(member.galaxy_type, member.seed)
    return make_galaxy(
        member.galaxy_type,
        member.inclination_deg,
        member.seed,
        size_px=size_px,
        disturbed=member.is_disturbed,
        survey=member.survey,
        structure=structure if has_round_middle else with_plain_middle(structure),
    )


def render_member(population_seed: int, number: int, size_px: int) -> RenderedMember:
    """Draw and make member `number`, with its pictures by the one code path that all images take."""
    checked_size(size_px)
    member = draw_member(population_seed, number)
    finer = FINER if FINER * size_px <= MAX_SIZE_PX else 1
    galaxy = make_member(member, finer * size_px)
    stretch = draw_stretch(member.seed)
    made = stretched(galaxy.frames, galaxy.pixel_scale_arcsec, galaxy.look.sky_rgb, stretch)
    pictures = {band: _scaled(pixels, size_px) for band, pixels in made.items() if band != member.missing_band}
    if member.corners:
        paint_corners(pictures, member.corners)
    corners = None if member.corners is None else asdict(member.corners)
    structure = None if member.reject_reason else draw_structure(member.galaxy_type, member.seed)
    return RenderedMember(
        member,
        pictures,
        galaxy.galaxy_type,
        galaxy.inclination_deg,
        galaxy.d25_arcsec,
        galaxy.pixel_scale_arcsec * finer,
        galaxy.seeing_arcsec,
        galaxy.parameters | {"survey": member.survey, "corners": corners} | as_json(structure, stretch),
    )


def _scaled(pixels: npt.NDArray[np.uint8], size_px: int) -> npt.NDArray[np.uint8]:
    """As display files are scaled (giz.imaging.sizes)."""
    if pixels.shape[0] == size_px:
        return pixels
    scaled = Image.fromarray(pixels).resize((size_px, size_px), Image.Resampling.LANCZOS, reducing_gap=3.0)
    return np.array(scaled)
