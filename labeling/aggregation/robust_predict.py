"""What a volunteer will say of a galaxy, by the robust fit; and how one galaxy moves with a new vote."""

from __future__ import annotations

import numpy as np

from labeling.aggregation.robust_kernel import Readings, posterior, readings_of, standard_error_deg, tail_of
from labeling.aggregation.robust_model import EDGE_DEG, FACE_ON_BELOW_DEG, Crowd, Volunteers
from labeling.aggregation.robust_plan import full_plan
from labeling.aggregation.vote_table import FloatArray, IntArray, VoteTable

_STEPS_DEG = np.arange(FACE_ON_BELOW_DEG, EDGE_DEG + 0.1, 1.5)
_VOTES_A_BATCH = 500
# A recorded value stands for the gap between two standards one degree apart.
_HALF_GAP_DEG = 0.5


def galaxy_posteriors(table: VoteTable, crowd: Crowd, volunteers: Volunteers) -> FloatArray:
    """Return the posterior of each galaxy over spreads and nodes, shape (G, K, N), volunteers held fixed."""
    readings: Readings = readings_of(table)
    prior = crowd.spread_shares[:, None] * crowd.population[None, :]
    found = np.broadcast_to(prior, (table.galaxy_count, *prior.shape)).copy()
    for chunk in full_plan(readings, crowd.nodes_deg.size):
        found[chunk.galaxies] = posterior(chunk, crowd, volunteers).probability
    return found


def galaxy_update(table: VoteTable, crowd: Crowd, volunteers: Volunteers) -> tuple[FloatArray, FloatArray]:
    """Return inclinations and standard errors in degrees (G,), volunteers and crowd as they were last fitted.

    One step, exact given the volunteers: this is what follows a vote at once, before the next full fit.
    """
    probability = galaxy_posteriors(table, crowd, volunteers).sum(axis=1)
    mean = probability @ crowd.nodes_deg
    nodes = np.broadcast_to(crowd.nodes_deg.astype(np.float32), probability.shape)
    return mean, standard_error_deg(probability.astype(np.float32), nodes)


def expected_votes(
    galaxy: IntArray,
    volunteer: IntArray,
    value_deg: FloatArray,
    posteriors: FloatArray,
    crowd: Crowd,
    volunteers: Volunteers,
) -> tuple[FloatArray, FloatArray]:
    """Return the value that each volunteer is expected to give, and where the value given lies among the possible.

    Both hold for an accepted vote: between 45° and 90°.

    Parameters
    ----------
    galaxy, volunteer : array of int, shape (n,)
    value_deg : array, shape (n,)
        What was given, in degrees.
    posteriors : array, shape (G, K, N)
        Of `galaxy_posteriors`, without these votes.

    Returns
    -------
    expected_deg, rank : array, shape (n,)
        The expectation, and the predictive probability of a smaller value (half of an equal one added): uniform
        where the model is right.
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
    """Predictive probability that the value lies above each limit; limits of shape (n or 1, L), result (n, L)."""
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
