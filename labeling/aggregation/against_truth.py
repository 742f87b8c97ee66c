"""Labels against the truth of synthetic galaxies: error, bias, and whether the stated errors mean what they say."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from labeling.aggregation.vote_table import FloatArray


@dataclass(frozen=True, slots=True)
class Errors:
    """Root mean square and mean of estimate minus truth in degrees, and the shares within 1 and 2 stated σ."""

    count: int
    rms_deg: float
    bias_deg: float
    within_1_sigma: float
    within_2_sigma: float


def errors_against(estimate_deg: FloatArray, sigma_deg: FloatArray, truth_deg: FloatArray) -> Errors | None:
    """Compare estimates with the truth.

    Parameters
    ----------
    estimate_deg, sigma_deg, truth_deg : array, shape (n,)
        In degrees; where one of them is NaN, that galaxy is left out.

    Returns
    -------
    Errors or None
        None where no galaxy is left.
    """
    known = np.isfinite(estimate_deg) & np.isfinite(sigma_deg) & np.isfinite(truth_deg)
    if not known.any():
        return None
    difference = estimate_deg[known] - truth_deg[known]
    distance = np.abs(difference) / np.maximum(sigma_deg[known], 1e-6)
    return Errors(
        count=int(known.sum()),
        rms_deg=float(np.sqrt(np.mean(difference**2))),
        bias_deg=float(np.mean(difference)),
        within_1_sigma=float(np.mean(distance <= 1)),
        within_2_sigma=float(np.mean(distance <= 2)),
    )
