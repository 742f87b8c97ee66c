"""Rank fresh galaxies by how much would be learned if people judged them.

The measure is the information in nats that a label would give about the galaxy, the network's weights and the verdict.
One galaxy in five is ranked at random, so that each level of the queue contains a random sample.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from labeling.aggregation.need import WANTED_LEVELS
from labeling.aggregation.robust_model import measured_scatter_deg
from labeling.aggregation.vote_table import FloatArray, IntArray

USEFULNESS_RULE = "usefulness-1"
EXPLORATION_SHARE = 0.2
_TINY = 1e-12


@dataclass(frozen=True, slots=True)
class NetworkEstimates:
    """A network's predictions for G galaxies.

    Attributes
    ----------
    inclination_deg, sigma_deg : array of float64, shape (G,)
        Inclination and its error, in degrees.
    rejection : array of float64, shape (G,)
        Probability of a rejection or of face-on.
    spread_deg : array of float64, shape (G,)
        Standard deviation among the models of an ensemble, in degrees; 0 for a single model.
    """

    inclination_deg: FloatArray
    sigma_deg: FloatArray
    rejection: FloatArray
    spread_deg: FloatArray


def usefulness(answers: NetworkEstimates, *, people: int) -> FloatArray:
    """Return the information in a label by this many people, in nats.

    Let s² = g(i)² / people be the variance of the label at the predicted inclination, σ the network's error, d the
    spread of its models and p the probability of a rejection. Then the information is

      (1 − p) [½ ln(1 + (σ² + d²) / s²) + ½ ln(1 + d² / (σ² + s²))] − p ln p − (1 − p) ln(1 − p)

    The first term is the information about the galaxy: large where the network is uncertain and people are precise. The
    second is about the network's weights (Houlsby et al. 2011, arXiv:1112.5745, for normal errors): large where its
    models disagree. The last two are the entropy of the verdict.

    Parameters
    ----------
    answers : NetworkEstimates
    people : int
        How many people will judge the galaxy.

    Returns
    -------
    array, shape (G,)
    """
    label = measured_scatter_deg(answers.inclination_deg) ** 2 / max(people, 1)
    own, between = answers.sigma_deg**2, answers.spread_deg**2
    of_galaxy = 0.5 * np.log1p((own + between) / label)
    of_weights = 0.5 * np.log1p(between / (own + label))
    rejected = np.clip(answers.rejection, _TINY, 1 - _TINY)
    of_verdict = -rejected * np.log(rejected) - (1 - rejected) * np.log1p(-rejected)
    return np.asarray((1 - rejected) * (of_galaxy + of_weights) + of_verdict)


def lot_of(seed: int, pgc: int) -> float:
    """Return the galaxy's random number in [0, 1), which depends on the campaign's seed and the PGC number only.

    Galaxies below `EXPLORATION_SHARE` are ranked at random.
    """
    digest = hashlib.blake2b(f"explore|{seed}|{pgc}".encode(), digest_size=8).digest()
    return (int.from_bytes(digest) >> 11) / 2**53


def levels(useful: FloatArray, lots: Sequence[float]) -> IntArray:
    """Return the level (one of `WANTED_LEVELS`) at which each galaxy is served while it has no vote.

    The most useful fifth has the first level, the next fifth the second, and so on. Galaxies ranked at random have each
    level equally often, so that a fifth of each level is a random sample.

    Parameters
    ----------
    useful : array, shape (G,)
        From `usefulness`; no NaN.
    lots : sequence of float, length G
        From `lot_of`.
    """
    lot = np.asarray(lots, dtype=float)
    by_chance = lot < EXPLORATION_SHARE
    place = np.empty(useful.size, dtype=np.int64)
    place[by_chance] = (lot[by_chance] / EXPLORATION_SHARE * len(WANTED_LEVELS)).astype(np.int64)
    ranked = np.flatnonzero(~by_chance)
    # Ties are broken by lot, so that the order of the rows has no influence.
    ranked = ranked[np.lexsort((lot[ranked], -useful[ranked]))]
    place[ranked] = np.arange(ranked.size) * len(WANTED_LEVELS) // max(ranked.size, 1)
    return np.asarray(WANTED_LEVELS, dtype=np.int64)[place]
