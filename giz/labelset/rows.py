"""One galaxy's row, checked when it is written."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from giz.core.vocabulary import VERDICT_NAMES
from giz.labelset.schema import CORE_COLUMNS, SIDE_COLUMNS, VERDICTS, Column, LabelSetError, sides_of

MAX_INCLINATION_DEG = 90.0
_ADDRESS = re.compile(r"[^\s@<>\[\]]+@[^\s@<>\[\]]+\.[^\s@<>\[\]]+")


class RowChecker:
    """Turns a galaxy's mapping into cells in column order, with the split added, and refuses bad values."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self._own = [column for column in columns if column not in SIDE_COLUMNS]
        self._names = {column.name for column in self._own}
        self.last_pgc: int | None = None

    def cells(self, row: Mapping[str, Any]) -> list[Any]:
        """Return the cells in column order.

        Raises
        ------
        LabelSetError
            ``bad_row`` or ``address_found`` (an e-mail address), with the galaxy, the column and the value.
        """
        unknown = set(row) - self._names
        if unknown:
            raise LabelSetError("bad_row", f"This label set has no column {', '.join(sorted(unknown))}.")
        pgc = row.get("pgc")
        if not isinstance(pgc, int) or isinstance(pgc, bool) or pgc < 0:
            raise LabelSetError("bad_row", f"pgc must be a whole number >= 0; got {pgc!r}.")
        if self.last_pgc is not None and pgc <= self.last_pgc:
            problem = "comes twice" if pgc == self.last_pgc else f"comes after {self.last_pgc}"
            raise LabelSetError("bad_row", f"Galaxies must be sorted by number, without repeats; pgc {pgc} {problem}.")
        cells = [_checked(pgc, column, row.get(column.name)) for column in self._own]
        check_label(pgc, row.get("inclination_deg"), row["verdict"])
        self.last_pgc = pgc
        sides = sides_of(pgc)
        return [*cells, sides.split, sides.is_validation, *sides.subsamples]


def check_label(pgc: int, inclination_deg: float | None, verdict: str) -> None:
    """Refuse an unknown verdict, an angle outside 0 to 90, and an accepted galaxy without an angle."""
    if verdict not in VERDICTS:
        raise LabelSetError("bad_row", f"pgc {pgc}: the verdict {verdict!r} is none of A, F, J, split and empty.")
    if inclination_deg is not None and not 0.0 <= inclination_deg <= MAX_INCLINATION_DEG:
        raise LabelSetError("bad_row", f"pgc {pgc}: an inclination of {inclination_deg}° is not within 0 to 90.")
    if verdict == "A" and inclination_deg is None:
        raise LabelSetError("bad_row", f"pgc {pgc}: accepted, but without an inclination.")


def _checked(pgc: int, column: Column, value: Any) -> Any:
    if value is None:
        if not column.nullable:
            raise LabelSetError("bad_row", f"pgc {pgc}: {column.name} is missing.")
        return None
    if column.kind == "string" and isinstance(value, str):
        if "@" in value and _ADDRESS.search(value):
            raise LabelSetError(
                "address_found", f"pgc {pgc}: {column.name} holds an e-mail address; take it out first."
            )
        return value
    if column.kind == "bool" and isinstance(value, bool):
        return value
    if column.kind == "int64" and isinstance(value, int) and not isinstance(value, bool):
        return value
    if column.kind == "float64" and isinstance(value, int | float) and not isinstance(value, bool):
        if not math.isfinite(value):
            raise LabelSetError("bad_row", f"pgc {pgc}: {column.name} is {value}; leave out unknown values.")
        return float(value)
    raise LabelSetError("bad_row", f"pgc {pgc}: {column.name} must be {column.kind}; got {value!r}.")


_VERDICT_COUNTS = {**VERDICT_NAMES, "split": "split", "": "unknown"}
COUNT_NAMES = ("galaxies", *_VERDICT_COUNTS.values(), "train", "validation", "test", "subsample_1", "subsample_2",
               "subsample_3")  # fmt: skip


def add_counts(counts: dict[str, int], cells: Sequence[Any]) -> None:
    """Count the verdict, split and sub-samples of one galaxy (`cells` from `RowChecker.cells`)."""
    verdict = cells[len(CORE_COLUMNS) - 1]
    split, is_validation, *subsamples = cells[-len(SIDE_COLUMNS) :]
    counts["galaxies"] += 1
    counts[_VERDICT_COUNTS[verdict]] += 1
    counts[split] += 1
    counts["validation"] += is_validation
    for flavour, chosen in enumerate(subsamples, start=1):
        counts[f"subsample_{flavour}"] += chosen
