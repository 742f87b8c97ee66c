"""Votes as arrays: what the estimators that look at a whole campaign read."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

ACCEPTED, FACE_ON, REJECTED = 0, 1, 2
VERDICT_CODES = {"A": ACCEPTED, "F": FACE_ON, "J": REJECTED}


@dataclass(frozen=True, slots=True)
class VoteTable:
    """n votes on G galaxies by J volunteers.

    ``galaxy`` and ``volunteer`` are codes from 0, shape (n,); ``verdict`` holds ACCEPTED, FACE_ON or REJECTED;
    ``inclination_deg`` is NaN unless accepted.
    """

    galaxy: IntArray
    volunteer: IntArray
    verdict: NDArray[np.int8]
    inclination_deg: FloatArray
    galaxy_count: int
    volunteer_count: int

    def __len__(self) -> int:
        return int(self.galaxy.size)

    def pick(self, which: NDArray[np.bool_] | IntArray) -> VoteTable:
        """Return some of the votes; galaxies and volunteers keep their codes."""
        return VoteTable(
            self.galaxy[which],
            self.volunteer[which],
            self.verdict[which],
            self.inclination_deg[which],
            self.galaxy_count,
            self.volunteer_count,
        )

    @property
    def is_accepted(self) -> BoolArray:
        """Which votes give an inclination, shape (n,)."""
        return np.asarray((self.verdict == ACCEPTED) & np.isfinite(self.inclination_deg))


def one_opinion_each(table: VoteTable) -> VoteTable:
    """Return the table with one vote for each volunteer and galaxy, ordered by galaxy, then by volunteer.

    Who judged a galaxy several times counts once, as in `labeling.aggregation.judgements.opinions`: with the verdict
    given most often (the latest on a tie) and the median of the accepted inclinations. Votes must be oldest first.
    """
    order = np.lexsort((table.volunteer, table.galaxy))
    ordered = table.pick(order)
    is_first = np.ones(len(table), dtype=bool)
    is_first[1:] = (np.diff(ordered.galaxy) != 0) | (np.diff(ordered.volunteer) != 0)
    first = np.flatnonzero(is_first)
    verdict, inclination_deg = ordered.verdict[first].copy(), ordered.inclination_deg[first].copy()
    ends = np.append(first[1:], len(table))
    for place in np.flatnonzero(ends - first > 1):
        votes = slice(first[place], ends[place])
        verdict[place], inclination_deg[place] = _merged(ordered.verdict[votes], ordered.inclination_deg[votes])
    inclination_deg[verdict != ACCEPTED] = np.nan
    return VoteTable(
        ordered.galaxy[first],
        ordered.volunteer[first],
        verdict,
        inclination_deg,
        table.galaxy_count,
        table.volunteer_count,
    )


def _merged(verdicts: NDArray[np.int8], inclinations_deg: FloatArray) -> tuple[int, float]:
    counts = Counter(verdicts.tolist())
    most = max(counts.values())
    verdict = next(code for code in reversed(verdicts.tolist()) if counts[code] == most)
    values = inclinations_deg[np.isfinite(inclinations_deg)]
    return verdict, float(np.median(values)) if verdict == ACCEPTED and values.size else float("nan")


def medians(table: VoteTable) -> FloatArray:
    """Return each galaxy's median over its accepted votes in degrees, shape (G,); NaN where it has none."""
    accepted = table.pick(table.is_accepted)
    result = np.full(table.galaxy_count, np.nan)
    ordered = accepted.pick(np.lexsort((accepted.inclination_deg, accepted.galaxy)))
    count = np.bincount(accepted.galaxy, minlength=table.galaxy_count)
    first = np.cumsum(count) - count
    has = count > 0
    low, high = first[has] + (count[has] - 1) // 2, first[has] + count[has] // 2
    result[has] = (ordered.inclination_deg[low] + ordered.inclination_deg[high]) / 2
    return result
