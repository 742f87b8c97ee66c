"""The two-step rule: every honest trace replays to what was meant, every other one is refused."""

import contextlib
import copy
import random
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labeling.comparison import TraceError, replay
from standards import grid
from standards.selectors import DrawOrders
from tests.labeling.player import Player

FULL = {bin_deg: bin_deg for bin_deg in grid.GRID_BINS}


@st.composite
def grids(draw: st.DrawFn) -> tuple[dict[int, int], DrawOrders]:
    """A grid with empty bins and bins of one to five standards that can be used, and a task's orders over it."""
    empty = draw(st.sets(st.sampled_from(list(grid.GRID_BINS)), max_size=25))
    seed = draw(st.integers(0, 2**62 - 1))
    ids: dict[int, tuple[int, ...]] = {}
    for bin_deg in grid.GRID_BINS:
        if bin_deg not in empty:
            ids[bin_deg] = tuple(range(bin_deg * 10, bin_deg * 10 + draw(st.integers(1, 5))))
    sources = grid.panel_sources(ids)
    if not grid.has_enough_panels(sources):
        sources, ids = FULL, {bin_deg: (bin_deg * 10, bin_deg * 10 + 1) for bin_deg in grid.GRID_BINS}
    return sources, DrawOrders(ids, seed)


@settings(max_examples=400, deadline=None)
@given(grids(), st.integers(0, 2**32))
def test_any_honest_trace_replays_to_the_inclination_that_was_meant(case: Any, chance: int) -> None:
    sources, orders = case
    player = Player(sources, orders, random.Random(chance))
    verdict, inclination_deg = player.play()
    read = replay(player.trace, sources, orders)
    assert (read.verdict, read.inclination_deg) == (verdict, inclination_deg)
    for step in read.steps:
        for panel in step.panels:
            assert panel.standard_id == grid.shown_standard(orders[panel.source_deg], panel.draw)


def test_the_player_reaches_every_edge() -> None:
    """Else the property above would prove less than it says."""
    orders = DrawOrders({bin_deg: (bin_deg * 10, bin_deg * 10 + 1) for bin_deg in grid.GRID_BINS}, 7)
    ends: set[Any] = set()
    windows: set[int] = set()
    for chance in range(3000):
        player = Player(FULL, orders, random.Random(chance))
        ends.add(player.play())
        windows.update(step["window"] for step in player.steps if step["step"] == "B")
    assert ends == {("F", None), ("A", 90.0), *(("A", half + 0.5) for half in range(45, 90))}
    assert {45, 48, 53, 58, 63, 68, 73, 78, 82} <= windows
    assert windows - {45, 48, 53, 58, 63, 68, 73, 78, 82}, "windows that only sliding reaches"


def a_step(slot: int, **changes: Any) -> dict[str, Any]:
    return {"step": "A", "draws": [0] * 9, "slot": slot, **changes}


def b_step(window: int, slot: int, **changes: Any) -> dict[str, Any]:
    return {"step": "B", "window": window, "draws": [1] * 9, "slot": slot, **changes}


def trace(*steps: dict[str, Any]) -> dict[str, Any]:
    return {"version": 1, "steps": list(steps)}


@pytest.mark.parametrize(
    ("steps", "verdict", "inclination_deg"),
    [
        ([a_step(0)], "F", None),
        ([a_step(1), b_step(45, 0)], "F", None),
        ([a_step(1), b_step(45, 1)], "A", 45.5),
        ([a_step(3), b_step(53, 7)], "A", 59.5),
        ([a_step(9), b_step(82, 8)], "A", 89.5),
        ([a_step(9), b_step(82, 9)], "A", 90.0),
        ([a_step(2), b_step(48, 0), b_step(45, 0)], "F", None),
        ([a_step(3), b_step(53, 9), b_step(57, 8)], "A", 64.5),
        ([a_step(8), b_step(78, 9), b_step(82, 9)], "A", 90.0),
        ([a_step(3), b_step(53, 5), a_step(0)], "F", None),
        ([a_step(3)], None, None),
        ([a_step(3), b_step(53, 9)], None, None),
    ],
)
def test_a_full_grid_gives(steps: list[Any], verdict: str | None, inclination_deg: float | None) -> None:
    read = replay(trace(*steps), FULL)
    assert (read.verdict, read.inclination_deg) == (verdict, inclination_deg)


def test_a_panel_counts_with_the_degrees_of_the_bin_that_fills_it() -> None:
    sources = {**FULL, 59: 58}
    steps = trace(a_step(3), b_step(53, 7, draws=[1, 1, 1, 1, 1, 1, 2, 1, 1]))
    assert replay(steps, sources).inclination_deg == (58 + 60) / 2


def test_without_the_first_standard_left_of_everything_is_not_face_on_yet() -> None:
    sources = {bin_deg: source for bin_deg, source in FULL.items() if bin_deg != 45}
    read = replay(trace(a_step(0, draws=[None, *[0] * 8]), b_step(45, 0, draws=[None, *[1] * 8])), sources)
    assert (read.verdict, read.inclination_deg) == ("A", (45 + 46) / 2)


@pytest.mark.finding("review 20")
@pytest.mark.parametrize(
    ("filled", "verdict", "inclination_deg"),
    [
        (range(45, 91), "F", None),
        (range(46, 91), "F", None),
        (range(47, 91), "F", None),
        (range(48, 91), "A", 46.5),
        (range(50, 91), "A", 47.5),
    ],
)
def test_left_of_the_lowest_window_is_face_on_only_where_45_can_be_filled(
    filled: range, verdict: str, inclination_deg: float | None
) -> None:
    """A bin is filled from its neighbours within two degrees; what is more face-on than 48° need not be below 45°."""
    sources = grid.panel_sources(filled)

    def drawn(bins: Sequence[int], draw: int) -> list[int | None]:
        return [draw if bin_deg in sources else None for bin_deg in bins]

    steps = [
        a_step(1 if 45 in sources else 0, draws=drawn(grid.STEP_A_BINS, 0)),
        b_step(45, 0, draws=drawn(grid.window_bins(45), 1)),
    ]
    read = replay(trace(*steps), sources)
    assert (read.verdict, read.inclination_deg) == (verdict, inclination_deg)
    assert replay(trace(*steps), sources, rule="comparison-1").verdict == "F", "old votes stay what they were"


@pytest.mark.parametrize(
    ("broken", "code"),
    [
        (None, "bad_shape"),
        ([], "bad_shape"),
        ({"version": 1}, "bad_shape"),
        ({"version": True, "steps": [a_step(0)]}, "bad_version"),
        ({"version": 2, "steps": [a_step(0)]}, "bad_version"),
        (trace(), "bad_shape"),
        (trace(*[a_step(3), b_step(53, 9)] * 31), "bad_shape"),
        (trace({"step": "C", "draws": [0] * 9, "slot": 0}), "bad_shape"),
        (trace({**a_step(0), "inclination_deg": 75}), "bad_shape"),
        (trace(b_step(53, 4)), "bad_transition"),
        (trace(a_step(3), b_step(58, 4)), "bad_transition"),
        (trace(a_step(3), b_step(53, 9), b_step(58, 4)), "bad_transition"),
        (trace(a_step(3), b_step(53, 4), b_step(53, 4)), "bad_transition"),
        (trace(a_step(3), b_step(83, 4)), "bad_window"),
        (trace(a_step(3), b_step(44, 4)), "bad_window"),
        (trace(a_step(10)), "bad_slot"),
        (trace(a_step(-1)), "bad_slot"),
        (trace(a_step(True)), "bad_slot"),
        (trace(a_step(3.0)), "bad_slot"),  # type: ignore[arg-type]
        (trace(a_step(0, draws=[0] * 8)), "bad_draws"),
        (trace(a_step(0, draws=[-1, *[0] * 8])), "bad_draws"),
        (trace(a_step(0, draws=[10_000, *[0] * 8])), "bad_draws"),
        (trace(a_step(0, draws=[None, *[0] * 8])), "bad_draws"),
    ],
)
def test_a_trace_that_no_page_sends_is_refused(broken: Any, code: str) -> None:
    with pytest.raises(TraceError) as refused:
        replay(broken, FULL)
    assert refused.value.code == code


def test_a_draw_for_a_panel_that_has_no_standard_is_refused() -> None:
    sources = {bin_deg: source for bin_deg, source in FULL.items() if bin_deg != 60}
    with pytest.raises(TraceError, match="60°"):
        replay(trace(a_step(0)), sources)


def test_one_standard_twice_in_a_row_is_refused_while_its_bin_has_another() -> None:
    sources = {**FULL, 59: 58}
    steps = trace(a_step(3), b_step(53, 4))
    two = DrawOrders({bin_deg: (bin_deg * 10, bin_deg * 10 + 1) for bin_deg in FULL if bin_deg != 59}, 1)
    with pytest.raises(TraceError) as refused:
        replay(steps, sources, two)
    assert refused.value.code == "doubled_standard"
    one = DrawOrders({bin_deg: (bin_deg * 10,) for bin_deg in FULL if bin_deg != 59}, 1)
    assert replay(steps, sources, one).inclination_deg == 56.5


@settings(max_examples=200, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(st.sampled_from(["version", "steps", "step", "draws", "slot", "window"]), inner)
        ),
        max_leaves=12,
    )
)
def test_any_json_is_read_or_refused_and_never_breaks_the_reader(anything: Any) -> None:
    before = copy.deepcopy(anything)
    with contextlib.suppress(TraceError):
        replay(anything, FULL)
    assert anything == before
