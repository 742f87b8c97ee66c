"""Comma-separated values, JSON, and the original's pipe table."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Sequence
from typing import Any

from giz.labelset.files import HashedFile
from giz.labelset.schema import Column, LabelSetError

Cells = Sequence[Any]
EDD_WIDTHS = {"pgc": 7, "inc": 3, "inc_e": 5, "inc_flg": 7, "inc_n": 5, "inc_note": 100}
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def guard_formula(text: str) -> str:
    """Put an apostrophe before text that a spreadsheet would run as a formula (`unguard_formula` removes it)."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) or _is_guarded(text) else text


def unguard_formula(text: str) -> str:
    """Return the text that `guard_formula` was given."""
    return text[1:] if _is_guarded(text) else text


def _is_guarded(text: str) -> bool:
    """Whether text is apostrophes before a formula; such text gets one more, so that the inverse is exact."""
    bare = text.lstrip("'")
    return bare != text and bare.startswith(_FORMULA_STARTS)


class _Utf8:
    """A text file for the csv module that writes bytes."""

    def __init__(self, out: HashedFile) -> None:
        self._out = out

    def write(self, text: str) -> int:
        return self._out.write(text.encode())


def write_csv(columns: Sequence[Column], rows: Iterable[Cells], out: HashedFile) -> int:
    """Write UTF-8 with one header line, empty cells for unknown values, guarded formulas, and true or false."""
    writer = csv.writer(_Utf8(out), lineterminator="\n")
    writer.writerow([column.name for column in columns])
    texts = [at for at, column in enumerate(columns) if column.kind == "string"]
    truths = [at for at, column in enumerate(columns) if column.kind == "bool"]
    count = 0
    for row in rows:
        cells = list(row)
        for at in texts:
            if cells[at]:
                cells[at] = guard_formula(cells[at])
        for at in truths:
            if cells[at] is not None:
                cells[at] = "true" if cells[at] else "false"
        writer.writerow(cells)
        count += 1
    return count


def write_json(columns: Sequence[Column], rows: Iterable[Cells], out: HashedFile) -> int:
    """Write an array of objects, one per line, with null for unknown values and text unchanged."""
    names = [column.name for column in columns]
    count = 0
    out.write(b"[")
    for row in rows:
        text = json.dumps(dict(zip(names, row, strict=True)), ensure_ascii=False, allow_nan=False)
        out.write((",\n" if count else "\n").encode() + text.encode())
        count += 1
    out.write(b"\n]\n")
    return count


def write_edd(columns: Sequence[Column], rows: Iterable[Cells], out: HashedFile) -> int:
    """Write the original's pipe table, in which a galaxy that is not accepted has inc and inc_e 0, and inc_flg 1."""
    names = [column.name for column in columns]
    missing = [name for name in EDD_WIDTHS if name not in names]
    if missing:
        raise LabelSetError("bad_columns", f"The EDD table needs the column {', '.join(missing)}.")
    places = [names.index(name) for name in EDD_WIDTHS]
    out.write((" | ".join(name.rjust(width) for name, width in EDD_WIDTHS.items()) + "\n").encode())
    count = 0
    for row in rows:
        pgc, inc, inc_e, inc_flg, inc_n, inc_note = (row[at] for at in places)
        note = " ".join((inc_note or "").replace("|", "/").split("\n"))
        cells = (pgc, inc or 0, inc_e or 0, inc_flg, inc_n, note)
        line = " | ".join(str(cell).rjust(width) for cell, width in zip(cells, EDD_WIDTHS.values(), strict=True))
        out.write((line + "\n").encode())
        count += 1
    return count
