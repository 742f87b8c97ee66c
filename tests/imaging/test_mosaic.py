"""Patches of one sky: levels matched, overlaps averaged, holes kept."""

import numpy as np
import pytest

from giz.imaging.mosaic import mosaic, sky_offsets
from giz.imaging.resample import Patch

SIDE = 200


def patches_of(truth, windows, levels, sigma=0.0):
    rng = np.random.default_rng(1)
    made = []
    for number, ((top, bottom, left, right), level) in enumerate(zip(windows, levels, strict=True)):
        flux = truth[top:bottom, left:right] + level + sigma * rng.standard_normal((bottom - top, right - left))
        made.append(Patch(str(number), flux.astype(np.float32), top, left))
    return made


@pytest.fixture
def truth():
    y, x = np.indices((SIDE, SIDE)) - SIDE / 2
    return 50.0 * np.exp(-np.hypot(x, 2 * y) / 15.0)


WINDOWS = [(0, 120, 0, 200), (90, 200, 0, 110), (80, 200, 90, 200)]


def test_skies_are_matched_and_the_seams_vanish(truth):
    made = mosaic(patches_of(truth, WINDOWS, [0.0, 3.0, -2.0]), SIDE)
    error = made.flux - truth
    assert np.ptp(error) < 1e-3
    assert made.covered_fraction == 1.0


def test_the_common_level_is_the_frames_mean(truth):
    patches = patches_of(truth, WINDOWS, [1.0, 1.0, 1.0])
    np.testing.assert_allclose(sky_offsets(patches), 0.0, atol=1e-5)
    assert mosaic(patches, SIDE).flux[0, 0] == pytest.approx(1.0 + truth[0, 0], abs=1e-4)


def test_offsets_are_found_under_noise(truth):
    offsets = sky_offsets(patches_of(truth, WINDOWS, [0.0, 3.0, -2.0], sigma=5.0))
    assert np.diff(offsets) == pytest.approx([3.0, -5.0], abs=0.5)


def test_patches_that_do_not_touch_keep_their_level(truth):
    patches = patches_of(truth, [(0, 50, 0, 200), (150, 200, 0, 200)], [1.0, 5.0])
    np.testing.assert_array_equal(sky_offsets(patches), [0.0, 0.0])
    made = mosaic(patches, SIDE)
    assert made.covered_fraction == 0.5
    assert np.isnan(made.flux[100, 100])


@pytest.mark.finding("review 19")
def test_groups_that_do_not_touch_keep_their_level_each():
    # Two that overlap and differ by ten, and one apart: only the two move.
    flat = np.zeros((SIDE, SIDE))
    windows = [(0, 40, 0, 100), (0, 40, 50, 150), (150, 200, 0, 200)]
    offsets = sky_offsets(patches_of(flat, windows, [10.0, 0.0, 3.0]))
    assert offsets.tolist() == pytest.approx([5.0, -5.0, 0.0])
    two = [*windows, (120, 190, 0, 100)]
    assert sky_offsets(patches_of(flat, two, [10.0, 0.0, 3.0, 7.0])).tolist() == pytest.approx(
        [5, -5, -5 / 3, 7 / 3], abs=0.4
    )
    chain = [(0, 60, 0, 100), (100, 160, 0, 100), (50, 110, 0, 100)]  # the third joins the first two
    assert np.ptp(np.array([1.0, 5.0, 9.0]) - sky_offsets(patches_of(flat, chain, [1.0, 5.0, 9.0]))) < 1e-4


def test_averaging_two_exposures_lowers_the_noise(truth):
    window = (0, 200, 0, 200)
    one = mosaic(patches_of(0 * truth, [window], [0.0], sigma=1.0), SIDE)
    two = mosaic(patches_of(0 * truth, [window, window], [0.0, 0.0], sigma=1.0), SIDE)
    assert two.sky_sigma / one.sky_sigma == pytest.approx(0.707, abs=0.05)


def test_a_mosaic_of_nothing_is_refused():
    with pytest.raises(ValueError, match="at least one"):
        mosaic([], SIDE)
