"""Write Parquet with fixed compression and order, so that equal rows give equal bytes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from giz.labelset.files import HashedFile, whole_file

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

ROWS_A_GROUP = 32_768
ROWS_A_BATCH = 4_096


@contextmanager
def parquet_writer(out: HashedFile, schema: pa.Schema) -> Iterator[pq.ParquetWriter]:
    import pyarrow.parquet as pq

    with pq.ParquetWriter(out, schema, compression="zstd", compression_level=3) as writer:
        yield writer


def write_rows(out: HashedFile, schema: pa.Schema, rows: Iterable[Sequence[Any]]) -> None:
    """Write rows (cells in the schema's order) as they come; Parquet collects the batches into row groups."""
    with parquet_writer(out, schema) as writer:
        for batch in batches_of(rows, schema, ROWS_A_BATCH):
            writer.write_batch(batch, row_group_size=ROWS_A_GROUP)


def batches_of(rows: Iterable[Sequence[Any]], schema: pa.Schema, size: int) -> Iterator[pa.RecordBatch]:
    """Yield the rows as record batches of `size` rows, the last one shorter."""
    import pyarrow as pa

    source = iter(rows)
    while chunk := list(islice(source, size)):
        cells = zip(*chunk, strict=True)
        arrays = [arrow_array(column, field.type) for column, field in zip(cells, schema, strict=True)]
        yield pa.record_batch(arrays, schema=schema)


def arrow_array(cells: Sequence[Any], kind: pa.DataType) -> pa.Array:
    """Return cells (None if empty) as an Arrow array.

    Built from buffers: `pyarrow.array` would import pandas if installed, which takes a second and 30 MB.
    """
    import pyarrow as pa

    is_there = np.fromiter((cell is not None for cell in cells), bool, len(cells))
    validity = None if is_there.all() else pa.py_buffer(np.packbits(is_there, bitorder="little").tobytes())
    if pa.types.is_string(kind):
        encoded = [b"" if cell is None else cell.encode() for cell in cells]
        ends = np.cumsum([0, *map(len, encoded)], dtype=np.int32)
        buffers = [validity, pa.py_buffer(ends.tobytes()), pa.py_buffer(b"".join(encoded))]
    elif pa.types.is_boolean(kind):
        bits = np.packbits(np.fromiter((bool(cell) for cell in cells), bool, len(cells)), bitorder="little")
        buffers = [validity, pa.py_buffer(bits.tobytes())]
    else:
        values = cells if validity is None else [0 if cell is None else cell for cell in cells]
        buffers = [validity, pa.py_buffer(np.array(values, kind.to_pandas_dtype()).tobytes())]
    return pa.Array.from_buffers(kind, len(cells), buffers)


def merge(parts: Sequence[Path], path: Path, schema: pa.Schema) -> tuple[int, str, int]:
    """Concatenate the parts into one file; returns bytes, sha256 and rows."""
    import pyarrow.parquet as pq

    rows = 0
    with whole_file(path) as out:
        with parquet_writer(out, schema) as writer:
            for part in parts:
                table = pq.read_table(part, schema=schema, memory_map=False)
                rows += table.num_rows
                writer.write_table(table, row_group_size=ROWS_A_GROUP)
        size, digest = out.bytes_written, out.sha256
    return size, digest, rows
