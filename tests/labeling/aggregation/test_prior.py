"""Bayes' rule for a network's probability of a rejection, in a population of known rates."""

import numpy as np
import pytest

from labeling.aggregation.prior import (
    HIGHEST_PRIOR,
    LOWEST_PRIOR,
    TRAINING_PRIOR,
    prior_factor,
    rejection_rate,
    with_prior,
)


@pytest.mark.parametrize("share", [0.05, 0.2, 0.5, 0.8])
def test_probabilities_are_right_in_a_population_with_that_share_of_rejections(share: float) -> None:
    """Two normal distributions of evidence, and the network that is calibrated where both are as frequent."""
    rng = np.random.default_rng(3)
    is_rejected = rng.random(200_000) < share
    evidence = rng.normal(np.where(is_rejected, 1.0, -1.0), 1.0)
    of_network = 1.0 / (1.0 + np.exp(-2.0 * evidence))
    adapted = np.array([with_prior(one, share) for one in of_network.tolist()])
    assert adapted.mean() == pytest.approx(share, abs=0.005)
    for low in np.arange(0.0, 1.0, 0.1):
        inside = (adapted >= low) & (adapted < low + 0.1)
        if inside.sum() > 2000:
            assert is_rejected[inside].mean() == pytest.approx(adapted[inside].mean(), abs=0.03)


def test_without_a_prior_and_with_that_of_training_nothing_changes() -> None:
    for probability in (0.0, 0.0123, 0.5, 0.9877, 1.0):
        assert with_prior(probability, None) == probability
        assert with_prior(probability, TRAINING_PRIOR) == pytest.approx(probability)


def test_certainty_stays_certainty() -> None:
    for prior in (0.005, 0.1, 0.37, 0.9):
        assert (with_prior(0.0, prior), with_prior(1.0, prior)) == (0.0, 1.0)


def test_from_one_prior_to_another_is_as_from_training_to_the_other() -> None:
    half_way, factor = with_prior(0.7, 0.2), prior_factor(0.05, 0.2)
    assert half_way * factor / (half_way * factor + 1 - half_way) == pytest.approx(with_prior(0.7, 0.05))


@pytest.mark.parametrize(("rejected", "finished"), [(0, 0), (0, 10_000), (10_000, 10_000)])
def test_a_rate_of_few_or_equal_galaxies_is_never_0_or_1(rejected: int, finished: int) -> None:
    assert LOWEST_PRIOR <= rejection_rate(rejected, finished) <= HIGHEST_PRIOR


def test_the_rate_of_many_galaxies_is_their_share() -> None:
    assert rejection_rate(2_000, 10_000) == pytest.approx(0.2, abs=1e-4)
