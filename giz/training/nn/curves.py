"""What one number can't say: errors by inclination and votes, curves of the verdict, honesty of intervals. Pure numpy.

Curves are thinned to at most MOST_POINTS points, which changes no area: that is worked out before.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from giz.training.nn.data import BIN_COUNT, BIN_DEG, LOWEST_DEG, bin_of
from giz.training.nn.metrics import coverage, rms

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
MOST_POINTS = 200
RELIABILITY_BINS = 10
# Groups of numbers of votes: from this many on, until the next.
VOTE_GROUPS = (1, 2, 3, 4, 5, 6, 8, 12, 20)


@dataclass(frozen=True, slots=True)
class Group:
    """Errors of some of the pictures, degrees. `low` says which: an inclination, or a number of votes."""

    low: float
    count: int
    rms_deg: float
    mae_deg: float
    bias_deg: float
    coverage_68: float | None = None
    coverage_95: float | None = None

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def by_inclination(error_deg: Floats, truth_deg: Floats, half_widths_deg: Floats | None = None) -> list[Group]:
    """Errors (n,) in each bin of 5 degrees of the truth that holds a picture; (n, 2) half widths for the coverage."""
    return _groups(error_deg, bin_of(truth_deg), [LOWEST_DEG + BIN_DEG * n for n in range(BIN_COUNT)], half_widths_deg)


def by_votes(error_deg: Floats, votes: Floats) -> list[Group]:
    """Errors (n,) by the number of votes (n,) behind the label; NaN and 0 votes are left out."""
    known = np.isfinite(votes) & (votes >= VOTE_GROUPS[0])
    place = np.searchsorted(VOTE_GROUPS, votes[known], side="right") - 1
    return _groups(error_deg[known], place, [float(votes) for votes in VOTE_GROUPS], None)


def _groups(
    error_deg: Floats, group: npt.NDArray[np.int64], lows: list[float], half_widths_deg: Floats | None
) -> list[Group]:
    found = []
    for number, low in enumerate(lows):
        mine = group == number
        if mine.any():
            error = error_deg[mine]
            held = [None, None] if half_widths_deg is None else [coverage(error, w) for w in half_widths_deg[mine].T]
            found.append(
                Group(low, int(mine.sum()), rms(error), float(np.abs(error).mean()), float(error.mean()), *held)
            )
    return found


@dataclass(frozen=True, slots=True)
class Curve:
    """A curve of the verdict and the area under it; x and y rise or fall together along it."""

    x: list[float]
    y: list[float]
    area: float

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def precision_recall(rejection: npt.ArrayLike, is_rejected: npt.ArrayLike) -> Curve | None:
    """Precision (y) against recall (x) at every threshold; the area is the average precision. None without both kinds.

    Source: Davis & Goadrich 2006; between two thresholds precision is not interpolated, which would be too kind.
    """
    said, true = _steps(rejection, is_rejected)
    if true is None or said is None:
        return None
    recall, precision = true / true[-1], true / said
    area = float((np.diff(np.concatenate([[0.0], recall])) * precision).sum())
    return _curve(recall, precision, area)


def roc(rejection: npt.ArrayLike, is_rejected: npt.ArrayLike) -> Curve | None:
    """Share of the rejected that is found (y) against share of the accepted that is accused (x); None without both."""
    said, true = _steps(rejection, is_rejected)
    if true is None or said is None:
        return None
    false = said - true
    x, y = (np.concatenate([[0.0], values / values[-1]]) for values in (false, true))
    return _curve(x, y, float(np.trapezoid(y, x)))


def _steps(rejection: npt.ArrayLike, is_rejected: npt.ArrayLike) -> tuple[Floats | None, Floats | None]:
    """How many are called rejected, and how many of them rightly, at each threshold that occurs, from high to low."""
    said, true = np.asarray(rejection, float), np.asarray(is_rejected, bool)
    if true.all() or not true.any():
        return None, None
    order = np.argsort(-said, kind="stable")
    # Equal probabilities can't be told apart: only the last of them is a step.
    last = np.concatenate([np.diff(said[order]) != 0, [True]])
    return (np.arange(said.size) + 1.0)[last], np.cumsum(true[order]).astype(float)[last]


def _curve(x: Floats, y: Floats, area: float) -> Curve:
    kept = np.unique(np.linspace(0, x.size - 1, min(MOST_POINTS, x.size)).round().astype(int))
    return Curve([round(float(v), 5) for v in x[kept]], [round(float(v), 5) for v in y[kept]], area)


@dataclass(frozen=True, slots=True)
class Reliability:
    """Of the pictures with a stated probability within a tenth: what was stated on average, and what came true."""

    stated: float
    true: float
    count: int

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def reliability(rejection: npt.ArrayLike, is_rejected: npt.ArrayLike) -> list[Reliability]:
    """Stated probability against the share that came true, in ten bins; empty ones are left out."""
    said, true = np.asarray(rejection, float), np.asarray(is_rejected, bool)
    place = np.clip((said * RELIABILITY_BINS).astype(int), 0, RELIABILITY_BINS - 1)
    return [
        Reliability(float(said[mine].mean()), float(true[mine].mean()), int(mine.sum()))
        for mine in (place == number for number in range(RELIABILITY_BINS))
        if mine.any()
    ]


def calibration_error(rejection: npt.ArrayLike, is_rejected: npt.ArrayLike) -> float:
    """Expected calibration error: how far stated probability and truth lie apart, on average over pictures."""
    bins = reliability(rejection, is_rejected)
    return sum(one.count * abs(one.stated - one.true) for one in bins) / sum(one.count for one in bins)
