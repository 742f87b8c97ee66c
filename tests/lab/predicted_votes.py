"""What a robust fit says of votes that it has not seen."""

import numpy as np

from labeling.aggregation.robust_kernel import tail_of
from labeling.aggregation.robust_model import EDGE_DEG, FACE_ON_BELOW_DEG, Crowd, Volunteers
from labeling.aggregation.vote_table import FloatArray, IntArray

_STEPS_DEG = np.arange(FACE_ON_BELOW_DEG, EDGE_DEG + 0.1, 1.5)
_VOTES_A_BATCH = 500
# A recorded value stands for the interval between two standards one degree apart.
_HALF_GAP_DEG = 0.5


def expected_votes(
    galaxy: IntArray,
    volunteer: IntArray,
    value_deg: FloatArray,
    posteriors: FloatArray,
    crowd: Crowd,
    volunteers: Volunteers,
) -> tuple[FloatArray, FloatArray]:
    """Return the value that each volunteer is expected to give, and the rank of the value that was given.

    Both are conditional on an accepted vote, between 45° and 90°.

    Parameters
    ----------
    galaxy, volunteer : array of int, shape (n,)
    value_deg : array, shape (n,)
        The given values, in degrees.
    posteriors : array, shape (G, K, N)
        From `galaxy_posteriors`, without these votes.

    Returns
    -------
    expected_deg, rank : array, shape (n,)
        The expectation in degrees, and the predictive probability of a smaller value plus half that of an equal one:
        uniform on 0 to 1 if the model is correct.
    """
    expected, rank = np.empty(galaxy.size), np.empty(galaxy.size)
    for begin in range(0, galaxy.size, _VOTES_A_BATCH):
        part = slice(begin, begin + _VOTES_A_BATCH)
        above = _above(galaxy[part], volunteer[part], _STEPS_DEG[None, :], posteriors, crowd, volunteers)
        accepted = above[:, 0]
        expected[part] = FACE_ON_BELOW_DEG + np.trapezoid(above, _STEPS_DEG, axis=1) / accepted
        value = value_deg[part]
        gap = np.stack([np.maximum(value - _HALF_GAP_DEG, FACE_ON_BELOW_DEG), value + _HALF_GAP_DEG], axis=1)
        gap[value >= EDGE_DEG, 0] = EDGE_DEG
        beside = _above(galaxy[part], volunteer[part], gap, posteriors, crowd, volunteers)
        beside[value >= EDGE_DEG, 1] = 0
        rank[part] = 1 - beside.mean(axis=1) / accepted
    return expected, rank


def _above(
    galaxy: IntArray,
    volunteer: IntArray,
    limits_deg: FloatArray,
    posteriors: FloatArray,
    crowd: Crowd,
    volunteers: Volunteers,
) -> FloatArray:
    """Return the predictive probability above each limit; limits have shape (n or 1, L), the result (n, L)."""
    nodes = crowd.nodes_deg[None, :]
    middle = volunteers.expected_deg(volunteer[:, None], nodes)
    line = volunteers.line_variance(volunteer[:, None], nodes)
    tail = tail_of(crowd.freedom)
    result = np.zeros((galaxy.size, limits_deg.shape[1]))
    for number, spread in enumerate(crowd.spreads):
        scale = np.sqrt((volunteers.scale[volunteer][:, None] * crowd.scatter_deg[None, :] * spread) ** 2 + line)
        z = (middle[:, :, None] - limits_deg[:, None, :]) / scale[:, :, None]
        log_above, _hazard = tail.at(z.astype(np.float32))
        result += np.einsum("nx,nxl->nl", posteriors[galaxy, number], np.exp(log_above))
    return result
