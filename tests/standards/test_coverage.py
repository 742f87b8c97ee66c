"""What a set can show: fallbacks, panels left out, and whether a campaign can use it."""

import random

import pytest

from standards import grid
from standards.coverage import coverage_of


def coverage(bins, standards=None):
    return coverage_of(dict.fromkeys(standards or bins, 1), dict.fromkeys(bins, 1))


def step_a_unfilled(found):
    """Panels of step A that are left out."""
    return [bin_deg for bin_deg in grid.STEP_A_BINS if bin_deg in found.unfilled_panels]


def short_windows(found):
    """First bins of step B windows with fewer panels than a comparison needs."""
    gaps = set(found.unfilled_panels)
    windows = range(grid.FIRST_WINDOW, grid.LAST_WINDOW + 1)
    panels = {window: grid.WINDOW_PANELS - len(gaps.intersection(grid.window_bins(window))) for window in windows}
    return [window for window in windows if panels[window] < grid.MIN_PANELS]


def test_a_full_grid_needs_no_fallback():
    full = coverage(grid.GRID_BINS)
    assert full.empty_bins == full.unfilled_panels == step_a_unfilled(full) == short_windows(full) == []
    assert full.is_usable
    assert [entry.source_deg for entry in full.bins] == list(grid.GRID_BINS)


def test_a_bin_without_pictures_takes_the_nearest_within_two_degrees_else_its_panel_stays_out():
    sparse = coverage([46, 50, 54, 60, *range(63, 91)], standards=grid.GRID_BINS)
    sources = {entry.bin_deg: entry.source_deg for entry in sparse.bins}
    assert [sources[bin_deg] for bin_deg in (45, 48, 52, 57, 61)] == [46, 46, 50, None, 60]
    assert sparse.unfilled_panels == [57]
    assert step_a_unfilled(sparse) == []
    assert all(entry.standards == 1 for entry in sparse.bins)


def test_the_windows_that_are_too_short_are_named():
    top = coverage(range(70, 91))
    assert step_a_unfilled(top) == [45, 50, 55, 60, 65]
    assert short_windows(top) == list(range(45, 62))
    assert not top.is_usable


def test_an_empty_set_can_not_be_used():
    assert not coverage([]).is_usable


@pytest.mark.parametrize("seed", range(20))
def test_a_set_that_can_be_used_has_three_panels_in_step_a_and_no_short_window(seed):
    rng = random.Random(seed)
    found = coverage(rng.sample(grid.GRID_BINS, rng.randint(1, 30)))
    has_step_a = len(grid.STEP_A_BINS) - len(step_a_unfilled(found)) >= grid.MIN_PANELS
    assert found.is_usable == (has_step_a and not short_windows(found))
