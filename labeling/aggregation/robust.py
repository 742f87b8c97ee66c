"""The robust estimator: fits inclinations, their errors and each volunteer's bias and scatter together.

Expectation maximisation: the E step computes the posteriors of all galaxies over the nodes (`robust_kernel`), the M
step improves volunteers, scatter, population, spreads and ν (`robust_steps`), until nothing changes. It is
deterministic; an earlier fit shortens it. Between two fits, galaxies are estimated with fixed volunteers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from labeling.aggregation.robust_kernel import full_plan, posterior, readings_of, standard_error_deg, windowed_plan
from labeling.aggregation.robust_model import PRIORS, Crowd, Priors, Volunteers, prior_crowd, prior_volunteers
from labeling.aggregation.robust_steps import better_crowd, better_volunteers, sums_over
from labeling.aggregation.vote_table import BoolArray, FloatArray, IntArray, VoteTable

MAX_ITERATIONS = 60
TOLERANCE_DEG = 0.02
# The shared parameters (scatter, ν, population) converge slowly; a sample of this many votes determines them first.
SAMPLE_VOTES = 100_000
_FULL_ITERATIONS = 2
_REPLAN_EVERY = 6


@dataclass(frozen=True, slots=True)
class RobustFit:
    """The result of a fit.

    Attributes
    ----------
    inclination_deg, sigma_deg : array of float64, shape (G,)
        In degrees; the population's mean and spread for a galaxy without usable votes. Never NaN.
    vote_count : array of int64, shape (G,)
        Each galaxy's usable votes: accepted and face-on.
    change_deg : float
        Root mean square change of the volunteers' lines in the last iteration, in degrees.
    """

    inclination_deg: FloatArray
    sigma_deg: FloatArray
    vote_count: IntArray
    crowd: Crowd
    volunteers: Volunteers
    iterations: int
    is_converged: bool
    change_deg: float


def robust_fit(
    table: VoteTable,
    *,
    start: tuple[Crowd, Volunteers] | None = None,
    excluded: BoolArray | None = None,
    known_deg: FloatArray | None = None,
    priors: Priors = PRIORS,
    max_iterations: int = MAX_ITERATIONS,
) -> RobustFit:
    """Fit galaxies and volunteers together.

    Parameters
    ----------
    table : VoteTable
        n votes, one per volunteer and galaxy (`vote_table.one_opinion_each`).
    start : (Crowd, Volunteers), optional
        An earlier fit, its volunteers in the order of this table's codes; by default the priors.
    excluded : array of bool, shape (J,), optional
        Volunteers whose votes are ignored.
    known_deg : array, shape (G,), optional
        Inclination of golden targets in degrees, NaN elsewhere: they calibrate the volunteers, whose mean offset is
        otherwise 0 by convention.
    priors : Priors, optional
    max_iterations : int, optional

    Returns
    -------
    RobustFit
        Finite for any votes.
    """
    if excluded is not None:
        table = table.pick(~excluded[table.volunteer])
    readings = readings_of(table)
    if start is None and readings.galaxy.size > 2 * SAMPLE_VOTES:
        part = table.pick(table.galaxy % (readings.galaxy.size // SAMPLE_VOTES) == 0)
        sample = robust_fit(part, known_deg=known_deg, priors=priors, max_iterations=max_iterations)
        start = sample.crowd, sample.volunteers
    crowd, volunteers = start or (prior_crowd(priors), prior_volunteers(table.volunteer_count, priors))
    iterations, change, is_converged = 0, 0.0, readings.galaxy.size == 0
    plan = full_plan(readings, crowd.nodes_deg.size)
    sums = sums_over(plan, readings, crowd, volunteers, table, known_deg)
    while not is_converged and iterations < max_iterations:
        iterations += 1
        former, scatter = volunteers, crowd.scatter_deg
        volunteers = better_volunteers(volunteers, sums, priors, freedom=crowd.freedom, has_known=known_deg is not None)
        crowd = better_crowd(crowd, sums, priors)
        change = _moved_deg(former, volunteers) + _rms(crowd.scatter_deg - scatter, sums.scatter_counts)
        is_converged = change < TOLERANCE_DEG and iterations > _FULL_ITERATIONS
        if iterations >= _FULL_ITERATIONS and (iterations - _FULL_ITERATIONS) % _REPLAN_EVERY == 0:
            plan = windowed_plan(readings, crowd.nodes_deg, sums.inclination_deg, sums.sigma_deg)
        if not is_converged:
            sums = sums_over(plan, readings, crowd, volunteers, table, known_deg)
    plan = full_plan(readings, crowd.nodes_deg.size)
    sums = sums_over(plan, readings, crowd, volunteers, table, known_deg, is_final=True)
    vote_count = np.bincount(readings.galaxy, minlength=table.galaxy_count)
    return RobustFit(
        sums.inclination_deg, sums.sigma_deg, vote_count, crowd, volunteers, iterations, is_converged, change
    )


def galaxy_posteriors(table: VoteTable, crowd: Crowd, volunteers: Volunteers) -> FloatArray:
    """Return the posterior of each galaxy over spreads and nodes, shape (G, K, N), for fixed volunteers."""
    readings = readings_of(table)
    prior = crowd.spread_shares[:, None] * crowd.population[None, :]
    found = np.broadcast_to(prior, (table.galaxy_count, *prior.shape)).copy()
    for chunk in full_plan(readings, crowd.nodes_deg.size):
        found[chunk.galaxies] = posterior(chunk, crowd, volunteers).probability
    return found


def galaxy_update(table: VoteTable, crowd: Crowd, volunteers: Volunteers) -> tuple[FloatArray, FloatArray]:
    """Return inclinations and standard errors in degrees, shape (G,) each, for fixed crowd and volunteers.

    This is the quick update after a vote, between two full fits. It is exact for given volunteers. A galaxy without
    votes has the population's mean and spread.
    """
    probability = galaxy_posteriors(table, crowd, volunteers).sum(axis=1)
    mean = probability @ crowd.nodes_deg
    nodes = np.broadcast_to(crowd.nodes_deg.astype(np.float32), probability.shape)
    return mean, standard_error_deg(probability.astype(np.float32), nodes)


def _moved_deg(former: Volunteers, now: Volunteers) -> float:
    """Return the root mean square change of the volunteers' lines at 70° and ten degrees from it, weighted by votes."""
    votes = np.maximum(now.vote_count, 1)
    moved = (now.offset_deg - former.offset_deg) ** 2 + (10 * (now.slope - former.slope)) ** 2
    return float(np.sqrt(np.average(moved, weights=votes))) if votes.size else 0.0


def _rms(values: FloatArray, weights: FloatArray) -> float:
    return float(np.sqrt(np.average(values**2, weights=weights + 1e-9)))
