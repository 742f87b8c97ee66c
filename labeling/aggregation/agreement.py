"""How well people agree with each other, and how well labels agree with the truth of synthetic galaxies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from labeling.aggregation.vote_table import BoolArray, FloatArray, IntArray, VoteTable, medians

MIN_VOTES_A_GROUP = 3


@dataclass(frozen=True, slots=True)
class GroupAgreement:
    """Medians of two random groups of volunteers.

    Attributes
    ----------
    galaxy : array of int64, shape (n,)
        Codes of the galaxies that both groups judged often enough.
    first_deg, second_deg : array of float64, shape (n,)
        The groups' medians, in degrees.
    """

    galaxy: IntArray
    first_deg: FloatArray
    second_deg: FloatArray

    @property
    def rms_deg(self) -> float | None:
        difference = self.first_deg - self.second_deg
        return float(np.sqrt(np.mean(difference**2))) if difference.size else None

    @property
    def sigma_deg(self) -> float | None:
        """Standard deviation of the differences."""
        return float(np.std(self.first_deg - self.second_deg)) if self.galaxy.size else None

    @property
    def bias_deg(self) -> float | None:
        return float(np.mean(self.first_deg - self.second_deg)) if self.galaxy.size else None


def two_group_agreement(
    table: VoteTable, rng: np.random.Generator, *, min_votes: int = MIN_VOTES_A_GROUP
) -> GroupAgreement:
    """Split the volunteers into two random groups and compare the groups' medians.

    Parameters
    ----------
    table : VoteTable
        One vote per volunteer and galaxy.
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
    """Bias and scatter of the votes on galaxies between two inclinations, all in degrees."""

    low_deg: float
    high_deg: float
    votes: int
    bias_deg: float
    scatter_deg: float


def scatter_against_inclination(table: VoteTable, label_deg: FloatArray, edges_deg: FloatArray) -> list[ScatterBin]:
    """Return bias and scatter of accepted votes about their galaxies' labels, by inclination.

    Bias is the mean, scatter the standard deviation of vote minus label. A label that rests on the vote itself makes
    the scatter slightly too small.

    Parameters
    ----------
    table : VoteTable
    label_deg : array, shape (G,)
        In degrees; NaN where a galaxy has no label.
    edges_deg : array, shape (b + 1,)
        Edges of the bins of the label, in degrees; the last bin includes its upper edge.

    Returns
    -------
    list of ScatterBin
        Without the empty bins.
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
    """Return Fleiss' kappa of a yes-or-no question that any number of people answered for each galaxy.

    Fleiss 1971, Psychological Bulletin 76, 378, over pairs of people (Fleiss & Cuzick 1979 for unequal numbers).

    Parameters
    ----------
    galaxy : array of int, shape (n,)
        Code of the galaxy of each opinion.
    says_so : array of bool, shape (n,)
        Whether the opinion gives the reason (or verdict) in question.

    Returns
    -------
    float or None
        1 for perfect agreement, 0 for agreement by chance; None if no galaxy has two opinions or all are equal.
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


@dataclass(frozen=True, slots=True)
class LabelErrors:
    """Root mean square and mean of estimate minus truth, in degrees; shares of galaxies within 1 and 2 stated σ."""

    count: int
    rms_deg: float
    bias_deg: float
    within_1_sigma: float
    within_2_sigma: float


def errors_against(estimate_deg: FloatArray, sigma_deg: FloatArray, truth_deg: FloatArray) -> LabelErrors | None:
    """Compare estimates with the truth.

    Parameters
    ----------
    estimate_deg, sigma_deg, truth_deg : array, shape (n,)
        In degrees; galaxies where any of the three is NaN are left out.

    Returns
    -------
    LabelErrors or None
        None if no galaxy is left.
    """
    known = np.isfinite(estimate_deg) & np.isfinite(sigma_deg) & np.isfinite(truth_deg)
    if not known.any():
        return None
    difference = estimate_deg[known] - truth_deg[known]
    distance = np.abs(difference) / np.maximum(sigma_deg[known], 1e-6)
    return LabelErrors(
        count=int(known.sum()),
        rms_deg=float(np.sqrt(np.mean(difference**2))),
        bias_deg=float(np.mean(difference)),
        within_1_sigma=float(np.mean(distance <= 1)),
        within_2_sigma=float(np.mean(distance <= 2)),
    )
