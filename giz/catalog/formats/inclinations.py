"""Inclinations from elsewhere (kinematics, axial ratios, other catalogues), and how ours compare with them. Pure.

A table has a galaxy a row: its PGC number, its inclination, and where known the error, the reference, and the q0 and
the definition behind it. An error that all galaxies of a reference share is a difference of scales; the common-mode
error is what such differences amount to over the references.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from giz.catalog.formats.galaxies import read_number
from giz.catalog.formats.numbers import number_in_words, read_pgc
from giz.core.errors import Refused
from giz.core.plot import Plot, Series
from giz.core.report import Column, Report
from giz.core.words import counted, plain, signed
from giz.tables.table import PGC_NAMES, Row, RowError
from giz.tables.text import table_or_refusal

INCLINATION_NAMES = ("inclination_deg", "inc", "inclination")
ERROR_NAMES = ("inclination_error_deg", "inc_e", "e_inc", "sigma_deg")
BIN_DEG, OUTLIER_DEG = 10, 10.0
# Of a normal distribution: the scatter is this times the median distance from the median.
ROBUST = 1.4826
# Half widths of 68 and 95 % in standard deviations.
SIGMAS = (0.9945, 1.9600)
# The galaxies from which on a reference counts in the common-mode error.
LEAST_GALAXIES = 10
MOST_DOTS = 1500

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Outside:
    """One inclination from elsewhere, degrees; NaN for an error that is not known."""

    pgc: int
    inclination_deg: float
    error_deg: float = float("nan")
    reference: str = ""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Ours less theirs over `count` galaxies, degrees, of a reference or of a range of theirs.

    scatter_deg : robust. held_68, held_95 : shares of theirs within our intervals, which are widened by their errors
        where these are known; None where ours have none.
    """

    name: str
    count: int
    bias_deg: float
    scatter_deg: float
    rms_deg: float
    outlier_share: float
    held_68: float | None = None
    held_95: float | None = None


def read_inclinations(path: Path, *, by_reference: bool = True, name: str = "") -> list[Outside]:
    """Read a table of any format that the house reads.

    by_reference : whether a galaxy may come once with each reference. name : of the reference, where the table has no
    column `reference`.

    Raises
    ------
    Refused
        ``no_file``; ``bad_table``, with the line of what is wrong.
    """
    table = table_or_refusal(path)
    found = {
        what: next((one for one in names if one in table.columns), "")
        for what, names in (("number", PGC_NAMES), ("inclination", INCLINATION_NAMES), ("error", ERROR_NAMES))
    }
    if not found["number"] or not found["inclination"]:
        raise Refused("bad_table", f"{path.name} needs the columns pgc and {' or '.join(INCLINATION_NAMES)}.")
    known: dict[tuple[int, str], Outside] = {}
    for row in table.rows():
        try:
            one = _outside(row, found, name or path.stem if by_reference else "", by_reference)
            if known.setdefault((one.pgc, one.reference), one).inclination_deg != one.inclination_deg:
                earlier = known[one.pgc, one.reference].inclination_deg
                column = found["inclination"]
                raise RowError(f"{number_in_words(one.pgc)} appears above with another {column}, {earlier:g}")
        except RowError as error:
            raise Refused("bad_table", f"{path.name}, line {row.line}: {error}.") from None
    return list(known.values())


def _outside(row: Row, found: Mapping[str, str], name: str, by_reference: bool) -> Outside:
    if row.problem:
        raise RowError(row.problem)
    column = found["inclination"]
    inclination_deg = read_number(column, row.cells[column])
    if not 0.0 <= inclination_deg <= 90.0:
        raise RowError(f"{column} is {row.cells[column]}, must lie in 0 to 90 degrees")
    pgc = read_pgc(row.cells[found["number"]], may_be_synthetic=True)
    error = row.cells.get(found["error"], "")
    if by_reference:
        words = [row.cells.get("reference", "") or name]
        words += [f"q0 = {row.cells['q0']}"] if row.cells.get("q0") else []
        words += [row.cells["definition"]] if row.cells.get("definition") else []
        name = ", ".join(words)
    return Outside(pgc, inclination_deg, read_number(found["error"], error) if error else float("nan"), name)


def compared(
    outside: Sequence[Outside], pgc: npt.NDArray[np.int64], ours_deg: Floats, half_widths_deg: Floats | None
) -> dict[str, Any]:
    """Compare ours, (n,) degrees and where known half widths (n, 2), with those from elsewhere, as JSON.

    Returns
    -------
    `all`, `by_reference`, `by_inclination` (comparisons), `sigma_common_deg` (None with too few galaxies), `dots`.
    """
    place = {int(number): row for row, number in enumerate(pgc.tolist()) if np.isfinite(ours_deg[row])}
    both = [one for one in outside if one.pgc in place]
    rows = np.array([place[one.pgc] for one in both], np.int64)
    theirs = np.array([one.inclination_deg for one in both])
    widths = None
    if half_widths_deg is not None:
        errors = np.nan_to_num(np.array([one.error_deg for one in both]))
        widths = np.hypot(half_widths_deg[rows], np.outer(errors, SIGMAS))
    difference = ours_deg[rows] - theirs
    names = np.array([one.reference for one in both])

    def of(name: str, chosen: npt.NDArray[np.bool_]) -> Comparison:
        return _comparison(name, difference[chosen], None if widths is None else widths[chosen])

    references = [of(name, names == name) for name in sorted(set(names.tolist()))]
    bins = [(low, (theirs >= low) & (theirs < low + BIN_DEG + (low == 80))) for low in range(0, 90, BIN_DEG)]
    scales = [one.bias_deg for one in references if one.count >= LEAST_GALAXIES]
    dots = np.linspace(0, len(both) - 1, min(MOST_DOTS, len(both))).round().astype(int)
    return {
        "all": asdict(of("all", np.ones(len(both), bool))) if both else None,
        "by_reference": [asdict(one) for one in references],
        "by_inclination": [asdict(of(f"{low}° to {low + BIN_DEG}°", chosen)) for low, chosen in bins if chosen.any()],
        "sigma_common_deg": round(float(np.sqrt(np.mean(np.square(scales)))), 2) if scales else None,
        "dots": {"theirs_deg": theirs[dots].tolist(), "difference_deg": difference[dots].round(3).tolist()},
    }


def _comparison(name: str, difference: Floats, widths: Floats | None) -> Comparison:
    middle = float(np.median(difference))
    held = [] if widths is None else [float(share) for share in (np.abs(difference)[:, None] <= widths).mean(axis=0)]
    return Comparison(
        name,
        int(difference.size),
        float(difference.mean()),
        float(ROBUST * np.median(np.abs(difference - middle))),
        float(np.sqrt(np.mean(np.square(difference)))),
        float((np.abs(difference) > OUTLIER_DEG).mean()),
        *held,
    )


_COLUMNS = (
    Column("name", "against"),
    Column("galaxies", "galaxies"),
    Column("bias_deg", "bias"),
    *(Column(f"{name.lower()}_deg", name, 2, "°") for name in ("scatter", "RMS")),
    Column("outlier_share", "> 10°", 1, "%"),
    *(Column(f"held_{level}", f"{level} %", 1, "%") for level in (68, 95)),
)


def comparison_report(found: dict[str, Any], what: str) -> Report:
    """Return a comparison for people; `what` names ours: the network, or the labels."""
    title = f"{what} against inclinations from elsewhere"
    if not found["all"]:
        return Report("truth", title, ["No galaxy of the table has an inclination here."])
    rows = [
        (
            one["name"],
            one["count"],
            f"{signed(one['bias_deg'], 2)}°",
            *(one[key] for key in ("scatter_deg", "rms_deg", "outlier_share", "held_68", "held_95")),
        )
        for one in (*found["by_reference"], *found["by_inclination"], found["all"])
    ]
    common = found["sigma_common_deg"]
    galaxies = counted(found["all"]["count"], "comparison", "comparisons")
    lines = [
        f"{galaxies}: ours less theirs; the scatter is robust (1.48 times the median distance from the median). "
        + (
            f"Common-mode error: {plain(common, 2)}°, the root mean square of the biases of the references."
            if common is not None
            else f"No reference has {LEAST_GALAXIES} galaxies, so no common-mode error is stated."
        )
    ]
    dots = found["dots"]
    series = [Series("points", dots["theirs_deg"], dots["difference_deg"], "galaxies", colour=1)]
    plot = Plot(title, "theirs, degrees", "ours less theirs, degrees", series, zero_line=True)
    return Report("truth", title, lines, columns=_COLUMNS, rows=rows, plots=[plot])


def distance_modulus_error(inclination_deg: float, error_deg: float, slope: float = -9.0) -> float:
    """Return what an error of the inclination costs in Tully-Fisher magnitudes, to first order.

    M = slope x log10(W / sin i) + constant, so dM = -slope x cot(i) di / ln 10, with W as observed (Tully & Fisher
    1977). slope : magnitudes per decade; about -9 in i and in the near infrared, -7.3 in B (Kourkchi et al. 2020).
    """
    return float(-slope * np.radians(error_deg) / np.tan(np.radians(inclination_deg)) / np.log(10.0))
