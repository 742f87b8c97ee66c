"""Plots as SVG text, for pages and for print. Pure.

Colours are attributes, so that a file by itself prints dark on white; on a page the style sheet overrides them by the
classes. There are no style elements or scripts, so the strictest content security policy allows the plots.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Literal

WIDTH, HEIGHT = 420, 300
LEFT, RIGHT, TOP, BOTTOM = 72, 16, 52, 50
EDGE = 10
INK, FAINT = "#222222", "#cccccc"
COLOURS = ("#8a6100", "#2f6aa8", "#a8483c", "#4f7a3a")
_FONT = "Helvetica, Arial, sans-serif"

Kind = Literal["points", "line", "bars"]


@dataclass(frozen=True, slots=True)
class Series:
    """One set of marks; a line with one point is drawn as a point. ``error`` draws error bars, ``colour`` is 0 to 3."""

    kind: Kind
    x: Sequence[float]
    y: Sequence[float]
    label: str = ""
    error: Sequence[float] | None = None
    colour: int = 0


@dataclass(frozen=True, slots=True)
class Plot:
    """A plot; limits that are None follow from the marks."""

    title: str
    x_label: str
    y_label: str
    series: Sequence[Series] = field(default_factory=tuple)
    x_limits: tuple[float, float] | None = None
    y_limits: tuple[float, float] | None = None
    x_names: Sequence[str] | None = None
    zero_line: bool = False

    def svg(self) -> str:
        """Return the plot as one SVG element."""
        return _Drawing(self).svg()


@dataclass(frozen=True, slots=True)
class DrawnPlot:
    """A plot that was drawn earlier and stored as SVG."""

    text: str

    def svg(self) -> str:
        return self.text


def nice_ticks(low: float, high: float, count: int = 6) -> list[float]:
    """Return about ``count`` round numbers from low to high, 1, 2 or 5 times a power of ten apart."""
    rough = (high - low) / max(count, 1)
    power = 10.0 ** math.floor(math.log10(rough)) if rough > 0 else 1.0
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [round(number * step, 10) for number in range(first, math.floor(high / step + 1e-9) + 1)]


def _limits(values: Sequence[float], *, from_zero: bool) -> tuple[float, float]:
    known = [value for value in values if math.isfinite(value)]
    low, high = (min(known), max(known)) if known else (0.0, 1.0)
    if from_zero:
        low, high = min(low, 0.0), max(high, 0.0)
    if low == high:
        low, high = (low - 0.5, high + 0.5) if not from_zero else (0.0, max(high, 1.0))
    margin = 0.04 * (high - low)
    return (low if from_zero and low == 0 else low - margin), high + margin


class _Drawing:
    def __init__(self, plot: Plot) -> None:
        self._plot = plot
        has_bars = any(one.kind == "bars" for one in plot.series)
        xs = [value for one in plot.series for value in one.x]
        ys = [value for one in plot.series for value in _with_errors(one)]
        self._x = plot.x_limits or _limits(xs, from_zero=False)
        self._y = plot.y_limits or _limits(ys, from_zero=has_bars)
        if has_bars and plot.x_limits is None and xs:
            self._x = (min(xs) - 0.6, max(xs) + 0.6)

    def svg(self) -> str:
        plot = self._plot
        parts = [
            f'<svg class="plot" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
            f'aria-label="{escape(plot.title)}" font-family="{_FONT}" font-size="13" fill="{INK}">',
            f'<title>{escape(plot.title)}</title><text class="plot-title" x="{EDGE}" y="18" font-size="13" '
            f'font-weight="bold">{escape(plot.title)}</text>',
            *self._axes(),
            *(mark for one in plot.series for mark in self._marks(one)),
            *self._legend(),
            "</svg>",
        ]
        return "\n".join(parts) + "\n"

    def _place_x(self, value: float) -> float:
        low, high = self._x
        return LEFT + (WIDTH - LEFT - RIGHT) * (value - low) / (high - low)

    def _place_y(self, value: float) -> float:
        low, high = self._y
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (value - low) / (high - low)

    def _axes(self) -> list[str]:
        plot, bottom, right = self._plot, HEIGHT - BOTTOM, WIDTH - RIGHT
        parts = []
        for value in nice_ticks(*self._y):
            y = self._place_y(value)
            parts.append(_line("grid", LEFT, y, right, y, FAINT))
            parts.append(_text(LEFT - 7, y + 4, _number(value), "end"))
        if plot.x_names is not None:
            parts += [
                f'<text transform="translate({self._place_x(place):.1f} {bottom + 14}) rotate(-24)" '
                f'text-anchor="end" font-size="12">{escape(name)}</text>'
                for place, name in enumerate(plot.x_names)
            ]
        else:
            are_whole = all(float(value).is_integer() for one in plot.series for value in one.x)
            for value in nice_ticks(*self._x):
                if are_whole and not value.is_integer():
                    continue
                x = self._place_x(value)
                parts.append(_line("axis", x, bottom, x, bottom + 4, INK))
                parts.append(_text(x, bottom + 18, _number(value), "middle"))
        if plot.zero_line and self._y[0] < 0 < self._y[1]:
            parts.append(_line("axis", LEFT, self._place_y(0), right, self._place_y(0), INK))
        parts.append(_line("axis", LEFT, bottom, right, bottom, INK))
        if plot.x_names is None:
            parts.append(_text((LEFT + right) / 2, HEIGHT - 12, plot.x_label, "middle"))
        middle = (TOP + bottom) / 2
        parts.append(
            f'<text transform="translate(14 {middle:.1f}) rotate(-90)" text-anchor="middle">'
            f"{escape(plot.y_label)}</text>"
        )
        return parts

    def _marks(self, one: Series) -> list[str]:
        known = [
            (x, y, error)
            for x, y, error in zip(one.x, one.y, one.error or [0.0] * len(one.x), strict=True)
            if math.isfinite(x) and math.isfinite(y) and self._is_inside(x, y)
        ]
        colour, tone = COLOURS[one.colour % len(COLOURS)], f"s{one.colour % len(COLOURS)}"
        if one.kind == "line" and len(known) > 1:
            points = " ".join(f"{self._place_x(x):.1f},{self._place_y(y):.1f}" for x, y, _error in known)
            return [
                f'<polyline class="line {tone}" points="{points}" fill="none" stroke="{colour}" stroke-width="1.6"/>'
            ]
        if one.kind == "bars":
            width = 0.72 * (self._place_x(1) - self._place_x(0))
            ground = self._place_y(0)
            return [
                f'<rect class="bar {tone}" x="{self._place_x(x) - width / 2:.1f}" width="{width:.1f}" '
                f'y="{min(self._place_y(y), ground):.1f}" height="{abs(ground - self._place_y(y)):.1f}" '
                f'fill="{colour}"/>'
                for x, y, _error in known
            ]
        radius = 2.6 if len(known) < 60 else 1.8
        parts = [
            f'<line class="line {tone}" x1="{self._place_x(x):.1f}" x2="{self._place_x(x):.1f}" '
            f'y1="{self._clipped(y - error):.1f}" y2="{self._clipped(y + error):.1f}" stroke="{colour}"/>'
            for x, y, error in known
            if error
        ]
        return parts + [
            f'<circle class="dot {tone}" cx="{self._place_x(x):.1f}" cy="{self._place_y(y):.1f}" r="{radius}" '
            f'fill="{colour}" fill-opacity="0.7"/>'
            for x, y, _error in known
        ]

    def _is_inside(self, x: float, y: float) -> bool:
        return self._x[0] <= x <= self._x[1] and self._y[0] <= y <= self._y[1]

    def _clipped(self, value: float) -> float:
        return self._place_y(min(max(value, self._y[0]), self._y[1]))

    def _legend(self) -> list[str]:
        parts: list[str] = []
        x = float(EDGE)
        for one in self._plot.series:
            if one.label:
                tone = one.colour % len(COLOURS)
                colour = COLOURS[tone]
                parts.append(f'<rect class="bar s{tone}" x="{x:.1f}" y="28" width="9" height="9" fill="{colour}"/>')
                parts.append(_text(x + 14, 37, one.label, "start"))
                x += 6.8 * len(one.label) + 34
        return parts


def _with_errors(one: Series) -> list[float]:
    errors = one.error or [0.0] * len(one.y)
    return [y + sign * error for y, error in zip(one.y, errors, strict=True) for sign in (-1, 1)]


def _line(tone: str, x1: float, y1: float, x2: float, y2: float, colour: str) -> str:
    return f'<line class="{tone}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"/>'


def _text(x: float, y: float, words: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'


def _number(value: float) -> str:
    return f"{value:,.10g}".replace("-", "−")
