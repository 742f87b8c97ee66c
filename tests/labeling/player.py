"""An honest person at an honest page: draws, redraws, places, slides and steps back, and knows what they meant.

Written apart from `labeling.comparison` and from the page, after SCIENCE.md: what the person meant is computed from the
panels beside the galaxy, not from the trace.
"""

import random
from collections.abc import Mapping, Sequence
from typing import Any

Row = list[tuple[int, int, int]]
"""Visible panels of a row: grid bin, bin that is shown, draw."""

STEP_A = tuple(range(45, 90, 5))


class Player:
    def __init__(self, sources: Mapping[int, int], orders: Mapping[int, Sequence[int]], rng: random.Random) -> None:
        self._sources = sources
        self._orders = orders
        self._rng = rng
        self._next: dict[int, int] = {}
        self._shown: dict[tuple[str, int], int] = {}
        self.steps: list[dict[str, Any]] = []

    @property
    def trace(self) -> dict[str, Any]:
        return {"version": 1, "steps": self.steps}

    def play(self, max_steps: int = 20) -> tuple[str, float | None]:
        """Judge by chance until the comparison decides; returns the verdict and the inclination that were meant."""
        window = None
        while True:
            bins = STEP_A if window is None else tuple(range(window, window + 9))
            row = self._row("A" if window is None else "B", bins)
            may_go_on = len(self.steps) < max_steps
            slot = self._choose(window, len(row), may_go_on)
            self._write(window, bins, row, slot)
            if window is None:
                if slot == 0 and row[0][0] == 45:
                    return "F", None
                window = 45 if slot == 0 else min(max(row[slot - 1][1] - 2, 45), 82)
                continue
            if 0 < slot < len(row):
                if may_go_on and self._rng.random() < 0.15:
                    window = None  # steps back instead of going on
                    continue
                return "A", (row[slot - 1][1] + row[slot][1]) / 2
            if slot == 0 and window == 45:
                return ("F", None) if row[0][0] == 45 else ("A", (45 + row[0][1]) / 2)
            if slot == len(row) and window == 82:
                return "A", 90.0
            window = max(window - 4, 45) if slot == 0 else min(window + 4, 82)

    def _choose(self, window: int | None, panels: int, may_go_on: bool) -> int:
        """Any slot; the outermost ones more often than by chance, for they are where windows slide."""
        if window is not None and not may_go_on:
            return self._rng.randrange(1, panels)
        if self._rng.random() < 0.4:
            return self._rng.choice((0, panels))
        return self._rng.randrange(panels + 1)

    def _row(self, step: str, bins: Sequence[int]) -> Row:
        visible = [(bin_deg, self._sources[bin_deg]) for bin_deg in bins if bin_deg in self._sources]
        taken: set[int] = set()
        missing = []
        for bin_deg, source in visible:
            draw = self._shown.get((step, bin_deg))
            if draw is None or self._standard(source, draw) in taken:
                missing.append((bin_deg, source))
            else:
                taken.add(self._standard(source, draw))
        for bin_deg, source in missing:
            self._draw(step, bin_deg, source, taken)
        for bin_deg, source in visible:
            if self._rng.random() < 0.2:
                others = {
                    self._standard(other_source, self._shown[step, other])
                    for other, other_source in visible
                    if other != bin_deg
                }
                self._draw(step, bin_deg, source, others)
        return [(bin_deg, source, self._shown[step, bin_deg]) for bin_deg, source in visible]

    def _draw(self, step: str, bin_deg: int, source: int, taken: set[int]) -> None:
        """The next number of the source bin's counter whose standard is not on screen, while the bin has another."""
        first = self._next.get(source, 0)
        count = len(self._orders[source])
        free = [draw for draw in range(first, first + count) if self._standard(source, draw) not in taken]
        draw = free[0] if free else first
        self._shown[step, bin_deg] = draw
        self._next[source] = draw + 1
        taken.add(self._standard(source, draw))

    def _standard(self, source: int, draw: int) -> int:
        order = self._orders[source]
        return order[draw % len(order)]

    def _write(self, window: int | None, bins: Sequence[int], row: Row, slot: int) -> None:
        draw_of = {bin_deg: draw for bin_deg, _source, draw in row}
        step: dict[str, Any] = {"step": "A"} if window is None else {"step": "B", "window": window}
        self.steps.append({**step, "draws": [draw_of.get(bin_deg) for bin_deg in bins], "slot": slot})
