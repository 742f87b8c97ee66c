"""How well people agree: two groups against each other, scatter against inclination, kappa of what they say."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from labeling.aggregation.vote_table import BoolArray, FloatArray, IntArray, VoteTable, medians

MIN_VOTES_A_GROUP = 3


@dataclass(frozen=True, slots=True)
class GroupAgreement:
    """Medians of two random groups of volunteers over the galaxies that both judged often enough, shape (n,)."""

    galaxy: IntArray
    first_deg: FloatArray
    second_deg: FloatArray

    @property
    def rms_deg(self) -> float | None:
        difference = self.first_deg - self.second_deg
        return float(np.sqrt(np.mean(difference**2))) if difference.size else None

    @property
    def sigma_deg(self) -> float | None:
        """Scatter about the mean difference."""
        return float(np.std(self.first_deg - self.second_deg)) if self.galaxy.size else None

    @property
    def bias_deg(self) -> float | None:
        return float(np.mean(self.first_deg - self.second_deg)) if self.galaxy.size else None


def two_group_agreement(
    table: VoteTable, rng: np.random.Generator, *, min_votes: int = MIN_VOTES_A_GROUP
) -> GroupAgreement:
    """Split the volunteers in two groups at random and compare the groups' medians.

    Parameters
    ----------
    table : VoteTable
        One vote for each volunteer and galaxy.
    rng : numpy.random.Generator
    min_votes : int, optional
        Accepted votes that a galaxy needs in each group.
    """
    order = rng.permutation(table.volunteer_count)
    is_first = (order < table.volunteer_count / 2)[table.volunteer]
    accepted = table.is_accepted
    groups = [table.pick(accepted & side) for side in (is_first, ~is_first)]
    counts = [np.bincount(group.galaxy, minlength=table.galaxy_count) for group in groups]
    both = np.flatnonzero((counts[0] >= min_votes) & (counts[1] >= min_votes))
    return GroupAgreement(both, medians(groups[0])[both], medians(groups[1])[both])


@dataclass(frozen=True, slots=True)
class ScatterBin:
    """Votes about the labels between two inclinations; bias and scatter in degrees."""

    low_deg: float
    high_deg: float
    votes: int
    bias_deg: float
    scatter_deg: float


def scatter_against_inclination(table: VoteTable, label_deg: FloatArray, edges_deg: FloatArray) -> list[ScatterBin]:
    """Return bias and scatter of accepted votes about their galaxies' labels (G,), by inclination; empty bins left out.

    Scatter is the standard deviation of vote minus label; a label that a vote helped to make draws it down a little.
    """
    votes = table.pick(table.is_accepted & np.isfinite(label_deg)[table.galaxy])
    label = label_deg[votes.galaxy]
    difference = votes.inclination_deg - label
    found = []
    last = len(edges_deg) - 2
    for place in range(last + 1):
        low, high = float(edges_deg[place]), float(edges_deg[place + 1])
        inside = (label >= low) & ((label <= high) if place == last else (label < high))
        if inside.any():
            here = difference[inside]
            found.append(ScatterBin(low, high, int(here.size), float(here.mean()), float(here.std())))
    return found


def kappa(galaxy: IntArray, says_so: BoolArray) -> float | None:
    """Return Fleiss' kappa of a yes-or-no question asked of several people a galaxy, their number free.

    Fleiss 1971, Psychological Bulletin 76, 378, over pairs of people (Fleiss & Cuzick 1979 for unequal numbers).

    Parameters
    ----------
    galaxy : array of int, shape (n,)
        Of each opinion.
    says_so : array of bool, shape (n,)
        Whether it gives the reason (or verdict).

    Returns
    -------
    float or None
        1 where all agree, 0 where no better than chance; None where no galaxy has two opinions, or all say the same.
    """
    count = np.bincount(galaxy)
    yes = np.bincount(galaxy, says_so)
    several = count > 1
    count, yes = count[several], yes[several]
    total = count.sum()
    if not total or yes.sum() in (0, total):
        return None
    share = yes.sum() / total
    within = np.sum(yes * (count - yes) / (count - 1))
    return float(1 - within / (total * share * (1 - share)))
