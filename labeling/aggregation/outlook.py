"""Estimate how many votes a galaxy still needs: for planning only, no retirement rule reads it.

A network's prediction is used only for where on the ruler a galaxy probably lies, which decides how precise people's
votes will be. How certain a label is follows from votes alone.
"""

from __future__ import annotations

import math

import numpy as np

from labeling.aggregation.doubt import NetworkEstimate
from labeling.aggregation.retirement import (
    ADAPTIVE_CAP,
    ADAPTIVE_MIN,
    ADAPTIVE_SIGMA_DEG,
    MIN_VOLUNTEERS,
    Progress,
)
from labeling.aggregation.robust_model import EDGE_DEG, FACE_ON_BELOW_DEG, Crowd, random_orientations

# Gauss–Hermite quadrature over a normal distribution: five nodes are exact for polynomials up to degree nine.
_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(5)


def votes_to_go(
    rule: str,
    progress: Progress,
    *,
    inclination_deg: float | None,
    prediction: NetworkEstimate | None,
    crowd: Crowd,
) -> float:
    """Return the expected number of votes that an open galaxy still needs until its rule retires it.

    Parameters
    ----------
    rule : str
        The campaign's retirement rule, ``fixed`` or ``adaptive``.
    progress : Progress
    inclination_deg : float or None
        People's estimate so far, in degrees.
    prediction : NetworkEstimate or None
        The network's prediction; without it the galaxy is taken as a randomly oriented disk.
    crowd : Crowd
        Its scatter g(i) is the error of a single vote.
    """
    count = progress.volunteer_count
    if rule != "adaptive":
        enough = max(MIN_VOLUNTEERS, progress.overlap, progress.asked)
        return float(max(enough - count, 1 if progress.is_split else 0))
    if count == 0:
        return max(_fresh(prediction, crowd), float(progress.asked))
    if progress.sigma_deg is None or inclination_deg is None:
        more = ADAPTIVE_MIN - count
    else:
        # Precisions add up: 1/σ² so far, and 1/g² for each further vote.
        scatter = float(np.interp(inclination_deg, crowd.nodes_deg, crowd.scatter_deg))
        missing = 1 / ADAPTIVE_SIGMA_DEG**2 - 1 / progress.sigma_deg**2
        more = max(math.ceil(scatter**2 * missing - 1e-9), MIN_VOLUNTEERS - count)
    more = min(max(more, 1), max(ADAPTIVE_CAP - count, 1))
    return float(max(more, progress.asked - count))


def _fresh(prediction: NetworkEstimate | None, crowd: Crowd) -> float:
    """Return the expected votes for a galaxy without any, averaged over the inclinations that it may have."""
    if prediction is None:
        inclinations = crowd.nodes_deg[crowd.nodes_deg >= FACE_ON_BELOW_DEG]
        weights, rejection = random_orientations(inclinations), 0.0
    else:
        inclinations = np.clip(prediction.inclination_deg + prediction.error_deg * _NODES, FACE_ON_BELOW_DEG, EDGE_DEG)
        weights, rejection = _WEIGHTS / _WEIGHTS.sum(), prediction.rejection
    scatter = np.interp(inclinations, crowd.nodes_deg, crowd.scatter_deg)
    votes = np.clip(np.ceil((scatter / ADAPTIVE_SIGMA_DEG) ** 2 - 1e-9), MIN_VOLUNTEERS, ADAPTIVE_CAP)
    return float((1 - rejection) * (weights @ votes) + rejection * ADAPTIVE_MIN)
