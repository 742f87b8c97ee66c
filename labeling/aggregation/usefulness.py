"""How much would be learned from people's judging a galaxy that a network has looked at, and its place in the queue.

What is compared is information in nats: of people's label on the galaxy, on the network's weights, and on its verdict.
One galaxy in five is placed by chance, whatever the network says: so each level of the queue holds a random sample.
Pure.
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
class Answers:
    """What a network says of G galaxies, each an array of shape (G,).

    ``inclination_deg`` and its error ``sigma_deg`` in degrees; ``rejection``, the probability of a rejection or of
    face-on; ``spread_deg``, how far the models of an ensemble lie apart (their standard deviation), 0 of one model.
    """

    inclination_deg: FloatArray
    sigma_deg: FloatArray
    rejection: FloatArray
    spread_deg: FloatArray


def usefulness(answers: Answers, *, people: int) -> FloatArray:
    """Return how much a label by so many people would tell, in nats.

    With s² = g(i)² / people, the variance of the label where the network sees the galaxy, σ the network's error, d the
    spread of its models and p the probability of a rejection:

      (1 − p) [½ ln(1 + (σ² + d²) / s²) + ½ ln(1 + d² / (σ² + s²))] − p ln p − (1 − p) ln(1 − p)

    The first term is what is learned of the galaxy (large where the network is uncertain and people are sharp), the
    second what is learned of the network's weights (Houlsby et al. 2011, arXiv:1112.5745, for normal errors: large
    where its models disagree), the rest what the verdict tells.

    Parameters
    ----------
    answers : Answers
    people : int
        How many will judge the galaxy.

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
    """Return the galaxy's lot in [0, 1): a function of the campaign's seed and the PGC number alone.

    Lots below `EXPLORATION_SHARE` are placed by chance.
    """
    digest = hashlib.blake2b(f"explore|{seed}|{pgc}".encode(), digest_size=8).digest()
    return (int.from_bytes(digest) >> 11) / 2**53


def levels(useful: FloatArray, lots: Sequence[float]) -> IntArray:
    """Return the level (`WANTED_LEVELS`) at which each galaxy is served while nobody has judged it.

    Galaxies are ranked by usefulness, the most useful fifth has the first level and so on; those that chance places
    have each level equally often, so that a fifth of each level is a random sample.

    Parameters
    ----------
    useful : array, shape (G,)
        Of `usefulness`.
    lots : sequence of float, length G
        Of `lot_of`.
    """
    lot = np.asarray(lots, dtype=float)
    by_chance = lot < EXPLORATION_SHARE
    place = np.empty(useful.size, dtype=np.int64)
    place[by_chance] = (lot[by_chance] / EXPLORATION_SHARE * len(WANTED_LEVELS)).astype(np.int64)
    ranked = np.flatnonzero(~by_chance)
    # Equal ones stand in the order of their lots: nothing of how the rows came decides.
    ranked = ranked[np.lexsort((lot[ranked], -useful[ranked]))]
    place[ranked] = np.arange(ranked.size) * len(WANTED_LEVELS) // max(ranked.size, 1)
    return np.asarray(WANTED_LEVELS, dtype=np.int64)[place]
