"""The grid: bins, windows, fallbacks and seeded draws."""

import math
from collections import Counter

import pytest

from standards import grid


@pytest.mark.parametrize(
    ("inclination_deg", "bin_deg"),
    [(44.5, 45), (45, 45), (45.49, 45), (45.5, 46), (46.5, 47), (63.49999999999999, 63), (89.5, 90), (90, 90)],
)
def test_a_standard_belongs_to_the_nearest_bin_and_halves_go_up(inclination_deg, bin_deg):
    assert grid.bin_of(inclination_deg) == bin_deg


@pytest.mark.parametrize("inclination_deg", [44.49, 0, -60, 90.01, 1e308, math.inf, math.nan])
def test_an_inclination_off_the_grid_is_refused_with_its_value(inclination_deg):
    with pytest.raises(ValueError, match=r"44\.5° to 90°"):
        grid.bin_of(inclination_deg)


# Computed by hand from cos² i = (q² − q0²) / (1 − q0²).
@pytest.mark.parametrize(
    ("axial_ratio", "q0", "inclination_deg"),
    [
        (1.0, 0.2, 0.0),
        (0.9, 0.2, 26.4156),
        (0.75, 0.2, 42.4601),
        (0.5, 0.2, 62.1144),
        (0.3, 0.2, 76.8078),
        (0.2, 0.2, 90.0),
        (0.05, 0.2, 90.0),
        (0.5, 0.0, 60.0),
        (0.5, 0.13, 60.8606),
    ],
)
def test_the_inclination_follows_from_the_axial_ratio_as_holmberg_wrote_it(axial_ratio, q0, inclination_deg):
    assert grid.inclination_from_axial_ratio(axial_ratio, q0) == pytest.approx(inclination_deg, abs=1e-4)


@pytest.mark.parametrize("inclination_deg", [0.0, 45.0, 61.5, 89.0])
def test_an_axial_ratio_has_its_inclination_back(inclination_deg):
    axial_ratio = grid.axial_ratio_from_inclination(inclination_deg)
    assert grid.inclination_from_axial_ratio(axial_ratio) == pytest.approx(inclination_deg, abs=1e-5)


@pytest.mark.parametrize(
    ("axial_ratio", "q0"), [(0, 0.2), (-0.5, 0.2), (1.01, 0.2), (math.nan, 0.2), (0.5, 1), (0.5, -0.1)]
)
def test_an_impossible_axial_ratio_is_refused(axial_ratio, q0):
    with pytest.raises(ValueError, match=r"must lie in|lies in"):
        grid.inclination_from_axial_ratio(axial_ratio, q0)


def test_step_b_windows_begin_two_degrees_below_the_interval_and_stay_in_the_grid():
    windows = {left: grid.step_b_window(left) for left in (45, 46, 47, 48, 50, 60, 80, 84, 85, 90)}
    assert windows == {45: 45, 46: 45, 47: 45, 48: 46, 50: 48, 60: 58, 80: 78, 84: 82, 85: 82, 90: 82}


def test_windows_slide_by_four_degrees_until_the_end_of_the_grid():
    assert [grid.slide_window(w, -1) for w in (82, 58, 48, 45)] == [78, 54, 45, 45]
    assert [grid.slide_window(w, +1) for w in (45, 58, 79, 82)] == [49, 62, 82, 82]
    with pytest.raises(ValueError, match="-1 or"):
        grid.slide_window(58, 2)


def test_a_window_is_nine_bins_inside_the_grid():
    assert grid.window_bins(45) == (45, 46, 47, 48, 49, 50, 51, 52, 53)
    assert grid.window_bins(82) == (82, 83, 84, 85, 86, 87, 88, 89, 90)
    for outside in (44, 83):
        with pytest.raises(ValueError, match="45 to 82"):
            grid.window_bins(outside)


def test_neighbouring_windows_overlap_so_that_a_slid_window_keeps_five_panels():
    for window in range(45, 79):
        assert len(set(grid.window_bins(window)) & set(grid.window_bins(window + 4))) == 5


def test_a_filled_bin_fills_its_own_panel():
    assert grid.panel_sources(grid.GRID_BINS) == {b: b for b in range(45, 91)}


def test_an_empty_bin_takes_the_nearest_within_two_degrees_the_lower_on_a_tie():
    sources = grid.panel_sources([50, 52, 60])
    assert sources == {48: 50, 49: 50, 50: 50, 51: 50, 52: 52, 53: 52, 54: 52, 58: 60, 59: 60, 60: 60, 61: 60, 62: 60}
    assert grid.panel_sources([58, 61])[60] == 61
    assert grid.panel_sources([58, 62])[60] == 58


def test_the_grid_ends_where_it_ends():
    assert grid.panel_sources([45, 90]) == {45: 45, 46: 45, 47: 45, 88: 90, 89: 90, 90: 90}
    assert grid.panel_sources([]) == {}
    assert grid.panel_sources([43, 44, 91]) == {}


def test_orders_never_change():
    assert grid.draw_order(1, 60, range(1, 9)) == [1, 6, 3, 8, 2, 5, 7, 4]
    assert grid.draw_order(1, 61, range(1, 9)) == [4, 3, 8, 5, 6, 2, 1, 7]
    assert grid.draw_order(2**62 - 1, 45, [3, 7, 11]) == [3, 7, 11]


def test_an_order_does_not_depend_on_the_order_of_the_input_nor_on_who_is_left_out():
    ids = list(range(100, 140))
    order = grid.draw_order(7, 72, ids)
    assert sorted(order) == ids
    assert grid.draw_order(7, 72, ids[::-1]) == order
    assert grid.draw_order(7, 72, [i for i in ids if i != 117]) == [i for i in order if i != 117]


def test_every_standard_is_as_likely_at_every_place():
    tasks = 6000
    first: Counter[int] = Counter()
    pairs: Counter[tuple[int, int]] = Counter()
    for seed in range(tasks):
        order = grid.draw_order(seed, 66, range(1, 7))
        first[order[0]] += 1
        pairs[order[0], order[1]] += 1
    # chi² at 99.9 %: 20.5 for 5 degrees of freedom, 58.3 for 29
    assert sum((first[i] - tasks / 6) ** 2 / (tasks / 6) for i in range(1, 7)) < 20.5
    assert len(pairs) == 30
    assert sum((n - tasks / 30) ** 2 / (tasks / 30) for n in pairs.values()) < 58.3


def test_draws_walk_through_the_bin_before_they_repeat():
    order = grid.draw_order(3, 50, [21, 22, 23])
    assert [grid.shown_standard(order, draw) for draw in range(6)] == order * 2
    assert grid.shown_standard(order, 9_999) == order[9_999 % 3]


def test_impossible_draws_are_refused():
    with pytest.raises(ValueError, match="empty bin"):
        grid.shown_standard([], 0)
    with pytest.raises(ValueError, match="count from 0"):
        grid.shown_standard([1], -1)
