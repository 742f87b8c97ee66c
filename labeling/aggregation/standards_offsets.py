"""The standards under test: which of them stand in the wrong place, by how much, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from labeling.aggregation.vote_table import FloatArray, IntArray

# The middle of the ruler, where the level of the trend is told.
MIDDLE_DEG = 67.5
# A standard's own inclination is hardly ever wrong by more than a few degrees.
OFFSET_SD_DEG = 1.5
NO_STANDARD = -1


@dataclass(frozen=True, slots=True)
class StandardOffsets:
    """Of each of S standards: by how many degrees it is more inclined than its bin says, the error, and its votes."""

    offset_deg: FloatArray
    error_deg: FloatArray
    vote_count: IntArray


def standards_offsets(
    residual_deg: FloatArray,
    sigma_deg: FloatArray,
    left: IntArray,
    right: IntArray,
    standard_count: int,
    *,
    prior_sd_deg: float = OFFSET_SD_DEG,
) -> StandardOffsets:
    """Fit an offset to each standard.

    A target placed between two standards gets the mean of their bins; were they really δ_l and δ_r further, the galaxy
    lies (δ_l + δ_r) / 2 further than the vote says. Weighted least squares of label minus vote, drawn to 0.

    Parameters
    ----------
    residual_deg, sigma_deg : array, shape (n,)
        Label minus vote, the volunteer's own line taken out, and the standard error of it, in degrees. The label
        should rest on other votes too.
    left, right : array of int, shape (n,)
        Codes of the standards beside the target, `NO_STANDARD` where there was none.
    standard_count : int
        S; codes run from 0.
    prior_sd_deg : float, optional

    Returns
    -------
    StandardOffsets
        A standard without votes has offset 0 with the prior's error.
    """
    normal = np.eye(standard_count) / prior_sd_deg**2
    aim = np.zeros(standard_count)
    votes = np.zeros(standard_count, dtype=np.int64)
    weight = 1 / sigma_deg**2
    has = {"left": left != NO_STANDARD, "right": right != NO_STANDARD}
    # At an end of the grid one standard alone decides.
    both = has["left"] & has["right"]
    share = np.where(both, 0.5, 1.0)
    for side, known in ((left, has["left"]), (right, has["right"])):
        standards = side[known]
        np.add.at(normal, (standards, standards), weight[known] * share[known] ** 2)
        np.add.at(aim, standards, weight[known] * share[known] * residual_deg[known])
        votes += np.bincount(standards, minlength=standard_count)
    np.add.at(normal, (left[both], right[both]), weight[both] / 4)
    np.add.at(normal, (right[both], left[both]), weight[both] / 4)
    covariance = np.linalg.inv(normal)
    return StandardOffsets(covariance @ aim, np.sqrt(np.diag(covariance)), votes)


def without_trend(
    residual_deg: FloatArray, sigma_deg: FloatArray, value_deg: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Take out the line that all residuals follow along the ruler, by weighted least squares.

    Who knows a vote expects the label nearer to the middle (regression to the mean), and no vote lies beyond the ends
    of the ruler: without this the standards of low bins would look more, those of high bins less inclined than they
    are, all of them.

    Parameters
    ----------
    residual_deg, sigma_deg, value_deg : array, shape (n,)
        Label minus vote, its standard error, and the vote, in degrees.

    Returns
    -------
    residual_deg : array, shape (n,)
        What is left.
    line : array, shape (2,)
        The line's value at the middle of the ruler in degrees, and its slope in degrees a degree.
    """
    base = np.stack([np.ones_like(value_deg), value_deg - MIDDLE_DEG], axis=1)
    line = np.linalg.lstsq(base / sigma_deg[:, None], residual_deg / sigma_deg, rcond=None)[0]
    return residual_deg - base @ line, np.asarray(line, np.float64)
