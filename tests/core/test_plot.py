"""Plots: honest axes, no script, readable without a style sheet."""

import xml.etree.ElementTree as ET

import pytest

from giz.core.plot import Plot, Series, nice_ticks


def elements(plot: Plot, tag: str) -> list[ET.Element]:
    return ET.fromstring(plot.svg()).findall(f"{{http://www.w3.org/2000/svg}}{tag}")


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [(0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]), (43, 92, [50, 60, 70, 80, 90]), (-3, 3, [-3, -2, -1, 0, 1, 2, 3])],
)
def test_ticks_are_round_numbers(low: float, high: float, ticks: list[float]) -> None:
    assert nice_ticks(low, high) == ticks


def test_marks_stand_where_their_values_are() -> None:
    plot = Plot("t", "x", "y", [Series("points", [0, 10], [0, 5])], x_limits=(0, 10), y_limits=(0, 5))
    low, high = ((float(dot.get("cx") or 0), float(dot.get("cy") or 0)) for dot in elements(plot, "circle"))
    assert (low, high) == ((72, 250), (404, 52))


def test_bars_stand_on_zero_and_unknown_values_are_left_out() -> None:
    bars = Series("bars", [0, 1, 2], [4, float("nan"), 2])
    heights = [float(bar.get("height") or 0) for bar in elements(Plot("t", "x", "y", [bars]), "rect")]
    assert len(heights) == 2
    assert heights[0] == pytest.approx(2 * heights[1], abs=0.2)


def test_whole_numbers_have_whole_ticks_and_colours_need_no_style_sheet() -> None:
    plot = Plot("t", "people", "y", [Series("line", [1, 2, 3], [1.0, 2.0, 2.5], label="some", colour=1)])
    words = [text.text for text in elements(plot, "text")]
    assert [word for word in words if word in {"1", "1.5", "2", "3"}].count("1.5") <= 1, "on the y axis alone"
    assert elements(plot, "polyline")[0].get("stroke") == "#2f6aa8"
    assert "some" in words
    assert "<style" not in plot.svg()


def test_an_empty_plot_and_hostile_words_are_a_picture_too() -> None:
    drawn = Plot("<script>alert(1)</script>", '"x"', "&", [Series("points", [], [], label="<b>")]).svg()
    assert "<script" not in drawn
    assert ET.fromstring(drawn).tag.endswith("svg")


def test_a_line_with_one_point_is_a_point() -> None:
    plot = Plot("t", "days", "votes", [Series("line", [0], [12.0])])
    assert (len(elements(plot, "circle")), len(elements(plot, "polyline"))) == (1, 0)
