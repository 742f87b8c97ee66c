"""Reports: sentences, a table, plots and pictures, as text for a terminal, as files, and as a page of their own.

Reports on campaigns, evaluations of networks and pages of pictures are all made of these. Pure.
"""

import base64
import csv
import io
import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, field, fields
from html import escape
from typing import TYPE_CHECKING, Any

from giz.core.plot import HEIGHT, WIDTH, DrawnPlot, Plot
from giz.core.words import counted, plain

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

# In a file for print: up to three plots below each other, more of them in rows of three.
PLOTS_BELOW, PLOTS_ACROSS = 3, 3
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; color: #222; }
h2 { font-size: 1.05rem; margin: 1.6rem 0 .4rem; } p { margin: .2rem 0; } .alarm { color: #a8483c; font-weight: 600; }
.cards section { border-top: 1px solid #ccc; padding: 1rem 0; display: grid; grid-template-columns: 15rem 1fr; }
.cards section { gap: 1rem; } .cards h2 { margin: 0; } .cards section:first-child { border: 0; display: block; }
figure { display: inline-block; margin: 0 .4rem .6rem 0; vertical-align: top; }
figcaption { font-size: .85rem; color: #555; max-width: 128px; }
img { display: block; width: 128px; height: 128px; image-rendering: pixelated; } svg { max-width: 100%; }
.plots { display: grid; grid-template-columns: repeat(auto-fill, minmax(19rem, 1fr)); gap: 1rem; margin: .8rem 0; }
.wide { overflow-x: auto; } table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .2rem .7rem .2rem 0; text-align: right; border-bottom: 1px solid #ddd; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; white-space: normal; min-width: 7rem; }
th { font-weight: 600; font-size: .85rem; }
@media (prefers-color-scheme: dark) {
  body { background: #1b1b19; color: #ddd; } figcaption { color: #aaa; } th, td, .cards section { border-color: #444; }
  .alarm { color: #e58a7c; } .plot { fill: #ddd; } .plot .grid { stroke: #3a3a38; } .plot .axis { stroke: #bbb; }
  .plot .line.s0 { stroke: #d9a738; } .plot .line.s1 { stroke: #7fb2e8; } .plot .line.s2 { stroke: #e58a7c; }
  .plot .bar.s0, .plot .dot.s0 { fill: #d9a738; } .plot .bar.s1, .plot .dot.s1 { fill: #7fb2e8; }
  .plot .bar.s2, .plot .dot.s2 { fill: #e58a7c; }
}
@media (max-width: 40rem) { .cards section { grid-template-columns: 1fr; } }
"""


@dataclass(frozen=True, slots=True)
class Column:
    """``name`` heads the CSV (with the unit in it), ``label`` the page.

    ``digits`` follow the decimal point and ``unit`` follows the number ("°", or "%" for a share) where people read it.
    """

    name: str
    label: str
    digits: int = 0
    unit: str = ""

    def shown(self, cell: Any) -> str:
        """Return a cell as people read it: thousands separated, unknown values as a dash."""
        if _is_unknown(cell):
            return "–"
        if isinstance(cell, float):
            return f"{plain(100 * cell if self.unit == '%' else cell, self.digits)}{self.unit}"
        return f"{cell:,}" if isinstance(cell, int) and not isinstance(cell, bool) else str(cell)


@dataclass(frozen=True, slots=True)
class Picture:
    """A small picture, (n, n) or (n, n, 3) uint8, a description for people who can't see it, and its caption."""

    pixels: "npt.NDArray[np.uint8]"
    description: str
    caption: str


@dataclass(frozen=True, slots=True)
class Report:
    """``lines`` are sentences with the main figures, ``figures`` the same for programs; None in a cell is unknown.

    ``rows_are`` names the subject of the rows if it has a staff page, where the cell number ``searched`` finds it.
    ``alarms`` are sentences that a page highlights.
    """

    name: str
    title: str
    lines: Sequence[str] = ()
    columns: Sequence[Column] = ()
    rows: Sequence[Sequence[Any]] = ()
    figures: dict[str, Any] = field(default_factory=dict)
    plots: Sequence[Plot | DrawnPlot] = ()
    rows_are: str = ""
    searched: int = 0
    alarms: Sequence[str] = ()
    pictures: Sequence[Picture] = ()

    def shown_rows(self, limit: int | None = None) -> list[list[str]]:
        """Return the cells of the first ``limit`` rows (of all, if None) as people read them."""
        return [
            [column.shown(cell) for cell, column in zip(row, self.columns, strict=True)] for row in self.rows[:limit]
        ]

    def text_columns(self) -> list[bool]:
        """Return which columns contain words, which are left-aligned; numbers are right-aligned."""
        if not self.rows:
            return [False] * len(self.columns)
        return [any(isinstance(cell, str) for cell in cells) for cells in zip(*self.rows, strict=True)]

    def table_lines(self, max_rows: int | None = None) -> list[str]:
        """Return the table in fixed width, one line per row."""
        rows = self.shown_rows()
        heads = [column.label for column in self.columns]
        widths = [max(len(row[place]) for row in [heads, *rows]) for place in range(len(heads))]
        is_left = [True, *self.text_columns()[1:]]
        return [
            "  ".join(
                cell.ljust(width) if left else cell.rjust(width)
                for cell, width, left in zip(row, widths, is_left, strict=True)
            ).rstrip()
            for row in ([heads, *rows[:max_rows]] if rows else [])
        ]

    def as_text(self, max_rows: int = 60) -> str:
        """Return title, sentences and table for a terminal."""
        lines = [self.title, *self.lines, "", *self.table_lines(max_rows)]
        if len(self.rows) > max_rows:
            lines.append(f"… and {counted(len(self.rows) - max_rows, 'more row')}; --csv FILE writes all.")
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
        """Return all plots in one file."""
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

    def as_section(self) -> str:
        """Return the report as a section of an HTML page."""
        parts = [f"<h2>{escape(self.title)}</h2>"] if self.title else []
        parts += [f"<p>{escape(line)}</p>" for line in self.lines]
        parts += [f'<p class="alarm">{escape(line)}</p>' for line in self.alarms]
        section = f"<div>{''.join(parts)}</div>"
        if self.plots:
            section += f'<div class="plots">{"".join(plot.svg() for plot in self.plots)}</div>'
        if self.rows:
            head = "".join(f"<th>{escape(column.label)}</th>" for column in self.columns)
            body = "".join(
                f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in self.shown_rows()
            )
            section += f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
        if self.pictures:
            section += f"<div>{''.join(_figure(picture) for picture in self.pictures)}</div>"
        return f"<section>{section}</section>"


def page(title: str, reports: Iterable[Report], *, are_cards: bool = False) -> str:
    """Return one HTML page of reports, with everything inside and without scripts.

    are_cards : whether each report is a few words beside its pictures.
    """
    sections = "".join(report.as_section() for report in reports)
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style>'
        f"<h1>{escape(title)}</h1><main{' class=cards' if are_cards else ''}>{sections}</main></html>\n"
    )


def _figure(picture: Picture) -> str:
    from PIL import Image

    out = io.BytesIO()
    Image.fromarray(picture.pixels).save(out, "PNG")
    data = base64.b64encode(out.getvalue()).decode()
    image = f'<img alt="{escape(picture.description)}" src="data:image/png;base64,{data}">'
    return f"<figure>{image}<figcaption>{escape(picture.caption)}</figcaption></figure>"


def dumped(report: Report) -> str:
    """Return a report without pictures as text to store: plots as they are drawn, numbers exact, NaN included."""
    values = {one.name: getattr(report, one.name) for one in fields(report) if one.name != "pictures"}
    values["columns"] = [astuple(column) for column in report.columns]
    values["plots"] = [plot.svg() for plot in report.plots]
    return json.dumps(values, ensure_ascii=False, default=lambda number: number.item())


def loaded(text: str) -> Report:
    """Return the report that `dumped` has stored."""
    values = json.loads(text)
    values["columns"] = [Column(*column) for column in values["columns"]]
    values["plots"] = [DrawnPlot(svg) for svg in values["plots"]]
    return Report(**values)


def _is_unknown(cell: Any) -> bool:
    return cell is None or (isinstance(cell, float) and not math.isfinite(cell))


def _plain(cell: Any) -> Any:
    return round(float(cell), 4) if isinstance(cell, float) else cell
