"""A population of synthetic galaxies: each member is a pure function of the population's seed and its own number.

So a larger population begins with the smaller one, an interrupted one goes on, and any number of processes make the
same galaxies.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from giz.core.vocabulary import BANDS
from giz.synthetic.breadth import as_json, draw_stretch, draw_structure, stretched, with_plain_middle
from giz.synthetic.looks import PANSTARRS, SDSS, Corners, paint_corners
from giz.synthetic.make import MAX_SIZE_PX, SyntheticGalaxy, checked_size, make_galaxy, make_reject
from giz.synthetic.rejects import IRREGULAR_TYPE
from giz.synthetic.types import GALAXY_TYPES
from giz.synthetic.viewer import draw_viewer, viewer_rgb

# The first is taken where none is named. A rule never changes once a network that ships has learned from it.
POPULATION_RULES = ("population-4", "population-5")
POPULATION_RULE = POPULATION_RULES[0]
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
# --- population-5 -----------------------------------------------------------------------------------------------------
# Colour pictures as viewers publish them (giz.synthetic.viewer), and of accepted disks those with something beside.
VIEWER_SHARE, STAR_BESIDE_SHARE, COMPANION_BESIDE_SHARE = 0.55, 0.12, 0.10
# How often each reason was given when people rejected: of 1,579 rejections of the original's volunteers 39 % were
# face-on, 33 % bad pictures, 25 % ambiguous, 11 % no spirals, 9 % disturbed, 6 % several galaxies.
REJECT_WEIGHTS: Mapping[str, float] = MappingProxyType(
    {
        "face_on": 0.20,
        "irregular": 0.32,
        "faint": 0.12,
        "bad_image": 0.10,
        "elliptical": 0.11,
        "merger": 0.09,
        "bright_star": 0.06,
    }
)
# Of galaxies that people measured few lie below 50 degrees: what is tilted by less than this is called face-on by more
# than half of them, and how sharply that changes, degrees.
CALLED_FACE_ON_BELOW_DEG, CALLED_WIDTH_DEG = 48.5, 1.6
# With this power 69 % of the last bin lie at 88 degrees or more, as people's answers do.
FIFTH_CROWDING_POWER = 2.5
# Of accepted disks; most of them are irregular galaxies, the others torn. Severities overlap: what some people reject
# others measure.
IRREGULAR_SHARE, TORN_SHARE, LEAST_TORN_DEG = 0.08, 0.25, 65.0
MOST_ACCEPTED_SEVERITY, LEAST_REJECTED_SEVERITY = 0.65, 0.45
# Rejects that are disks like the accepted ones, with all that these may have.
DISKS_REJECTED = ("face_on", "irregular")
LEAST_FACE_ON_DEG = 10.0
REASONS_OF_FOURTH = ("elliptical", "merger", "bright_star", "bad_image", "faint", "face_on")
# The codes that a person would give (SCIENCE.md section 2).
REASON_CODES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "elliptical": ("not_spiral",),
        "merger": ("disturbed", "multiple"),
        "bright_star": ("better_image",),
        "bad_image": ("better_image",),
        "faint": ("not_sure",),
        "face_on": ("face_on",),
        "irregular": ("ambiguous",),
    }
)


@dataclass(frozen=True, slots=True)
class Member:
    """What to make: a disk tilted by 45 to 90 degrees, or a reject, which draws its own type and tilt if it has none.

    severity : 0 to 1, how irregular or torn (`giz.synthetic.rejects.irregular`).
    """

    number: int
    seed: int
    galaxy_type: str
    inclination_deg: float | None
    reject_reason: str
    is_disturbed: bool
    missing_band: str
    survey: str
    corners: Corners | None
    rule: str = POPULATION_RULE
    beside: str = ""
    is_viewer: bool = False
    severity: float = 0.0

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


def draw_member(population_seed: int, number: int, *, rule: str = POPULATION_RULE) -> Member:
    """Draw member `number` (from 0) of a population by one of `POPULATION_RULES`."""
    if rule not in POPULATION_RULES:
        raise ValueError(f"Unknown population rule {rule!r}; choose one of {', '.join(POPULATION_RULES)}.")
    rng = random.Random(f"{rule}|{population_seed}|{number}")
    seed = rng.getrandbits(40)
    missing_band = rng.choice(BANDS) if rng.random() < MISSING_BAND_SHARE else ""
    survey = PANSTARRS.name if rng.random() < PANSTARRS_SHARE else SDSS.name
    corners = _draw_corners(rng)
    head = Member(number, seed, "", None, "", False, missing_band, survey, corners, rule)
    return _draw_fifth(rng, head) if rule == "population-5" else _draw_fourth(rng, head)


def _draw_fourth(rng: random.Random, head: Member) -> Member:
    if rng.random() < REJECT_SHARE:
        return replace(head, reject_reason=rng.choice(REASONS_OF_FOURTH))
    galaxy_type, tilt_deg = rng.choice(GALAXY_TYPES), _draw_tilt_deg(rng, CROWDING_POWER)
    is_disturbed = rng.random() < DISTURBED_SHARE_OF_DISKS
    return replace(head, galaxy_type=galaxy_type, inclination_deg=tilt_deg, is_disturbed=is_disturbed)


def _draw_fifth(rng: random.Random, head: Member) -> Member:
    head = replace(head, is_viewer=rng.random() < VIEWER_SHARE)
    reason = rng.choices(tuple(REJECT_WEIGHTS), tuple(REJECT_WEIGHTS.values()))[0]
    reason = reason if rng.random() < REJECT_SHARE else ""
    if reason and reason not in DISKS_REJECTED:
        return replace(head, reject_reason=reason)
    galaxy_type, tilt_deg, severity = rng.choice(GALAXY_TYPES), _draw_tilt_deg(rng, FIFTH_CROWDING_POWER), 0.0
    if reason == "face_on":
        tilt_deg = _draw_face_on_deg(rng)
    elif not reason and rng.random() < 1.0 / (1.0 + math.exp((tilt_deg - CALLED_FACE_ON_BELOW_DEG) / CALLED_WIDTH_DEG)):
        reason = "face_on"
    if reason == "irregular":
        severity = LEAST_REJECTED_SEVERITY + (1.0 - LEAST_REJECTED_SEVERITY) * math.sqrt(rng.random())
    elif not reason and rng.random() < IRREGULAR_SHARE:
        severity = MOST_ACCEPTED_SEVERITY * rng.random()
    if severity and rng.random() >= TORN_SHARE:
        galaxy_type = IRREGULAR_TYPE
    elif reason == "irregular":
        # Twisted, a rounder disk still looks whole.
        tilt_deg = round(rng.uniform(LEAST_TORN_DEG, HIGHEST_DEG), 3)
    at = rng.random()
    beside = (
        "star" if at < STAR_BESIDE_SHARE else "companion" if at < STAR_BESIDE_SHARE + COMPANION_BESIDE_SHARE else ""
    )
    is_disturbed = not severity and rng.random() < DISTURBED_SHARE_OF_DISKS
    return replace(
        head,
        galaxy_type=galaxy_type,
        inclination_deg=tilt_deg,
        reject_reason=reason,
        is_disturbed=is_disturbed,
        beside=beside,
        severity=round(severity, 3),
    )


def _draw_face_on_deg(rng: random.Random) -> float:
    """As the sky has them: by the sine of the tilt, so that most are just too round to be measured."""
    low, high = math.cos(math.radians(LEAST_FACE_ON_DEG)), math.cos(math.radians(LOWEST_DEG))
    return round(math.degrees(math.acos(rng.uniform(high, low))), 3)


def _draw_tilt_deg(rng: random.Random, crowding_power: float) -> float:
    tilt_deg = rng.uniform(LOWEST_DEG, HIGHEST_DEG)
    if tilt_deg > CROWDED_FROM_DEG:
        width_deg = HIGHEST_DEG - CROWDED_FROM_DEG
        tilt_deg = HIGHEST_DEG - width_deg * ((HIGHEST_DEG - tilt_deg) / width_deg) ** crowding_power
    return round(tilt_deg, 3)


def _draw_corners(rng: random.Random) -> Corners | None:
    if rng.random() >= CORNERS_SHARE:
        return None
    # Between these angles (a square is the same after 90) every reach leaves corners to see.
    angle_deg, reach = round(rng.uniform(15.0, 75.0), 2), round(rng.uniform(0.75, 1.20), 3)
    return Corners(angle_deg, reach, rng.choice((0, 255)), rng.random() < COLOUR_ONLY_SHARE_OF_CORNERS)


def make_member(member: Member, size_px: int, *, has_round_middle: bool = True) -> SyntheticGalaxy:
    """Make it; without round middle, where one was drawn, it has the bulge of its type instead."""
    if member.reject_reason and not member.galaxy_type:
        return make_reject(
            member.reject_reason,
            member.seed,
            size_px=size_px,
            survey=member.survey,
            is_broad=member.rule != POPULATION_RULES[0],
        )
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
        beside=member.beside,
        severity=member.severity,
    )


def render_member(population_seed: int, number: int, size_px: int, *, rule: str = POPULATION_RULE) -> RenderedMember:
    """Draw and make member `number`, with its pictures by the one code path that all images take."""
    checked_size(size_px)
    member = draw_member(population_seed, number, rule=rule)
    finer = FINER if FINER * size_px <= MAX_SIZE_PX else 1
    galaxy = make_member(member, finer * size_px)
    stretch = draw_stretch(member.seed)
    made = stretched(galaxy.frames, galaxy.pixel_scale_arcsec, galaxy.look.sky_rgb, stretch)
    pictures = {band: _scaled(pixels, size_px) for band, pixels in made.items() if band != member.missing_band}
    viewer = draw_viewer(member.seed) if member.is_viewer else None
    if viewer and "gri" in pictures:
        pictures["gri"] = viewer_rgb(galaxy.frames, viewer, size_px)
    if member.corners:
        paint_corners(pictures, member.corners)
    corners = None if member.corners is None else asdict(member.corners)
    structure = draw_structure(member.galaxy_type, member.seed) if member.galaxy_type else None
    return RenderedMember(
        member,
        pictures,
        galaxy.galaxy_type,
        galaxy.inclination_deg,
        galaxy.d25_arcsec,
        galaxy.pixel_scale_arcsec * finer,
        galaxy.seeing_arcsec,
        galaxy.parameters
        | {"survey": member.survey, "corners": corners}
        | as_json(structure, stretch)
        | ({"viewer": asdict(viewer)} if viewer else {}),
    )


def _scaled(pixels: npt.NDArray[np.uint8], size_px: int) -> npt.NDArray[np.uint8]:
    """As display files are scaled (giz.imaging.sizes)."""
    if pixels.shape[0] == size_px:
        return pixels
    scaled = Image.fromarray(pixels).resize((size_px, size_px), Image.Resampling.LANCZOS, reducing_gap=3.0)
    return np.array(scaled)
