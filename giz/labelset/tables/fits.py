"""FITS binary tables (FITS standard 4.0, section 7.3), written in two passes over a temporary file: widths, rows."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from giz.labelset.files import HashedFile, whole_file
from giz.labelset.parquet import write_rows
from giz.labelset.schema import Column, arrow_schema

if TYPE_CHECKING:
    import pyarrow as pa
    from astropy.io import fits

Cells = Sequence[Any]
BLOCK_BYTES = 2880
ROWS_A_BATCH = 8192
# FITS has no empty integer; TNULL in the header states that this value stands for it.
NULL_INTEGER = -(2**63)


def write_fits(columns: Sequence[Column], rows: Iterable[Cells], out: HashedFile) -> int:
    """Write one binary table after an empty primary unit. FITS text is ASCII: other characters become \\uXXXX.

    Empty cells: NaN for floats, TNULL for integers, blank text, 0 (undefined) for booleans.
    """
    with tempfile.TemporaryDirectory(prefix="giz-fits-") as folder:
        spool = Path(folder) / "rows.parquet"
        with whole_file(spool) as spooled:
            write_rows(spooled, arrow_schema(columns), rows)
        return _from_spool(columns, spool, out)


def _from_spool(columns: Sequence[Column], spool: Path, out: HashedFile) -> int:
    import pyarrow.parquet as pq

    with pq.ParquetFile(spool) as source:
        widths = _widths(columns, source)
        count = int(source.metadata.num_rows)
        kinds = [_kind(column, widths) for column in columns]
        layout = np.dtype([(column.name, kind) for column, (kind, _) in zip(columns, kinds, strict=True)])
        header = _header(columns, [code for _, code in kinds], count, layout.itemsize)
        out.write(header)
        for batch in source.iter_batches(ROWS_A_BATCH):
            out.write(_records(batch, columns, layout).tobytes())
    out.write(b"\0" * (-count * layout.itemsize % BLOCK_BYTES))
    return count


def _widths(columns: Sequence[Column], source: Any) -> dict[str, int]:
    """Return the bytes of the longest text in each text column (at least 1)."""
    names = [column.name for column in columns if column.kind == "string"]
    widths = dict.fromkeys(names, 1)
    for batch in source.iter_batches(ROWS_A_BATCH, columns=names) if names else ():
        for name in names:
            longest = max((len(_ascii(text)) for text in batch[name].to_pylist() if text), default=0)
            widths[name] = max(widths[name], longest)
    return widths


def _ascii(text: str) -> bytes:
    r"""Return text as printable ASCII; other characters and the backslash become \uXXXX or \UXXXXXXXX.

    Python's ``unicode_escape`` reads it back; escapes in the original text are escaped themselves.
    """
    if text.isascii() and text.isprintable() and "\\" not in text:
        return text.encode()
    return "".join(map(_escaped, text)).encode("ascii")


def _escaped(character: str) -> str:
    if " " <= character <= "~" and character != "\\":
        return character
    if character < " ":
        return " "
    return f"\\u{ord(character):04x}" if character <= "\uffff" else f"\\U{ord(character):08x}"


def _kind(column: Column, widths: dict[str, int]) -> tuple[str, str]:
    """Return the numpy type in FITS byte order, and the TFORM code."""
    if column.kind == "string":
        width = widths[column.name]
        return f"S{width}", f"{width}A"
    return {"int64": (">i8", "K"), "float64": (">f8", "D"), "bool": ("u1", "L")}[column.kind]


def _header(columns: Sequence[Column], codes: Sequence[str], count: int, row_bytes: int) -> bytes:
    from astropy.io import fits

    primary = fits.Header(
        [("SIMPLE", True, "conforms to FITS standard"), ("BITPIX", 8), ("NAXIS", 0), ("EXTEND", True)]
    )
    table = fits.Header(
        [
            ("XTENSION", "BINTABLE", "binary table"),
            ("BITPIX", 8),
            ("NAXIS", 2),
            ("NAXIS1", row_bytes, "bytes a row"),
            ("NAXIS2", count, "rows"),
            ("PCOUNT", 0),
            ("GCOUNT", 1),
            ("TFIELDS", len(columns)),
            ("EXTNAME", "LABELS"),
        ]
    )
    for number, (column, code) in enumerate(zip(columns, codes, strict=True), start=1):
        _add_column(table, number, column, code)
    text: str = primary.tostring(padding=True) + table.tostring(padding=True)
    return text.encode("ascii")


def _add_column(table: fits.Header, number: int, column: Column, code: str) -> None:
    table[f"TTYPE{number}"] = column.name
    table[f"TFORM{number}"] = code
    if column.unit:
        table[f"TUNIT{number}"] = column.unit
    if column.ucd:
        table[f"TUCD{number}"] = column.ucd
    if column.kind == "int64" and column.nullable:
        table[f"TNULL{number}"] = NULL_INTEGER
    table[f"TCOMM{number}"] = column.description[:66]


def _records(batch: pa.RecordBatch, columns: Sequence[Column], layout: np.dtype[Any]) -> npt.NDArray[Any]:
    records = np.zeros(batch.num_rows, layout)
    for column in columns:
        make = _CELLS[column.kind]
        # Via a list: Arrow's conversion to numpy imports pandas if installed.
        records[column.name] = [make(cell) for cell in batch[column.name].to_pylist()]
    return records


_CELLS: dict[str, Callable[[Any], Any]] = {
    "string": lambda cell: _ascii(cell) if cell else b"",
    "bool": lambda cell: 0 if cell is None else ord("T" if cell else "F"),
    "int64": lambda cell: NULL_INTEGER if cell is None else cell,
    "float64": lambda cell: math.nan if cell is None else cell,
}
