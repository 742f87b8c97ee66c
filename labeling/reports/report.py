"""A report: what it says in words, a table, plots; and its forms for the terminal and for files."""

import csv
import io
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from giz.core.plot import Plot
from giz.core.words import counted, plain

# In a file for print.
PLOTS_BELOW, PLOTS_ACROSS = 3, 3


@dataclass(frozen=True, slots=True)
class Column:
    """``name`` heads the CSV (its unit is in it), ``label`` the page; ``digits`` after the point in tables for eyes."""

    name: str
    label: str
    digits: int = 0


@dataclass(frozen=True, slots=True)
class Report:
    """``lines`` are sentences with the main figures, ``figures`` the same for programs; None in a cell is unknown.

    ``rows_are`` names what each row is about where that has a staff page; cell number ``searched`` finds it there.
    """

    name: str
    title: str
    lines: Sequence[str]
    columns: Sequence[Column]
    rows: Sequence[Sequence[Any]]
    figures: dict[str, Any] = field(default_factory=dict)
    plots: Sequence[Plot] = ()
    rows_are: str = ""
    searched: int = 0

    def shown_rows(self) -> list[list[str]]:
        """The cells as people read them."""
        return [
            [shown(cell, column.digits) for cell, column in zip(row, self.columns, strict=True)] for row in self.rows
        ]

    def text_columns(self) -> list[bool]:
        """Which columns hold words: those stand flush left, numbers flush right."""
        if not self.rows:
            return [False] * len(self.columns)
        return [any(isinstance(cell, str) for cell in cells) for cells in zip(*self.rows, strict=True)]

    def as_text(self, max_rows: int = 60) -> str:
        """Title, sentences and table in fixed width."""
        rows = self.shown_rows()
        heads = [column.label for column in self.columns]
        widths = [max(len(row[place]) for row in [heads, *rows]) for place in range(len(heads))]
        lines = [self.title, *self.lines, ""]
        is_left = [True, *self.text_columns()[1:]]
        for row in [heads, *rows[:max_rows]] if rows else []:
            placed = zip(row, widths, is_left, strict=True)
            lines.append("  ".join(cell.ljust(width) if left else cell.rjust(width) for cell, width, left in placed))
        if len(rows) > max_rows:
            lines.append(f"… and {counted(len(rows) - max_rows, 'more row')}; --csv FILE writes all.")
        return "\n".join(line.rstrip() for line in lines).rstrip() + "\n"

    def as_csv(self) -> str:
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow([column.name for column in self.columns])
        writer.writerows(["" if _is_unknown(cell) else _plain(cell) for cell in row] for row in self.rows)
        return out.getvalue()

    def as_json(self, campaign: str) -> str:
        rows = [
            {
                column.name: None if _is_unknown(cell) else _plain(cell)
                for column, cell in zip(self.columns, row, strict=True)
            }
            for row in self.rows
        ]
        whole = {"report": self.name, "campaign": campaign, "figures": self.figures, "rows": rows}
        return json.dumps(whole, indent=2, ensure_ascii=False) + "\n"

    def as_svg(self) -> str:
        """All plots in one file: up to three below each other, more of them three in a row, as a page holds them."""
        from giz.core.plot import HEIGHT, WIDTH

        across = 1 if len(self.plots) <= PLOTS_BELOW else PLOTS_ACROSS
        parts = [
            plot.svg().replace(
                "<svg ",
                f'<svg x="{WIDTH * (place % across)}" y="{HEIGHT * (place // across)}" '
                f'width="{WIDTH}" height="{HEIGHT}" ',
                1,
            )
            for place, plot in enumerate(self.plots)
        ]
        width, height = WIDTH * across, HEIGHT * max(math.ceil(len(parts) / across), 1)
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
            f'height="{height}">\n'
        )
        return head + "".join(parts) + "</svg>\n"


def _is_unknown(cell: Any) -> bool:
    return cell is None or (isinstance(cell, float) and not math.isfinite(cell))


def _plain(cell: Any) -> Any:
    return round(float(cell), 4) if isinstance(cell, float) else cell


def shown(cell: Any, digits: int) -> str:
    """A cell as people read it: thousands apart, unknown as a dash."""
    if _is_unknown(cell):
        return "–"
    if isinstance(cell, float):
        return plain(cell, digits)
    return f"{cell:,}" if isinstance(cell, int) and not isinstance(cell, bool) else str(cell)
