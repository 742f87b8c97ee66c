"""A simulated hand plays the comparison as the page does: each trace replays to where it looked."""

import numpy as np
import pytest

from labeling.comparison import replay
from labeling.simulation.comparison_player import ComparisonPlayer
from standards import grid
from standards.selectors import ShownStandards


def pools(bins: list[int], per_bin: int = 3) -> ShownStandards:
    ids = {bin_deg: tuple(100 * bin_deg + number for number in range(per_bin)) for bin_deg in bins}
    return ShownStandards(ids, grid.panel_sources(ids))


def placed(full: ShownStandards, perceived_deg: float, seed: int) -> tuple[str, float | None, int]:
    orders = full.orders(seed)
    said, trace = ComparisonPlayer(full.sources, orders, np.random.default_rng(seed)).place(perceived_deg)
    read = replay(trace, full.sources, orders)
    assert read.verdict == {"accepted": "A", "face_on": "F"}[said]
    return said, read.inclination_deg, len(trace["steps"])


def test_on_a_full_grid_the_target_lands_between_the_two_standards_beside_it() -> None:
    full = pools(list(grid.GRID_BINS))
    rng = np.random.default_rng(0)
    steps = []
    for seed in range(500):
        perceived_deg = float(rng.uniform(45, 90))
        said, inclination_deg, count = placed(full, perceived_deg, seed)
        assert (said, inclination_deg) == ("accepted", np.floor(perceived_deg) + 0.5)
        steps.append(count)
    assert max(steps) > 2, "a quick look that was wrong slides the window"


@pytest.mark.parametrize("perceived_deg", [-20.0, 30.0, 44.9])
def test_what_looks_less_inclined_than_the_first_standard_is_face_on(perceived_deg: float) -> None:
    assert placed(pools(list(grid.GRID_BINS)), perceived_deg, 1)[:2] == ("face_on", None)


@pytest.mark.parametrize("perceived_deg", [90.0, 97.0])
def test_what_lies_right_of_the_last_standard_is_edge_on(perceived_deg: float) -> None:
    assert placed(pools(list(grid.GRID_BINS)), perceived_deg, 1)[:2] == ("accepted", 90.0)


def test_with_holes_in_the_grid_and_single_standards_every_trace_still_replays() -> None:
    rng = np.random.default_rng(3)
    for seed in range(300):
        bins = sorted(rng.choice(list(grid.GRID_BINS), int(rng.integers(20, 40)), replace=False).tolist())
        sparse = pools(bins, per_bin=int(rng.integers(1, 3)))
        if 45 in sparse.sources:
            placed(sparse, float(rng.uniform(40, 95)), seed)
