"""The original's iterated linear adjustment, kept to compare with; not a rule that a campaign can choose.

Each volunteer's values are fitted by a straight line to the galaxies' means, adjusted by it, the means are taken anew,
and so on. As the fit is free and values scatter, each pass flattens every line a little more (regression to the mean):
the mean slope shrinks for ever. See docs/reference/aggregation.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from labeling.aggregation.vote_table import FloatArray, IntArray, VoteTable

PASSES = 30
MIN_SHARED = 10


@dataclass(frozen=True, slots=True)
class LinearFit:
    """Galaxies' means of the adjusted values in degrees (G,), NaN without a value; volunteers' lines (J,)."""

    inclination_deg: FloatArray
    intercept_deg: FloatArray
    slope: FloatArray

    def expected_deg(self, volunteer: IntArray, galaxy: IntArray) -> FloatArray:
        """The value that the volunteer would give, between 45° and 90°: the adjustment undone."""
        undone = (self.inclination_deg[galaxy] - self.intercept_deg[volunteer]) / self.slope[volunteer]
        return np.clip(undone, 45.0, 90.0)


def linear_fit(table: VoteTable, *, passes: int = PASSES) -> LinearFit:
    """Adjust volunteers by free straight lines, ``passes`` times.

    Parameters
    ----------
    table : VoteTable
        n votes, one for each volunteer and galaxy; only accepted ones are used.
    passes : int, optional

    Returns
    -------
    LinearFit
        A volunteer with fewer than ten galaxies in common with others stays as they are.
    """
    votes = table.pick(table.is_accepted)
    galaxy, volunteer, value = votes.galaxy, votes.volunteer, votes.inclination_deg
    others = np.bincount(galaxy, minlength=table.galaxy_count)[galaxy] > 1
    intercept, slope = np.zeros(table.volunteer_count), np.ones(table.volunteer_count)
    for _pass in range(passes):
        adjusted = intercept[volunteer] + slope[volunteer] * value
        mean = _means(galaxy, adjusted, table.galaxy_count)
        step_intercept, step_slope = _lines(
            volunteer[others], adjusted[others], mean[galaxy[others]], table.volunteer_count
        )
        intercept, slope = step_intercept + step_slope * intercept, step_slope * slope
    adjusted = intercept[volunteer] + slope[volunteer] * value
    return LinearFit(_means(galaxy, adjusted, table.galaxy_count), intercept, slope)


def _means(group: IntArray, value: FloatArray, count: int) -> FloatArray:
    votes = np.bincount(group, minlength=count)
    total = np.bincount(group, value, count)
    return np.asarray(np.divide(total, votes, out=np.full(count, np.nan), where=votes > 0))


def _lines(group: IntArray, x: FloatArray, y: FloatArray, count: int) -> tuple[FloatArray, FloatArray]:
    """Least squares of y on x in each group: intercept and slope; 0 and 1 where there are too few points."""
    votes = np.bincount(group, minlength=count)
    safe = np.maximum(votes, 1)
    mean_x, mean_y = np.bincount(group, x, count) / safe, np.bincount(group, y, count) / safe
    around_x = x - mean_x[group]
    square = np.bincount(group, around_x**2, count)
    product = np.bincount(group, around_x * (y - mean_y[group]), count)
    fitted = (votes >= MIN_SHARED) & (square > 0) & (product > 0)
    slope = np.divide(product, square, out=np.ones(count), where=fitted)
    return np.where(fitted, mean_y - slope * mean_x, 0.0), slope
