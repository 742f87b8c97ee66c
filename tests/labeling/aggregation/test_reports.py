"""Agreement, kappa, standards under test, one opinion each: figures worked out by hand."""

import numpy as np
import pytest

from labeling.aggregation.agreement import kappa, scatter_against_inclination, two_group_agreement
from labeling.aggregation.standards_offsets import standards_offsets, without_trend
from labeling.aggregation.vote_table import medians, one_opinion_each
from tests.labeling.aggregation.crowd import simulate, table


def test_two_groups_of_one_crowd_differ_by_their_scatter_only() -> None:
    votes = simulate(galaxies=400, people=20, votes_each=8).votes
    found = two_group_agreement(votes, np.random.default_rng(1))
    assert found.galaxy.size > 100
    assert found.rms_deg == pytest.approx(float(np.sqrt(np.mean((found.first_deg - found.second_deg) ** 2))))
    assert abs(found.bias_deg) < 1 < found.sigma_deg


def test_groups_without_a_common_galaxy_have_no_agreement() -> None:
    found = two_group_agreement(table((0, 0, 60.5)), np.random.default_rng(1))
    assert (found.rms_deg, found.sigma_deg, found.bias_deg) == (None, None, None)


def test_scatter_is_told_by_inclination() -> None:
    votes = table((0, 0, 60.5), (0, 1, 64.5), (1, 0, 80.5), (1, 1, 80.5))
    low, high = scatter_against_inclination(votes, np.array([61.5, 80.5]), np.array([45.0, 70.0, 90.0]))
    assert (low.votes, low.bias_deg, low.scatter_deg) == (2, 1.0, 2.0)
    assert (high.votes, high.scatter_deg) == (2, 0.0)


def test_kappa_is_one_where_all_agree_and_none_without_pairs() -> None:
    galaxy = np.array([0, 0, 1, 1])
    assert kappa(galaxy, np.array([True, True, False, False])) == 1
    assert kappa(galaxy, np.array([True, False, True, False])) == pytest.approx(-1)
    assert kappa(np.array([0, 1]), np.array([True, False])) is None
    assert kappa(galaxy, np.zeros(4, dtype=bool)) is None


def test_kappa_of_chance_is_nothing() -> None:
    rng = np.random.default_rng(2)
    assert abs(kappa(np.repeat(np.arange(4000), 3), rng.random(12_000) < 0.3)) < 0.03


def test_a_standard_out_of_place_is_found_with_an_honest_error() -> None:
    rng = np.random.default_rng(4)
    true = rng.normal(0, 1.5, 40)
    true[7] = 3.0
    left = rng.integers(0, 39, 6000)
    right = left + 1
    residual = (true[left] + true[right]) / 2 + rng.normal(0, 3, 6000)
    found = standards_offsets(residual, np.full(6000, 3.0), left, right, 41)
    sigmas = np.abs(found.offset_deg[:40] - true) / found.error_deg[:40]
    assert np.mean(sigmas < 2) > 0.85
    assert found.offset_deg[40] == 0
    assert (found.vote_count[40], found.error_deg[40]) == (0, 1.5)


def test_right_standards_stay_right_though_votes_lie_farther_from_the_middle_than_labels() -> None:
    rng = np.random.default_rng(8)
    standard = rng.integers(0, 46, 8000)
    truth = 45.0 + standard
    vote = truth + rng.normal(0, 4.0, 8000)
    inside = (vote > 45) & (vote < 90)
    # The label of few votes, drawn towards the middle where this one is far out.
    label = 67.5 + (0.7 * vote + 0.3 * truth - 67.5) * 0.93
    value, residual = np.round(vote[inside]), (label - vote)[inside]
    sigma, none = np.full(value.size, 2.0), np.full(value.size, -1)
    beside = np.clip(value - 45, 0, 45).astype(int)
    plain = standards_offsets(residual, sigma, beside, none, 46)
    level, (_, slope) = without_trend(residual, sigma, value)
    found = standards_offsets(level, sigma, beside, none, 46)
    assert np.abs(plain.offset_deg / plain.error_deg).max() > 5
    assert np.abs(found.offset_deg / found.error_deg).max() < 3
    assert slope < -0.05
    shifted = level + np.where(beside == 20, 2.0, 0.0)
    assert standards_offsets(shifted, sigma, beside, none, 46).offset_deg[20] == pytest.approx(2.0, abs=0.5)


def test_who_votes_twice_counts_once() -> None:
    merged = one_opinion_each(table((1, 0, 60.5), (0, 0, 70.5), (0, 0, "J"), (0, 0, 72.5), (1, 1, "F"), (1, 1, 50.5)))
    assert merged.galaxy.tolist() == [0, 1, 1]
    assert merged.verdict.tolist() == [0, 0, 0]
    assert merged.inclination_deg.tolist() == [71.5, 60.5, 50.5]
    assert medians(merged).tolist() == [71.5, 55.5]
