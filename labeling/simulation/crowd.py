"""Simulated people and their perception: each person is a function of the crowd's seed and a number."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from labeling.aggregation.robust_model import PIVOT_DEG, measured_scatter_deg
from standards import grid

RobotKind = Literal["", "same_slot", "too_fast"]

OFFSET_SD_DEG = 0.75
SLOPE_SD = 0.05
SCALE_LOG_SD = 0.25
LAPSE = 0.01
FREEDOM = 6.0
NOTICES = 0.85
FALSE_ALARM = 0.03
SKIP = 0.02

# Seconds until the vote: log-normal around the median of the original's votes (SCIENCE.md 2).
MEDIAN_S, SECONDS_LOG_SD = 69.0, 0.8
LEAST_S = 3.0
ROBOT_S = 0.3

_PERSON, _LOOK = 1, 2
# The reason that a person gives for each flaw of a synthetic galaxy.
_CALLED = {
    "elliptical": "not_spiral",
    "merger": "disturbed",
    "bright_star": "better_image",
    "bad_image": "better_image",
    "faint": "better_image",
    "face_on": "face_on",
    "irregular": "ambiguous",
}


@dataclass(frozen=True, slots=True)
class Habits:
    """One simulated person.

    ``offset_deg`` is the bias at 70°, ``slope`` the excess slope, ``scale`` the scatter relative to the measured one.
    ``lapse``, ``notices`` and ``false_alarm`` are the probabilities of an answer unrelated to the galaxy, of noticing a
    flaw, and of rejecting a galaxy without one. ``eagerness`` is proportional to the number of votes.
    """

    offset_deg: float
    slope: float
    scale: float
    lapse: float
    notices: float
    false_alarm: float
    eagerness: float
    robot: RobotKind
    robot_deg: float


@dataclass(frozen=True, slots=True)
class Truth:
    """A synthetic galaxy's inclination in degrees, None if it has none, and why it should be rejected, if so."""

    inclination_deg: float | None
    reject_reason: str


@dataclass(frozen=True, slots=True)
class Perception:
    """What a person makes of a galaxy: skips it, rejects it for reasons, or perceives an inclination in degrees."""

    seconds: float
    perceived_deg: float = 0.0
    reasons: tuple[str, ...] = ()
    is_skipped: bool = False


def person(seed: int, number: int, *, robots: float = 0.0) -> Habits:
    """Return one person of the crowd; a larger crowd contains the smaller one.

    Parameters
    ----------
    seed, number : int
    robots : float, optional
        Share of robots, evenly spread over the numbers: they always choose the same slot, or vote in under a second.
    """
    rng = np.random.default_rng([seed, _PERSON, number])
    offset_deg, slope = rng.normal(0, OFFSET_SD_DEG), rng.normal(0, SLOPE_SD)
    scale, eagerness = np.exp(rng.normal(0, SCALE_LOG_SD)), rng.pareto(1.5) + 0.3
    kind, robot_deg = rng.integers(2), rng.uniform(50, 88)
    is_robot = robots_among(number + 1, robots) > robots_among(number, robots)
    robot: RobotKind = ("same_slot", "too_fast")[kind] if is_robot else ""
    return Habits(
        float(offset_deg), float(slope), float(scale), LAPSE, NOTICES, FALSE_ALARM, float(eagerness), robot,
        float(robot_deg),
    )  # fmt: skip


def robots_among(count: int, share: float) -> int:
    """Return how many of the first ``count`` people are robots, given their share."""
    return int(count * share + 1e-9)


def perceive(
    habits: Habits, truth: Truth, *, seed: int, number: int, pgc: int
) -> tuple[Perception, np.random.Generator]:
    """Return a person's perception of a galaxy, and the random generator for the comparison that follows.

    It depends on seed, person and galaxy only, so a second look gives the same.
    """
    rng = np.random.default_rng([seed, _LOOK, number, pgc])
    seconds = max(float(MEDIAN_S * np.exp(rng.normal(0, SECONDS_LOG_SD))), LEAST_S)
    if habits.robot == "same_slot":
        return Perception(seconds, perceived_deg=habits.robot_deg), rng
    if habits.robot == "too_fast":
        return Perception(ROBOT_S, perceived_deg=_anywhere(rng)), rng
    if rng.random() < SKIP:
        return Perception(seconds, is_skipped=True), rng
    if truth.reject_reason and rng.random() < habits.notices:
        return Perception(seconds, reasons=(_CALLED[truth.reject_reason],)), rng
    if rng.random() < habits.false_alarm:
        return Perception(seconds, reasons=("not_sure",)), rng
    if truth.inclination_deg is None or rng.random() < habits.lapse:
        return Perception(seconds, perceived_deg=_anywhere(rng)), rng
    return Perception(seconds, perceived_deg=_perceived_deg(habits, truth.inclination_deg, rng)), rng


def _perceived_deg(habits: Habits, inclination_deg: float, rng: np.random.Generator) -> float:
    """Return y = i + a + s (i − 70) + Student-t noise of scale σ g(i), with the measured g (SCIENCE.md 3)."""
    scatter_deg = habits.scale * float(measured_scatter_deg(np.asarray(inclination_deg)))
    lever_deg = inclination_deg - PIVOT_DEG
    middle_deg = PIVOT_DEG + habits.offset_deg + (1 + habits.slope) * lever_deg
    return float(middle_deg + scatter_deg * rng.standard_t(FREEDOM))


def _anywhere(rng: np.random.Generator) -> float:
    return float(rng.uniform(grid.GRID_BINS[0], grid.GRID_BINS[-1]))
