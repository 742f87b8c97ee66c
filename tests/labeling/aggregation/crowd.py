"""A simulated crowd for the tests of the estimators."""

from dataclasses import dataclass

import numpy as np

from labeling.aggregation.simulate_votes import (
    SimulatedVolunteers,
    simulated_galaxies_judged,
    simulated_inclinations_deg,
    simulated_volunteers,
    simulated_votes,
)
from labeling.aggregation.vote_table import ACCEPTED, FACE_ON, REJECTED, VoteTable


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
