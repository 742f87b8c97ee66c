"""Numbers become the coordinates of the dashboard's pictures."""

from datetime import date, timedelta

import pytest

from giz.dashboard.drawing import CHART_HEIGHT, SPARK_HEIGHT, SPARK_WIDTH, DayOfVotes, nice_top, sparkline, stacked_bars

DAY = date(2026, 11, 1)


@pytest.mark.parametrize(
    ("largest", "top"),
    [(0, 1), (1, 1), (3, 3), (10, 10), (11, 20), (26, 30), (99, 100), (101, 200), (123_456, 200_000)],
)
def test_the_scale_ends_at_the_next_round_number(largest: int, top: int) -> None:
    assert nice_top(largest) == top


def test_bars_stand_on_the_ground_in_a_fixed_order_and_never_overlap() -> None:
    chart = stacked_bars([DayOfVotes(DAY, {"J": 1, "A": 2}), DayOfVotes(DAY + timedelta(days=1), {})])
    first, second = chart.bars
    assert [piece.verdict for piece in first.pieces] == ["A", "J"]
    accepted, rejected = first.pieces
    assert accepted.y + accepted.height == CHART_HEIGHT
    assert rejected.y + rejected.height == pytest.approx(accepted.y)
    assert rejected.y == 0  # three votes of a scale that ends at three
    assert (second.total, second.pieces) == (0, [])
    assert first.x < second.x < chart.width


def test_no_days_and_no_votes_are_a_picture_too() -> None:
    assert stacked_bars([]).bars == []
    assert sparkline([]) == ""
    flat = {point.split(",")[1] for point in sparkline([0, 0, 0]).split()}
    assert flat == {f"{SPARK_HEIGHT - 2:.1f}"}


def test_a_sparkline_reaches_from_edge_to_edge() -> None:
    points = [tuple(map(float, point.split(","))) for point in sparkline([0, 5, 10]).split()]
    assert [x for x, _ in points] == [0, SPARK_WIDTH / 2, SPARK_WIDTH]
    assert points[2][1] == 2
