"""Write a table in any of the formats, as a complete file with its checksum."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from giz.labelset.files import HashedFile, whole_file
from giz.labelset.parquet import write_rows
from giz.labelset.schema import Column, LabelSetError, arrow_schema, check_columns
from giz.labelset.tables.fits import write_fits
from giz.labelset.tables.text import write_csv, write_edd, write_json
from giz.labelset.tables.votable import write_votable

Cells = Sequence[Any]
TableWriter = Callable[[Sequence[Column], Iterable[Cells], HashedFile], int]


@dataclass(frozen=True, slots=True)
class TableFile:
    """A finished table."""

    path: Path
    bytes: int
    sha256: str
    rows: int


def _write_parquet(columns: Sequence[Column], rows: Iterable[Cells], out: HashedFile) -> int:
    count = 0

    def counted() -> Iterable[Cells]:
        nonlocal count
        for row in rows:
            count += 1
            yield row

    write_rows(out, arrow_schema(columns), counted())
    return count


TABLE_FORMATS: Mapping[str, TableWriter] = MappingProxyType(
    {
        "csv": write_csv,
        "json": write_json,
        "edd": write_edd,
        "parquet": _write_parquet,
        "fits": write_fits,
        "votable": write_votable,
    }
)


def write_table(format_name: str, columns: Sequence[Column], rows: Iterable[Cells], path: Path) -> TableFile:
    """Write rows (cells in the order of `columns`, None for unknown values) to `path` as they come.

    Memory does not grow with the number of rows. The file appears under its name only when complete.

    Raises
    ------
    LabelSetError
        ``unknown_format``, or ``bad_columns`` if the format needs others.
    """
    if format_name not in TABLE_FORMATS:
        known = ", ".join(TABLE_FORMATS)
        raise LabelSetError("unknown_format", f"There is no format {format_name!r}. Known: {known}.")
    check_columns(columns)
    with whole_file(path) as out:
        rows_written = TABLE_FORMATS[format_name](columns, rows, out)
        size, digest = out.bytes_written, out.sha256
    return TableFile(path, size, digest, rows_written)
