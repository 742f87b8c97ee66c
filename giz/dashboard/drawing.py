"""The coordinates of the charts that the dashboard's templates draw: bars with links, and sparklines."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

BAR_WIDTH = 20
BAR_GAP = 4
CHART_HEIGHT = 120
SPARK_WIDTH = 120
SPARK_HEIGHT = 28
ORDER = ("A", "F", "J")


@dataclass(frozen=True)
class DayOfVotes:
    """The number of votes of each verdict (A, F, J) on one day."""

    day: date
    counts: dict[str, int]

    @property
    def total(self) -> int:
        return sum(self.counts.values())


@dataclass(frozen=True)
class Piece:
    verdict: str
    y: float
    height: float


@dataclass(frozen=True)
class Bar:
    day: date
    x: int
    total: int
    counts: dict[str, int]
    pieces: list[Piece]


@dataclass(frozen=True)
class Chart:
    bars: list[Bar]
    width: int
    height: int
    top: int


def nice_top(largest: int) -> int:
    """Return the next number with one significant digit, as the upper end of a scale."""
    power = 1
    while 10 * power < largest:
        power *= 10
    return power * max(1, -(-largest // power))


def stacked_bars(days: Sequence[DayOfVotes]) -> Chart:
    """Return bars of votes per day: accepted at the bottom, then face-on, then rejected."""
    top = nice_top(max((day.total for day in days), default=0))
    bars = []
    for place, day in enumerate(days):
        pieces, y = [], float(CHART_HEIGHT)
        for verdict in ORDER:
            height = CHART_HEIGHT * day.counts.get(verdict, 0) / top
            if height:
                y -= height
                pieces.append(Piece(verdict, round(y, 2), round(height, 2)))
        bars.append(Bar(day.day, place * (BAR_WIDTH + BAR_GAP), day.total, day.counts, pieces))
    return Chart(bars, width=len(bars) * (BAR_WIDTH + BAR_GAP) - BAR_GAP, height=CHART_HEIGHT, top=top)


def sparkline(values: Sequence[int]) -> str:
    """Return the ``points`` of a polyline over SPARK_WIDTH x SPARK_HEIGHT."""
    top = max(values, default=0) or 1
    step = SPARK_WIDTH / max(len(values) - 1, 1)
    usable = SPARK_HEIGHT - 4
    return " ".join(
        f"{place * step:.1f},{SPARK_HEIGHT - 2 - usable * value / top:.1f}" for place, value in enumerate(values)
    )
