"""Tables in VOTable, FITS and Parquet, read as rows of text like any other table; rows are counted from 1."""

import hashlib
import math
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from giz.catalog.formats.table import MAX_CELL_CHARACTERS, MAX_COLUMNS, Row, Table, TableError

ROWS_A_BATCH = 5000
_FITS, _PARQUET = b"SIMPLE  =", b"PAR1"


def binary_format(path: Path) -> str:
    """Return ``fits``, ``parquet``, ``votable``, or nothing for a table of text; the content tells, not the name."""
    with path.open("rb") as file:
        head = file.read(4096)
    if head.startswith(_FITS):
        return "fits"
    if head.startswith(_PARQUET):
        return "parquet"
    return "votable" if b"<VOTABLE" in head or b":VOTABLE" in head else ""


@dataclass(frozen=True)
class BinaryTable(Table):
    """A table with typed columns; ``original`` are their names as the file has them."""

    kind: str = ""
    original: tuple[str, ...] = ()

    def rows(self) -> Iterator[Row]:
        """Yield every row as text; masked cells and NaN are empty."""
        line = 0
        for batch in _batches(self.path, self.kind, self.original):
            for cells in zip(*batch, strict=True):
                line += 1
                texts = [_text(cell) for cell in cells]
                if any(len(text) > MAX_CELL_CHARACTERS for text in texts):
                    yield Row(line, {}, f"a cell has more than {MAX_CELL_CHARACTERS} characters")
                else:
                    yield Row(line, dict(zip(self.columns, texts, strict=True)))


def open_binary_table(path: Path, kind: str) -> BinaryTable:
    """Look at a table: columns (in lower case), their units, and number of rows.

    Raises
    ------
    TableError
        Damaged, without a table, or a column named twice.
    """
    try:
        original, units, rows = _look(path, kind)
    # astropy and pyarrow raise whatever their parsers do on a damaged file.
    except Exception as error:
        if isinstance(error, MemoryError):
            raise
        raise TableError(f"{path.name} can't be read as {kind} ({type(error).__name__}); is it whole?") from None
    columns = tuple(name.strip().lower() for name in original)
    if len(columns) > MAX_COLUMNS:
        raise TableError(f"{path.name} has {len(columns)} columns; at most {MAX_COLUMNS} are read.")
    twice = sorted({name for name in columns if columns.count(name) > 1})
    if twice:
        raise TableError(f"{path.name} names the column {twice[0]!r} more than once.")
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    given = {column: unit for column, unit in zip(columns, units, strict=True) if unit}
    return BinaryTable(path, columns, "", "utf-8", rows, sha256, given, kind, original)


def _look(path: Path, kind: str) -> tuple[tuple[str, ...], list[str], int]:
    """Names and units of the columns, and the number of rows."""
    if kind == "parquet":
        import pyarrow.parquet as pq

        with pq.ParquetFile(path) as file:
            schema = file.schema_arrow
            # As our own label sets tell it.
            units = [(schema.field(name).metadata or {}).get(b"unit", b"").decode() for name in schema.names]
            return tuple(schema.names), units, int(file.metadata.num_rows)
    table = _astropy_table(path, kind)
    return tuple(table.colnames), [str(getattr(table[name], "unit", None) or "") for name in table.colnames], len(table)


def _batches(path: Path, kind: str, names: tuple[str, ...]) -> Iterator[list[list[Any]]]:
    """Columns of some thousand rows at a time."""
    if kind == "parquet":
        import pyarrow.parquet as pq

        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(ROWS_A_BATCH):
                yield [column.to_pylist() for column in batch.columns]
        return
    table = _astropy_table(path, kind)
    for start in range(0, len(table), ROWS_A_BATCH):
        part = table[start : start + ROWS_A_BATCH]
        yield [part[name].tolist() for name in names]


def _astropy_table(path: Path, kind: str) -> Any:
    from astropy.table import Table as AstropyTable
    from astropy.units import UnitsWarning

    from giz.imaging.fits_structure import check_structure

    with warnings.catch_warnings():
        # A unit that astropy does not know is told in our words, where the column is of use at all.
        warnings.simplefilter("ignore", UnitsWarning)
        if kind == "fits":
            check_structure(path, path.name)
            return AstropyTable.read(path, format="fits", memmap=True)
        return AstropyTable.read(path, format="votable", use_names_over_ids=True)


def _text(cell: Any) -> str:
    if cell is None or (isinstance(cell, float) and math.isnan(cell)):
        return ""
    text = cell.decode("utf-8", "replace") if isinstance(cell, bytes) else str(cell)
    return text.replace("\x00", "").strip()
