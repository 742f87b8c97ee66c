"""Which measured galaxies to propose as standards, and in which order. Pure."""

import heapq
import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from standards.grid import bin_of, inclination_from_axial_ratio

# What bulge, arms and thickness of real and synthetic galaxies add to the measuring error (docs/reference/imaging.md).
INTRINSIC_DEG = 3.5
MAX_FIT_ERROR_DEG = 4.0
# The major axis of a picture lies level; one that does not has a wrong position angle, or a neighbour in its ellipse.
MAX_ANGLE_DEG = 20.0
MAX_OFFSET_SHARE = 0.2


@dataclass(frozen=True)
class Measured:
    """The ellipse of one galaxy (lengths as shares of the picture's side), and its type in a few letters."""

    galaxy_id: int
    axial_ratio: float
    axial_ratio_error: float
    angle_deg: float
    x: float
    y: float
    semi_major: float
    is_cut: bool
    kind: str = ""


@dataclass(frozen=True)
class Candidate:
    """A galaxy to propose: its inclination, the error of the fit, and the error including intrinsic scatter."""

    measured: Measured
    inclination_deg: float
    fit_error_deg: float
    bin_deg: int

    @property
    def error_deg(self) -> float:
        return math.hypot(self.fit_error_deg, INTRINSIC_DEG)


def fit_error_deg(axial_ratio: float, axial_ratio_error: float) -> float:
    """Return half of the range of inclinations between the ends of the axial ratio's error bar."""
    low = inclination_from_axial_ratio(min(axial_ratio + axial_ratio_error, 1.0))
    return (inclination_from_axial_ratio(max(axial_ratio - axial_ratio_error, 0.01)) - low) / 2


def candidate_of(measured: Measured) -> Candidate | None:
    """Return the candidate, or None if the fit is bad or the inclination is below the grid."""
    offset = math.hypot(measured.x - 0.5, measured.y - 0.5)
    if measured.is_cut or offset > MAX_OFFSET_SHARE * measured.semi_major or abs(measured.angle_deg) > MAX_ANGLE_DEG:
        return None
    inclination_deg = inclination_from_axial_ratio(measured.axial_ratio)
    error_deg = fit_error_deg(measured.axial_ratio, measured.axial_ratio_error)
    if error_deg > MAX_FIT_ERROR_DEG:
        return None
    try:
        bin_deg = bin_of(inclination_deg)
    except ValueError:
        return None
    return Candidate(measured, inclination_deg, error_deg, bin_deg)


def proposal_order(
    candidates: Sequence[Candidate], fill: Mapping[int, int], kinds: Mapping[int, Sequence[str]]
) -> list[Candidate]:
    """Order candidates: always one for the bin that has fewest so far; there the type it lacks most, then the best fit.

    `fill` and `kinds` hold the number of standards of each bin, and their types.
    """
    waiting: dict[int, list[Candidate]] = defaultdict(list)
    for candidate in candidates:
        waiting[candidate.bin_deg].append(candidate)
    seen = {bin_deg: Counter(kinds.get(bin_deg, ())) for bin_deg in waiting}
    heap = [(fill.get(bin_deg, 0), bin_deg) for bin_deg in waiting]
    heapq.heapify(heap)
    ordered = []
    while heap:
        count, bin_deg = heapq.heappop(heap)
        known = seen[bin_deg]
        best = min(waiting[bin_deg], key=lambda c: (known[c.measured.kind], c.fit_error_deg, c.measured.galaxy_id))
        waiting[bin_deg].remove(best)
        known[best.measured.kind] += 1
        ordered.append(best)
        if waiting[bin_deg]:
            heapq.heappush(heap, (count + 1, bin_deg))
    return ordered
