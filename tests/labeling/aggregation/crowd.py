"""Simulated volunteers of known habits who judge galaxies of known inclination, as arrays: tests the estimators."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from labeling.aggregation.robust_model import EDGE_DEG, FACE_ON_BELOW_DEG, PIVOT_DEG, measured_scatter_deg
from labeling.aggregation.vote_table import ACCEPTED, FACE_ON, REJECTED, FloatArray, IntArray, VoteTable

_FACE_ON_SHARE = 0.1
_LOWEST_DEG = 35.0


@dataclass(frozen=True, slots=True)
class SimulatedVolunteers:
    """J people: offset at 70°, slope excess, σ relative to the crowd, and how often they answer anything at all."""

    offset_deg: FloatArray
    slope: FloatArray
    scale: FloatArray
    lapse: FloatArray


def simulated_volunteers(
    count: int,
    rng: np.random.Generator,
    *,
    offset_sd_deg: float = 0.75,
    slope_sd: float = 0.05,
    scale_log_sd: float = 0.25,
    lapse: float = 0.01,
) -> SimulatedVolunteers:
    return SimulatedVolunteers(
        rng.normal(0, offset_sd_deg, count),
        rng.normal(0, slope_sd, count),
        np.exp(rng.normal(0, scale_log_sd, count)),
        np.full(count, lapse),
    )


def simulated_inclinations_deg(count: int, rng: np.random.Generator) -> FloatArray:
    """Disks that point anywhere, above 45°, and one in ten a little below (some campaign always holds a few)."""
    cosines = np.cos(np.radians([FACE_ON_BELOW_DEG, EDGE_DEG]))
    inclined = np.degrees(np.arccos(rng.uniform(cosines[1], cosines[0], count)))
    below = rng.uniform(_LOWEST_DEG, FACE_ON_BELOW_DEG, count)
    return np.where(rng.random(count) < _FACE_ON_SHARE, below, inclined)


def simulated_galaxies_judged(
    galaxy_count: int, volunteer_count: int, votes_each: int, rng: np.random.Generator
) -> tuple[IntArray, IntArray]:
    """Return galaxy and volunteer of each vote: ``votes_each`` different people on each galaxy."""
    keys = rng.random((galaxy_count, volunteer_count)).argpartition(votes_each - 1, axis=1)[:, :votes_each]
    return np.repeat(np.arange(galaxy_count), votes_each), keys.ravel().astype(np.int64)


def simulated_votes(
    galaxy: IntArray,
    volunteer: IntArray,
    truth_deg: FloatArray,
    crowd: SimulatedVolunteers,
    rng: np.random.Generator,
    *,
    freedom: float = 6.0,
    rejected: float = 0.05,
    hardness: FloatArray | None = None,
) -> VoteTable:
    """Let these people judge these galaxies.

    Parameters
    ----------
    galaxy, volunteer : array of int, shape (n,)
    truth_deg : array, shape (G,)
        Inclinations, in degrees.
    crowd : SimulatedVolunteers
    rng : numpy.random.Generator
    freedom : float, optional
        ν of the noise; its scale is σ_j g(i) with the measured g.
    rejected : float, optional
        Chance of a rejection for any reason but face-on.
    hardness : array, shape (G,), optional
        Factor to the noise of all votes on a galaxy.

    Returns
    -------
    VoteTable
        Values in the middle between two standards (59.5), 90 beyond the last, face-on below 45.
    """
    truth = truth_deg[galaxy]
    noise = rng.standard_t(freedom, galaxy.size) * crowd.scale[volunteer] * measured_scatter_deg(truth)
    if hardness is not None:
        noise *= hardness[galaxy]
    lever = truth - PIVOT_DEG
    seen = PIVOT_DEG + crowd.offset_deg[volunteer] + (1 + crowd.slope[volunteer]) * lever + noise
    lapses = rng.random(galaxy.size) < crowd.lapse[volunteer]
    seen = np.where(lapses, rng.uniform(FACE_ON_BELOW_DEG, EDGE_DEG, galaxy.size), seen)
    verdict = np.where(seen < FACE_ON_BELOW_DEG, FACE_ON, ACCEPTED)
    verdict[rng.random(galaxy.size) < rejected] = REJECTED
    value = np.where(seen >= EDGE_DEG, EDGE_DEG, np.floor(seen) + 0.5)
    value[verdict != ACCEPTED] = np.nan
    return VoteTable(galaxy, volunteer, verdict.astype(np.int8), value, truth_deg.size, crowd.offset_deg.size)


@dataclass(frozen=True)
class Simulation:
    truth_deg: np.ndarray
    people: SimulatedVolunteers
    votes: VoteTable


def simulate(
    galaxies: int = 5000, people: int = 200, votes_each: int = 3, seed: int = 0, **habits: float
) -> Simulation:
    rng = np.random.default_rng(seed)
    truth = simulated_inclinations_deg(galaxies, rng)
    crowd = simulated_volunteers(people, rng, **habits)
    galaxy, volunteer = simulated_galaxies_judged(galaxies, people, votes_each, rng)
    return Simulation(truth, crowd, simulated_votes(galaxy, volunteer, truth, crowd, rng))


def table(*votes: tuple[int, int, float | str], galaxies: int | None = None, people: int | None = None) -> VoteTable:
    """Votes as (galaxy, volunteer, inclination or "F" or "J")."""
    codes = {"F": FACE_ON, "J": REJECTED}
    galaxy = np.array([vote[0] for vote in votes], dtype=np.int64)
    volunteer = np.array([vote[1] for vote in votes], dtype=np.int64)
    return VoteTable(
        galaxy,
        volunteer,
        np.array([codes.get(vote[2], ACCEPTED) for vote in votes], dtype=np.int8),
        np.array([np.nan if isinstance(vote[2], str) else vote[2] for vote in votes], dtype=float),
        galaxies or (int(galaxy.max()) + 1 if votes else 0),
        people or (int(volunteer.max()) + 1 if votes else 0),
    )
