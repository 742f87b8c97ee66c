"""What a set can show: fallbacks, panels left out, and whether a campaign can use it."""

import random

import pytest

from standards import grid
from standards.coverage import coverage_of


def coverage(bins, standards=None):
    return coverage_of(dict.fromkeys(standards or bins, 1), dict.fromkeys(bins, 1))


def test_a_full_grid_needs_no_fallback():
    full = coverage(grid.GRID_BINS)
    assert full.empty_bins == full.unfilled_panels == full.step_a_unfilled == full.short_windows == []
    assert full.is_usable
    assert [entry.source_deg for entry in full.bins] == list(grid.GRID_BINS)


def test_a_bin_without_pictures_takes_the_nearest_within_two_degrees_else_its_panel_stays_out():
    sparse = coverage([46, 50, 54, 60, *range(63, 91)], standards=grid.GRID_BINS)
    sources = {entry.bin_deg: entry.source_deg for entry in sparse.bins}
    assert [sources[bin_deg] for bin_deg in (45, 48, 52, 57, 61)] == [46, 46, 50, None, 60]
    assert sparse.unfilled_panels == [57]
    assert sparse.step_a_unfilled == []
    assert all(entry.standards == 1 for entry in sparse.bins)


def test_the_windows_that_are_too_short_are_named():
    top = coverage(range(70, 91))
    assert top.step_a_unfilled == [45, 50, 55, 60, 65]
    assert top.short_windows == list(range(45, 62))
    assert not top.is_usable


def test_an_empty_set_can_not_be_used():
    assert not coverage([]).is_usable


@pytest.mark.parametrize("seed", range(20))
def test_a_set_that_can_be_used_has_three_panels_in_step_a_and_no_short_window(seed):
    rng = random.Random(seed)
    found = coverage(rng.sample(grid.GRID_BINS, rng.randint(1, 30)))
    has_step_a = len(grid.STEP_A_BINS) - len(found.step_a_unfilled) >= grid.MIN_PANELS
    assert found.is_usable == (has_step_a and not found.short_windows)
