"""Random rounding: unbiased over seeds, the same for one seed."""

import numpy as np
import pytest
from scipy import stats

from labeling.aggregation.published import rounding_seed
from labeling.comparison import round_at_random

DRAWS = 100_000


@pytest.mark.parametrize("value", [59.5, 72.25, 88.9])
def test_the_probability_of_rounding_up_is_the_fraction(value: float) -> None:
    """χ² over 10⁵ seeded draws, seeds one after the other: the worst case for a hash that only looked random."""
    ups = sum(round_at_random(value, seed) - int(value) for seed in range(DRAWS))
    expected = (value - int(value)) * DRAWS
    assert stats.chisquare([ups, DRAWS - ups], [expected, DRAWS - expected]).pvalue > 1e-3


def test_the_seeds_of_a_campaigns_galaxies_are_as_good_as_chance() -> None:
    ups = np.array([round_at_random(0.5, rounding_seed(12345, pgc)) for pgc in range(1, DRAWS + 1)])
    assert stats.chisquare([ups.sum(), DRAWS - ups.sum()]).pvalue > 1e-3
    # Neighbouring galaxies must not round alike: pairs of outcomes are uniform too.
    pairs = np.bincount(2 * ups[:-1:2] + ups[1::2], minlength=4)
    assert stats.chisquare(pairs).pvalue > 1e-3


def test_a_seed_rounds_the_same_everywhere() -> None:
    """Values that stay for ever: they stand in published tables."""
    assert [round_at_random(59.5, seed) for seed in (1, 2, 3, 4, 5, 6, 2**62 - 1)] == [60, 59, 60, 59, 59, 59, 60]
    assert rounding_seed(1, 2557) == 56_154_217_741_489_129


def test_a_whole_number_stays() -> None:
    assert {round_at_random(90.0, seed) for seed in range(200)} == {90}


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_no_number_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        round_at_random(value, 1)
