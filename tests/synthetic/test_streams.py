"""Named streams of random numbers."""

import numpy as np
import pytest

from giz.synthetic.streams import stream


def test_the_same_seed_and_component_give_the_same_numbers() -> None:
    np.testing.assert_array_equal(stream(5, "stars").random(100), stream(5, "stars").random(100))


def test_components_and_seeds_are_independent() -> None:
    draws = [stream(seed, name).standard_normal(4000) for seed in (5, 6) for name in ("stars", "knots")]
    correlation = np.corrcoef(draws) - np.eye(4)
    assert np.abs(correlation).max() < 0.08


def test_a_negative_seed_is_refused() -> None:
    with pytest.raises(ValueError, match="whole number >= 0; got -1"):
        stream(-1, "stars")
