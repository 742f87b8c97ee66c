"""5,000 synthetic galaxies and 200 simulated people: how good labels are, and what the adaptive rule saves."""

import pytest

from labeling.aggregation.retirement import adaptive, fixed
from tests.labeling.simulation.rounds import Score, Sky, play, sky


@pytest.fixture(scope="module")
def seen() -> Sky:
    return sky(galaxies=5000, people=200, seed=2)


@pytest.fixture(scope="module")
def three(seen: Sky) -> Score:
    return play(seen, fixed, overlap=3, start=3)


def test_the_robust_labels_of_three_votes_are_nearer_to_the_truth_than_medians(three: Score) -> None:
    assert three.robust.rms_deg < 0.93 * three.median.rms_deg


def test_their_stated_errors_hold(three: Score) -> None:
    assert 0.65 <= three.robust.within_1_sigma <= 0.71
    assert 0.93 <= three.robust.within_2_sigma <= 0.97


def test_the_adaptive_rule_reaches_the_error_of_four_votes_with_a_fifth_fewer(seen: Sky) -> None:
    four = play(seen, fixed, overlap=4, start=4)
    adapted = play(seen, adaptive, overlap=3, start=2)
    assert adapted.votes_a_galaxy <= 0.8 * four.votes_a_galaxy
    assert adapted.robust.rms_deg <= four.robust.rms_deg
    assert adapted.median.rms_deg <= four.median.rms_deg
