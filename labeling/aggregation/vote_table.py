"""Votes as arrays, for estimators that read a whole campaign at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from giz.core.vocabulary import VERDICT_NAMES
from labeling.aggregation.judgements import merged

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

# The verdicts as arrays hold them.
ACCEPTED, FACE_ON, REJECTED = range(3)
VERDICT_CODES: dict[str, int] = dict(zip(VERDICT_NAMES, (ACCEPTED, FACE_ON, REJECTED), strict=True))


@dataclass(frozen=True, slots=True)
class VoteTable:
    """n votes on G galaxies by J volunteers.

    Attributes
    ----------
    galaxy, volunteer : array of int64, shape (n,)
        Codes from 0 to G - 1 and from 0 to J - 1.
    verdict : array of int8, shape (n,)
        ACCEPTED, FACE_ON or REJECTED.
    inclination_deg : array of float64, shape (n,)
        In degrees; NaN unless accepted.
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
        """Return the votes of a mask or of indices, shape (n,); galaxies and volunteers keep their codes."""
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
        """Whether each vote gives an inclination, shape (n,)."""
        return np.asarray((self.verdict == ACCEPTED) & np.isfinite(self.inclination_deg))


def one_opinion_each(table: VoteTable) -> VoteTable:
    """Merge each volunteer's votes on a galaxy by `labeling.aggregation.judgements.merged`.

    Parameters
    ----------
    table : VoteTable
        Oldest vote first.

    Returns
    -------
    VoteTable
        One vote per volunteer and galaxy, ordered by galaxy, then by volunteer.
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
        values = ordered.inclination_deg[votes]
        given = values[np.isfinite(values)].tolist()
        verdict[place], value = merged(ordered.verdict[votes].tolist(), given, accepted=ACCEPTED)
        inclination_deg[place] = np.nan if value is None else value
    inclination_deg[verdict != ACCEPTED] = np.nan
    return VoteTable(
        ordered.galaxy[first],
        ordered.volunteer[first],
        verdict,
        inclination_deg,
        table.galaxy_count,
        table.volunteer_count,
    )


def medians(table: VoteTable) -> FloatArray:
    """Return the median of each galaxy's accepted votes, shape (G,), in degrees; NaN where there are none."""
    accepted = table.pick(table.is_accepted)
    result = np.full(table.galaxy_count, np.nan)
    ordered = accepted.pick(np.lexsort((accepted.inclination_deg, accepted.galaxy)))
    count = np.bincount(accepted.galaxy, minlength=table.galaxy_count)
    first = np.cumsum(count) - count
    has = count > 0
    low, high = first[has] + (count[has] - 1) // 2, first[has] + count[has] // 2
    result[has] = (ordered.inclination_deg[low] + ordered.inclination_deg[high]) / 2
    return result
