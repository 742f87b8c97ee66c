"""Test the standards: which of them are in the wrong bin, by how much, and with what error."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from labeling.aggregation.vote_table import FloatArray, IntArray

# The middle of the ruler, where the level of the trend is given.
MIDDLE_DEG = 67.5
# Prior: the inclination of a standard is rarely wrong by more than a few degrees.
OFFSET_SD_DEG = 1.5
NO_STANDARD = -1


@dataclass(frozen=True, slots=True)
class StandardOffsets:
    """For each of S standards, shape (S,): true inclination minus bin and its error in degrees, and the votes."""

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

    A target placed between two standards gets the mean of their bins. If their true inclinations exceed their bins by
    δ_l and δ_r, the vote is too low by (δ_l + δ_r) / 2. The offsets are the weighted least-squares solution for label
    minus vote, with a normal prior around 0.

    Parameters
    ----------
    residual_deg, sigma_deg : array, shape (n,)
        Label minus vote after subtracting the volunteer's own line, and its standard error, in degrees. The label
        should rest on other votes too.
    left, right : array of int, shape (n,)
        Codes of the standards on either side of the target; `NO_STANDARD` where there was none.
    standard_count : int
        S; codes are 0 to S − 1.
    prior_sd_deg : float, optional

    Returns
    -------
    StandardOffsets
        A standard without votes has offset 0 and the prior's error.
    """
    normal = np.eye(standard_count) / prior_sd_deg**2
    aim = np.zeros(standard_count)
    votes = np.zeros(standard_count, dtype=np.int64)
    weight = 1 / sigma_deg**2
    has = {"left": left != NO_STANDARD, "right": right != NO_STANDARD}
    # At an end of the grid a single standard decides.
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
    """Subtract the line that all residuals follow along the ruler, by weighted least squares.

    Given a vote, the expected label lies closer to the middle (regression to the mean), and no vote lies beyond the
    ends of the ruler. Without this step all standards in low bins would appear more inclined than they are, and all in
    high bins less.

    Parameters
    ----------
    residual_deg, sigma_deg, value_deg : array, shape (n,)
        Label minus vote, its standard error, and the vote, in degrees.

    Returns
    -------
    residual_deg : array, shape (n,)
        Residuals without the trend, in degrees.
    line : array, shape (2,)
        The line's value at the middle of the ruler in degrees, and its slope in degrees per degree.
    """
    base = np.stack([np.ones_like(value_deg), value_deg - MIDDLE_DEG], axis=1)
    line = np.linalg.lstsq(base / sigma_deg[:, None], residual_deg / sigma_deg, rcond=None)[0]
    return residual_deg - base @ line, np.asarray(line, np.float64)
