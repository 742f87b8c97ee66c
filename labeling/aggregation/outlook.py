"""How many votes a galaxy still needs: a figure for planning, that no rule of retirement reads. Pure.

The network says only where on the ruler a galaxy probably lies, and so how sharply people will see it; how sure a label
is follows from votes alone.
"""

from __future__ import annotations

import math

import numpy as np

from labeling.aggregation.doubt import Said
from labeling.aggregation.retirement import (
    ADAPTIVE_CAP,
    ADAPTIVE_MIN,
    ADAPTIVE_SIGMA_DEG,
    MIN_VOLUNTEERS,
    Progress,
)
from labeling.aggregation.robust_model import EDGE_DEG, FACE_ON_BELOW_DEG, Crowd, random_orientations

# Five nodes of a normal distribution (Gauss and Hermite): exact for polynomials up to the ninth degree.
_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(5)


def votes_to_go(
    rule: str,
    progress: Progress,
    *,
    inclination_deg: float | None,
    said: Said | None,
    crowd: Crowd,
) -> float:
    """Return the number of votes that an open galaxy is expected to need until the rule is content.

    Parameters
    ----------
    rule : str
        The campaign's retirement rule, ``fixed`` or ``adaptive``.
    progress : Progress
    inclination_deg : float or None
        What people say so far.
    said : Said or None
        What the network says; without it the galaxy is a disk that points anywhere.
    crowd : Crowd
        Its scatter g(i) says how sharply people see.
    """
    count = progress.volunteer_count
    if rule != "adaptive":
        enough = max(MIN_VOLUNTEERS, progress.overlap, progress.asked)
        return float(max(enough - count, 1 if progress.is_split else 0))
    if count == 0:
        return max(_fresh(said, crowd), float(progress.asked))
    if progress.sigma_deg is None or inclination_deg is None:
        more = ADAPTIVE_MIN - count
    else:
        # Precisions add: 1/σ² so far, and 1/g² with each vote.
        scatter = float(np.interp(inclination_deg, crowd.nodes_deg, crowd.scatter_deg))
        missing = 1 / ADAPTIVE_SIGMA_DEG**2 - 1 / progress.sigma_deg**2
        more = max(math.ceil(scatter**2 * missing - 1e-9), MIN_VOLUNTEERS - count)
    more = min(max(more, 1), max(ADAPTIVE_CAP - count, 1))
    return float(max(more, progress.asked - count))


def _fresh(said: Said | None, crowd: Crowd) -> float:
    """Expected votes of a galaxy that nobody has judged, over all inclinations that it may have."""
    if said is None:
        inclinations = crowd.nodes_deg[crowd.nodes_deg >= FACE_ON_BELOW_DEG]
        weights, rejection = random_orientations(inclinations), 0.0
    else:
        inclinations = np.clip(said.inclination_deg + said.error_deg * _NODES, FACE_ON_BELOW_DEG, EDGE_DEG)
        weights, rejection = _WEIGHTS / _WEIGHTS.sum(), said.rejection
    scatter = np.interp(inclinations, crowd.nodes_deg, crowd.scatter_deg)
    votes = np.clip(np.ceil((scatter / ADAPTIVE_SIGMA_DEG) ** 2 - 1e-9), MIN_VOLUNTEERS, ADAPTIVE_CAP)
    return float((1 - rejection) * (weights @ votes) + rejection * ADAPTIVE_MIN)
