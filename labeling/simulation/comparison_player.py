"""Play the comparison page as a person who perceives a certain inclination: draw panels, place the target, slide.

It imitates the page, independently of the rule that reads traces (`labeling.comparison`): each row of panels is drawn,
the target is placed by its perceived inclination, and the row changes as in SCIENCE.md 2.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np

from standards import grid

# Step A is a quick look, which may put the target one interval off; in step B the window then slides.
STEP_A_WOBBLE_DEG = 0.8
REDRAW_CHANCE = 0.05
MAX_SLIDES = 12

Said = Literal["accepted", "face_on"]
_Row = list[tuple[int, int]]
"""Visible panels of a row: grid bin and the bin that is shown, in degrees."""


class ComparisonPlayer:
    """One person at one task."""

    def __init__(
        self, sources: Mapping[int, int], orders: Mapping[int, Sequence[int]], rng: np.random.Generator
    ) -> None:
        self._sources = sources
        self._orders = orders
        self._rng = rng
        self._counter: dict[int, int] = {}
        self._shown: dict[int, int] = {}
        self._steps: list[dict[str, Any]] = []

    def place(self, perceived_deg: float) -> tuple[Said, dict[str, Any]]:
        """Play the comparison to its end.

        Parameters
        ----------
        perceived_deg : float
            In degrees. Below 45 the galaxy looks face-on; above 90 it is placed right of the last standard.

        Returns
        -------
        said : str
            ``accepted`` or ``face_on``: the verdict that the page sends.
        trace : dict
            As `labeling.comparison.replay` reads it.
        """
        said = self._step_a(perceived_deg)
        return said, {"version": 1, "steps": self._steps}

    def _step_a(self, perceived_deg: float) -> Said:
        row = self._draw_row(grid.STEP_A_BINS)
        glance = perceived_deg + self._rng.normal(0, STEP_A_WOBBLE_DEG)
        is_face_on = perceived_deg < grid.GRID_BINS[0]
        slot = 0 if is_face_on else max(_slot(row, glance), int(row[0][1] <= perceived_deg))
        self._write(None, grid.STEP_A_BINS, row, slot)
        if slot == 0 and row[0][0] == grid.STEP_A_BINS[0]:
            return "face_on"
        # Step B draws its panels again.
        self._shown.clear()
        return self._step_b(grid.FIRST_WINDOW if slot == 0 else grid.step_b_window(row[slot - 1][1]), perceived_deg)

    def _step_b(self, window: int, perceived_deg: float) -> Said:
        for slides in range(MAX_SLIDES + 1):
            bins = grid.window_bins(window)
            row = self._draw_row(bins)
            slot = _slot(row, perceived_deg)
            if slides == MAX_SLIDES:
                # The galaxy belongs in a gap of the grid and is placed beside the nearest standard.
                slot = min(max(slot, 1), len(row) - 1)
            self._write(window, bins, row, slot)
            if slot == 0:
                if window == grid.FIRST_WINDOW:
                    return "face_on"
                window = grid.slide_window(window, -1)
            elif slot == len(row) and window != grid.LAST_WINDOW:
                window = grid.slide_window(window, 1)
            else:
                break
        return "accepted"

    def _draw_row(self, bins: Sequence[int]) -> _Row:
        """Draw the panels that can be filled; those still on screen keep their standard unless redrawn."""
        row = [(bin_deg, self._sources[bin_deg]) for bin_deg in bins if bin_deg in self._sources]
        kept = {bin_deg for bin_deg, _source in row if bin_deg in self._shown}
        self._shown = {bin_deg: self._shown[bin_deg] for bin_deg in kept}
        for bin_deg, source in row:
            if bin_deg not in kept or self._rng.random() < REDRAW_CHANCE:
                self._shown.pop(bin_deg, None)
                on_screen = {self._standard(self._sources[other], draw) for other, draw in self._shown.items()}
                self._shown[bin_deg] = self._draw(source, on_screen)
        return row

    def _draw(self, source: int, on_screen: set[int]) -> int:
        """Return the next draw number of the bin whose standard is not on screen, if the bin has such a one."""
        first = self._counter.get(source, 0)
        candidates = range(first, first + len(self._orders[source]))
        draw = next((number for number in candidates if self._standard(source, number) not in on_screen), first)
        self._counter[source] = draw + 1
        return draw

    def _standard(self, source: int, draw: int) -> int:
        return grid.shown_standard(self._orders[source], draw)

    def _write(self, window: int | None, bins: Sequence[int], row: _Row, slot: int) -> None:
        visible = {bin_deg for bin_deg, _source in row}
        step: dict[str, Any] = {"step": "A"} if window is None else {"step": "B", "window": window}
        draws = [self._shown[bin_deg] if bin_deg in visible else None for bin_deg in bins]
        self._steps.append({**step, "draws": draws, "slot": slot})


def _slot(row: _Row, perceived_deg: float) -> int:
    """Return how many of the visible standards are not more inclined than the target."""
    return sum(source <= perceived_deg for _bin_deg, source in row)
