"""Tables with typed columns (VOTable, FITS, Parquet, ECSV, IPAC), read as rows of text; rows are counted from 1."""

import hashlib
import io
import math
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple
from xml.parsers import expat

import numpy as np

from giz.core.errors import Refused
from giz.core.words import printable
from giz.tables.table import (
    MAX_CELL_CHARACTERS,
    MAX_COLUMNS,
    MAX_SHOWN_COLUMNS,
    PGC_NAMES,
    Row,
    Table,
    TableError,
)

ROWS_A_BATCH = 5000
MAX_SERVER_WORDS = 300
_LISTS = (list, tuple, np.ndarray)
# By the names that numpy and Arrow have for them.
_SMALL_FLOATS: dict[str, type[np.floating[Any]]] = {
    "float16": np.float16,
    "halffloat": np.float16,
    "float32": np.float32,
    "float": np.float32,
}
_FITS, _PARQUET, _ECSV = b"SIMPLE  =", b"PAR1", b"# %ECSV"


def typed_format(path: Path) -> str:
    """Return ``fits``, ``parquet``, ``votable``, ``ecsv`` or ``ipac`` by the content, or nothing for plain text."""
    with path.open("rb") as file:
        head = file.read(4096)
    for start, kind in ((_FITS, "fits"), (_PARQUET, "parquet"), (_ECSV, "ecsv")):
        if head.startswith(start):
            return kind
    if b"<VOTABLE" in head or b":VOTABLE" in head:
        return "votable"
    # IPAC: comments that start with a backslash, then names and types between bars.
    lines = [line.strip() for line in head.splitlines() if line.strip() and not line.startswith(b"\\")]
    between_bars = [line.startswith(b"|") and line.endswith(b"|") for line in lines[:2]]
    return "ipac" if between_bars == [True, True] else ""


class _Look(NamedTuple):
    """What a file contains: names and units of its columns, the number of rows, and sentences about it for people."""

    names: tuple[str, ...]
    units: list[str]
    rows: int
    notices: tuple[str, ...] = ()


@dataclass(frozen=True)
class TypedTable(Table):
    """A table with typed columns; ``original`` are their names as in the file."""

    kind: str
    original: tuple[str, ...]

    def rows(self) -> Iterator[Row]:
        """Yield every row as text; masked cells and NaN are empty.

        Raises
        ------
        Refused
            ``bad_table`` if the file turns out to be damaged further down.
        """
        line = 0
        batches = _batches(self.path, self.kind, self.original)
        while True:
            try:
                batch = next(batches, None)
            # astropy and pyarrow raise whatever their parsers do on a damaged file.
            except Exception as error:
                if isinstance(error, MemoryError):
                    raise
                raise Refused(
                    "bad_table",
                    f"{self.path.name} is damaged: nothing can be read beyond row {line:,} ({type(error).__name__}).",
                ) from None
            if batch is None:
                return
            for cells in zip(*batch, strict=True):
                line += 1
                texts = [_text(cell) for cell in cells]
                if any(len(text) > MAX_CELL_CHARACTERS for text in texts):
                    yield Row(line, {}, f"a cell has more than {MAX_CELL_CHARACTERS} characters")
                else:
                    yield Row(line, dict(zip(self.columns, texts, strict=True)))


def open_typed_table(path: Path, kind: str) -> TypedTable:
    """Open a table: find its columns (in lower case), their units and the number of rows.

    Raises
    ------
    TableError
        Damaged, without a table, a server's error message, or a column named twice.
    """
    try:
        look = _look(path, kind)
    # astropy and pyarrow raise whatever their parsers do on a damaged file.
    except Exception as error:
        if isinstance(error, MemoryError | TableError):
            raise
        why = printable(str(error).strip().partition("\n")[0][:MAX_SERVER_WORDS])
        raise TableError(f"{path.name} can't be read as {kind} ({type(error).__name__}: {why}).") from None
    columns = tuple(name.strip().lower() for name in look.names)
    if len(columns) > MAX_COLUMNS:
        raise TableError(f"{path.name} has {len(columns)} columns; at most {MAX_COLUMNS} are read.")
    twice = sorted({name for name in columns if columns.count(name) > 1})
    if twice:
        raise TableError(f"{path.name} names the column {printable(twice[0])!r} more than once.")
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    units = {column: unit for column, unit in zip(columns, look.units, strict=True) if unit}
    return TypedTable(path, columns, look.rows, sha256, kind, look.names, units=units, notices=look.notices)


def _look(path: Path, kind: str) -> _Look:
    if kind == "parquet":
        import pyarrow as pa
        import pyarrow.parquet as pq

        with pq.ParquetFile(path) as file:
            schema = file.schema_arrow
            lists = [field.name for field in schema if pa.types.is_nested(field.type)]
            units = dict(zip(schema.names, _parquet_units(schema), strict=True))
            names = tuple(name for name in schema.names if name not in lists)
            rows = int(file.metadata.num_rows)
            return _Look(names, [units[name] for name in names], rows, _about_lists(lists))
    table, notices = _astropy_table(path, kind)
    names = tuple(table.colnames)
    return _Look(names, [str(getattr(table[name], "unit", None) or "") for name in names], len(table), notices)


def _batches(path: Path, kind: str, names: tuple[str, ...]) -> Iterator[list[list[Any]]]:
    """Columns of some thousand rows at a time."""
    if kind == "parquet":
        import pyarrow.parquet as pq

        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(ROWS_A_BATCH, columns=list(names)):
                columns = [batch.column(name) for name in names]
                small = [_SMALL_FLOATS.get(str(column.type)) for column in columns]
                yield [_exact(column.to_pylist(), kept) for column, kept in zip(columns, small, strict=True)]
        return
    table, _ = _astropy_table(path, kind)
    for start in range(0, len(table), ROWS_A_BATCH):
        part = table[start : start + ROWS_A_BATCH]
        # As numpy has them: astropy's columns would decode texts, and stop at a byte that is not UTF-8.
        columns = [part[name].view(np.ma.MaskedArray if hasattr(part[name], "mask") else np.ndarray) for name in names]
        yield [_exact(column.tolist(), _SMALL_FLOATS.get(column.dtype.name)) for column in columns]


def _exact(cells: list[Any], kept: type[np.floating[Any]] | None) -> list[Any]:
    """Write cells of small floats with the fewest digits that distinguish them; leave other columns as they are.

    Where the type no longer distinguishes whole numbers they get an exponent, so no galaxy's number is read from them.
    """
    if kept is None:
        return cells
    exact_below = 2.0 ** (np.finfo(kept).nmant + 1)
    return [
        cell
        if cell is None or not math.isfinite(cell)
        else np.format_float_scientific(kept(cell))
        if abs(cell) >= exact_below
        else str(kept(cell))
        for cell in cells
    ]


def _parquet_units(schema: Any) -> list[str]:
    """Return the units by column, in each of the ways in which Parquet files of the field state them.

    In order of precedence: metadata of the column (our own label sets), the header of astropy's ``Table.write``, and
    that of a VOTable (IVOA Note "VOParquet" 1.0).
    """
    metadata = schema.metadata or {}
    units: dict[str, str] = {}
    if votable := metadata.get(b"IVOA.VOTable-Parquet.content"):
        from astropy.io.votable import parse_single_table

        _refuse_elsewhere(io.BytesIO(votable), "The VOTable in its header")
        fields = parse_single_table(io.BytesIO(votable), verify="ignore").fields
        units |= {field.name: str(field.unit) for field in fields if field.unit is not None}
    if header := metadata.get(b"table_meta_yaml"):
        from astropy.table.meta import get_header_from_yaml

        described = get_header_from_yaml(header.decode().splitlines())["datatype"]
        units |= {column["name"]: str(column["unit"]) for column in described if column.get("unit")}
    for name in schema.names:
        own = schema.field(name).metadata or {}
        if unit := own.get(b"unit") or own.get(b"units"):
            units[name] = unit.decode()
    return [units.get(name, "") for name in schema.names]


def _astropy_table(path: Path, kind: str) -> tuple[Any, tuple[str, ...]]:
    """Return the table with plain columns only, and sentences about it for people."""
    from astropy.table import Table as AstropyTable
    from astropy.table.serialize import represent_mixins_as_columns

    notices: tuple[str, ...] = ()
    with warnings.catch_warnings():
        # An unknown unit is reported in our own words, if the column is used at all.
        warnings.simplefilter("ignore")
        if kind == "fits":
            table = _fits_table(path)
        elif kind == "votable":
            table, notices = _votable(path)
        else:
            table = AstropyTable.read(path, format=f"ascii.{kind}")
        # Sky coordinates, times and quantities are split into plain columns.
        plain = represent_mixins_as_columns(table)
        return plain, notices + _about_lists(_without_lists(plain))


def _without_lists(table: Any) -> list[str]:
    """Remove the columns with several values in each cell (spectra, histories), and return their names."""
    lists = []
    for name in table.colnames:
        column = table[name]
        if column.ndim > 1 and column.size == len(column):
            table[name] = column.reshape(len(column))
        elif column.ndim > 1 or (column.dtype.hasobject and any(isinstance(cell, _LISTS) for cell in column)):
            lists.append(name)
    table.remove_columns(lists)
    return lists


def _about_lists(names: Sequence[str]) -> tuple[str, ...]:
    shown = ", ".join(printable(name) for name in names[:MAX_SHOWN_COLUMNS])
    return (f"Columns with several values per cell are ignored: {shown}.",) if names else ()


def _votable(path: Path) -> tuple[Any, tuple[str, ...]]:
    from astropy.io.votable import parse

    with path.open("rb") as file:
        _refuse_elsewhere(file, path.name)
    document = parse(path, verify="ignore")
    infos = [*document.infos, *(info for resource in document.resources for info in resource.infos)]
    status = {(info.name or "").upper(): info for info in infos}
    words = [
        printable((info.content or info.value or "").strip()[:MAX_SERVER_WORDS])
        for info in infos
        if (info.name or "").upper() == "ERROR" or (info.value or "").upper() == "ERROR"
    ]
    tables = [table for table in document.iter_tables() if table.fields]
    if words:
        raise TableError(f"{path.name} is a server's error message, not a table: {words[0]}")
    if not tables:
        raise TableError(f"{path.name} contains no table.")
    chosen = tables[_place([[field.name for field in table.fields] for table in tables], path.name)]
    cut = (f"{path.name} was cut by its server (QUERY_STATUS is OVERFLOW): rows are missing at its end.",)
    is_cut = any((info.value or "").upper() == "OVERFLOW" for info in status.values())
    return chosen.to_table(use_names_over_ids=True), cut if is_cut else ()


def _refuse_elsewhere(file: BinaryIO, name: str) -> None:
    """Refuse a VOTable whose rows are stored elsewhere: astropy would open any address and any local file."""

    def look(element: str, attributes: dict[str, str]) -> None:
        if element.rpartition(":")[2] == "STREAM" and "href" in attributes:
            raise TableError(
                f"{name} refers to rows in another file (STREAM href), which is not supported. Save the table with "
                "its data inside."
            )

    parser = expat.ParserCreate()
    parser.StartElementHandler = look
    parser.ParseFile(file)


def _fits_table(path: Path) -> Any:
    from astropy.io import fits
    from astropy.table import Table as AstropyTable

    from giz.imaging.fits_structure import check_structure

    check_structure(path, path.name)
    with fits.open(path, memmap=True) as hdus:
        tables = [hdu for hdu in hdus if isinstance(hdu, fits.BinTableHDU | fits.TableHDU)]
        if not tables:
            raise TableError(f"{path.name} contains an image, not a table.")
        chosen = tables[_place([hdu.columns.names for hdu in tables], path.name)]
        if isinstance(chosen, fits.TableHDU):
            return _ascii_fits_table(chosen)
        return AstropyTable.read(hdus, hdu=hdus.index(chosen), format="fits")


def _ascii_fits_table(hdu: Any) -> Any:
    """Read an ASCII FITS table (FITS standard 4.0, section 7.2) cell by cell; TNULL means missing.

    Astropy fails at a TNULL that is not a number in a column of numbers.
    """
    from astropy.table import Column
    from astropy.table import Table as AstropyTable

    if any(str(key).startswith(("TSCAL", "TZERO")) for key in hdu.header):
        raise TableError("A FITS table of text with scaled columns (TSCAL, TZERO) is not read.")
    raw = hdu._get_raw_data(hdu.header["NAXIS2"], f"S{hdu.header['NAXIS1']}", hdu._data_offset)
    lines = [bytes(line).ljust(hdu.header["NAXIS1"]).decode("ascii", "replace") for line in raw]
    table = AstropyTable()
    for number, column in enumerate(hdu.columns, start=1):
        start = hdu.header[f"TBCOL{number}"] - 1
        # Iw, Aw, Fw.d, Ew.d, Dw.d
        width = int(hdu.header[f"TFORM{number}"].strip()[1:].partition(".")[0] or 1)
        missing = str(hdu.header.get(f"TNULL{number}", "")).strip()
        cells = [line[start : start + width].strip() for line in lines]
        if hdu.header[f"TFORM{number}"].strip()[0] == "D":
            cells = [cell.replace("D", "E").replace("d", "e") for cell in cells]
        table[column.name] = Column(["" if cell == missing else cell for cell in cells], unit=column.unit)
    return table


def _place(columns: Sequence[Sequence[str]], name: str) -> int:
    """Return the index of the table to read: the first with a column of PGC numbers, else the first with positions."""
    lower = [{column.strip().lower() for column in names} for names in columns]
    for wanted in ({*PGC_NAMES}, {"ra", "raj2000", "ra_deg", "al2000"}):
        for place, names in enumerate(lower):
            if names & wanted:
                return place
    if len(columns) > 1:
        shown = "; ".join(", ".join(printable(column) for column in names[:6]) for names in columns[:6])
        raise TableError(f"{name} holds {len(columns)} tables, none with a column pgc. Their columns: {shown}.")
    return 0


def _text(cell: Any) -> str:
    if cell is None or (isinstance(cell, float) and math.isnan(cell)):
        return ""
    if isinstance(cell, bytes):
        try:
            text = cell.decode()
        except UnicodeDecodeError:
            text = cell.decode("cp1252", "replace")
    else:
        text = str(cell)
    return text.replace("\x00", "").strip()
