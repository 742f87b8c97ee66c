"""The robust estimator: inclinations, their errors and each volunteer's habits, fitted together.

Expectation maximisation: posteriors of all galaxies over the nodes (`robust_kernel`), then better volunteers, scatter,
population, spreads and ν from them (`robust_steps`), until nothing moves. Deterministic; a former fit warms it up.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from labeling.aggregation.robust_kernel import Readings, readings_of
from labeling.aggregation.robust_model import PRIORS, Crowd, Priors, Volunteers, prior_crowd, prior_volunteers
from labeling.aggregation.robust_plan import full_plan, windowed_plan
from labeling.aggregation.robust_steps import Sums, better_crowd, better_volunteers, sums_over
from labeling.aggregation.vote_table import BoolArray, FloatArray, IntArray, VoteTable

MAX_ITERATIONS = 60
TOLERANCE_DEG = 0.02
# What all share (scatter, ν, population) is slow to settle, and a sample of this many votes tells it.
SAMPLE_VOTES = 100_000
_FULL_ITERATIONS = 2
_REPLAN_EVERY = 6


@dataclass(frozen=True, slots=True)
class RobustFit:
    """What the votes of a campaign say.

    ``inclination_deg``, ``sigma_deg`` and ``vote_count`` have shape (G,). A galaxy of which no vote tells anything
    has the population's mean and spread, and ``vote_count`` 0. ``change_deg`` is how far the volunteers' lines still
    moved in the last iteration (root mean square).
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
        n votes, one for each volunteer and galaxy (`vote_table.one_opinion_each`). Rejections that are not face-on
        tell nothing here.
    start : (Crowd, Volunteers), optional
        Of a former fit, the volunteers brought to this table's codes; else the priors.
    excluded : array of bool, shape (J,), optional
        Volunteers whose votes have weight 0.
    known_deg : array, shape (G,), optional
        Inclination of golden targets, NaN elsewhere: they calibrate volunteers, and free the crowd's mean offset.
    priors : Priors, optional
    max_iterations : int, optional

    Returns
    -------
    RobustFit
        Finite everywhere, whatever the votes.
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
    return _fit(sums, readings, crowd, volunteers, iterations, is_converged, change)


def _moved_deg(former: Volunteers, now: Volunteers) -> float:
    """Root mean square over votes of how far the volunteers' lines moved, at 70° and ten degrees from it."""
    votes = np.maximum(now.vote_count, 1)
    moved = (now.offset_deg - former.offset_deg) ** 2 + (10 * (now.slope - former.slope)) ** 2
    return float(np.sqrt(np.average(moved, weights=votes))) if votes.size else 0.0


def _rms(values: FloatArray, weights: FloatArray) -> float:
    return float(np.sqrt(np.average(values**2, weights=weights + 1e-9)))


def _fit(
    sums: Sums,
    readings: Readings,
    crowd: Crowd,
    volunteers: Volunteers,
    iterations: int,
    is_converged: bool,
    change_deg: float,
) -> RobustFit:
    vote_count = np.bincount(readings.galaxy, minlength=sums.inclination_deg.size)
    return RobustFit(
        sums.inclination_deg, sums.sigma_deg, vote_count, crowd, volunteers, iterations, is_converged, change_deg
    )
