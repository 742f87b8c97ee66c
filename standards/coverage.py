"""What a standard set can show: filled bins, fallbacks, and panels that are left out. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from standards import grid


@dataclass(frozen=True)
class BinCoverage:
    """One bin of the grid: its standards, those with pictures, and the bin that fills its panel (None: left out)."""

    bin_deg: int
    standards: int
    shown: int
    source_deg: int | None


@dataclass(frozen=True)
class Coverage:
    """The bins of the grid, low to high, and the rows of nine panels that can't be used."""

    bins: tuple[BinCoverage, ...]

    @property
    def empty_bins(self) -> list[int]:
        """Bins without a standard that can be shown."""
        return [entry.bin_deg for entry in self.bins if not entry.shown]

    @property
    def unfilled_panels(self) -> list[int]:
        """Bins whose panel is left out: no standard within two degrees."""
        return [entry.bin_deg for entry in self.bins if entry.source_deg is None]

    @property
    def is_usable(self) -> bool:
        """Whether every row of nine panels has at least three."""
        return grid.has_enough_panels({entry.bin_deg for entry in self.bins if entry.source_deg is not None})


def coverage_of(standards: Mapping[int, int], shown: Mapping[int, int]) -> Coverage:
    """Return the coverage of a set from its numbers of standards, and of shown ones, by bin."""
    sources = grid.panel_sources([bin_deg for bin_deg, count in shown.items() if count])
    return Coverage(
        tuple(
            BinCoverage(bin_deg, standards.get(bin_deg, 0), shown.get(bin_deg, 0), sources.get(bin_deg))
            for bin_deg in grid.GRID_BINS
        )
    )
