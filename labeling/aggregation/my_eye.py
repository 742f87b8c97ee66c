"""How one person sees galaxies compared with the others: offset, scatter, line and progress, with their errors.

Plain Python: a few thousand numbers, computed while a page waits.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import sqrt
from statistics import linear_regression, mean, median, stdev

MIN_GALAXIES = 10
# A line needs galaxies of different inclinations, and more of them than an offset.
LINE_GALAXIES = 20
LINE_SPREAD_DEG = 4.0
PIVOT_DEG = 70.0
MOST_PERIODS = 10
# Differences beyond this many scatters are slips of the hand or other galaxies, and are left out.
CLIP = 4.0
LEAST_SCATTER_DEG = 1.0
_MAD_TO_SIGMA = 1.4826

# The inclination by the others and by this person, in degrees.
Pair = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Figures:
    """Mean and standard deviation of the differences (this person minus the others), with standard errors."""

    galaxies: int
    offset_deg: float
    offset_error_deg: float
    scatter_deg: float
    scatter_error_deg: float


@dataclass(frozen=True, slots=True)
class Line:
    """The mean difference where the others say 70°, and its change for each degree."""

    offset_at_70_deg: float
    slope: float


@dataclass(frozen=True, slots=True)
class Eye:
    """The figures of all galaxies; ``periods`` are those of equal numbers of galaxies, in order of time."""

    figures: Figures
    left_out: int
    line: Line | None
    periods: list[Figures]


def eye_of(pairs: Sequence[Pair]) -> Eye | None:
    """Return how somebody sees galaxies; None for fewer than ``MIN_GALAXIES``.

    Parameters
    ----------
    pairs : sequence of (float, float)
        For each galaxy the inclination by the others, without this person's vote, and by this person; oldest first.
    """
    kept = _without_slips(pairs)
    if len(kept) < MIN_GALAXIES:
        return None
    count = min(MOST_PERIODS, len(kept) // MIN_GALAXIES)
    bounds = [len(kept) * number // count for number in range(count + 1)]
    return Eye(
        figures=_figures(kept),
        left_out=len(pairs) - len(kept),
        line=_line(kept),
        periods=[_figures(kept[first:last]) for first, last in pairwise(bounds)],
    )


def _without_slips(pairs: Sequence[Pair]) -> list[Pair]:
    if not pairs:
        return []
    middle = median(mine - others for others, mine in pairs)
    scatter = _MAD_TO_SIGMA * median(abs(mine - others - middle) for others, mine in pairs)
    most = CLIP * max(scatter, LEAST_SCATTER_DEG)
    return [(others, mine) for others, mine in pairs if abs(mine - others - middle) <= most]


def _figures(pairs: Sequence[Pair]) -> Figures:
    differences = [mine - others for others, mine in pairs]
    count, scatter = len(differences), stdev(differences)
    return Figures(count, mean(differences), scatter / sqrt(count), scatter, scatter / sqrt(2 * (count - 1)))


def _line(pairs: Sequence[Pair]) -> Line | None:
    by_others = [others - PIVOT_DEG for others, _mine in pairs]
    if len(pairs) < LINE_GALAXIES or stdev(by_others) < LINE_SPREAD_DEG:
        return None
    slope, offset = linear_regression(by_others, [mine - others for others, mine in pairs])
    return Line(offset, slope)
