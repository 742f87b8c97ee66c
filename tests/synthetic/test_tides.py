"""Tidal distortion."""

import numpy as np
import pytest

from giz.synthetic.tides import Tide, distort, draw_tide


def test_no_tide_changes_nothing() -> None:
    frames = np.random.default_rng(1).random((3, 64, 64), dtype=np.float32)
    np.testing.assert_allclose(distort(frames, Tide(0.0, 0.0, 0.0)), frames, atol=1e-4)


def test_a_tide_leaves_the_centre_alone_and_moves_the_outskirts() -> None:
    frames = np.random.default_rng(1).random((3, 128, 128), dtype=np.float32)
    moved = distort(frames, Tide(0.5, 0.2, 0.0))
    np.testing.assert_allclose(moved[:, 60:68, 60:68], frames[:, 60:68, 60:68], atol=1e-4)
    assert np.abs(moved - frames)[:, 64, 100:110].mean() > 0.05


def test_draws_stay_within_their_limits_and_turn_both_ways() -> None:
    tides = [draw_tide(np.random.default_rng(seed), (0.1, 0.4), (0.0, 0.2)) for seed in range(40)]
    assert all(0.1 <= abs(tide.twist_rad) <= 0.4 for tide in tides)
    assert {np.sign(tide.twist_rad) for tide in tides} == {-1.0, 1.0}
    assert max(tide.stretch for tide in tides) == pytest.approx(0.2, abs=0.05)
