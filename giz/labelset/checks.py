"""Checks of a label set before it is used: files, labels, split."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from giz.core.machine import sha256_of
from giz.core.vocabulary import BANDS
from giz.labelset.files import member_path
from giz.labelset.manifest import FileEntry
from giz.labelset.rows import MAX_INCLINATION_DEG
from giz.labelset.schema import CORE_COLUMNS, SIDE_COLUMNS, VERDICTS, LabelSetError, arrow_schema, sides_of

if TYPE_CHECKING:
    import pyarrow as pa

SHOWN = 5
_SHARD = re.compile(r"images/(?P<band>[a-z]+)-(?P<shard>\d{5})\.npy")


def check_sizes(folder: Path, files: dict[str, FileEntry]) -> None:
    """Check that every listed file exists with the size in the manifest."""
    for entry in files.values():
        path = member_path(folder, entry.path)
        if not path.is_file():
            raise LabelSetError("missing_file", f"{entry.path} is missing; download the label set again.")
        size = path.stat().st_size
        if size != entry.bytes:
            raise LabelSetError(
                "wrong_size",
                f"{entry.path} has {size:,} bytes; the manifest says {entry.bytes:,}. It was cut off or changed.",
            )


def check_hashes(folder: Path, files: dict[str, FileEntry], on_progress: Callable[[int, int], None] | None) -> None:
    """Check that every listed file has the checksum in the manifest."""
    total, done = sum(entry.bytes for entry in files.values()), 0

    def count(size: int) -> None:
        nonlocal done
        done += size
        if on_progress:
            on_progress(done, total)

    for entry in files.values():
        if sha256_of(member_path(folder, entry.path), count) != entry.sha256:
            raise LabelSetError(
                "wrong_sha256",
                f"{entry.path} was changed: its SHA-256 differs from the manifest. Download the set again.",
            )


def check_labels(table: pa.Table, entry: FileEntry) -> npt.NDArray[np.int64]:
    """Check every label, and return the galaxies' numbers (n,).

    Raises
    ------
    LabelSetError
        ``bad_labels`` or ``duplicate_galaxies``, with the first few galaxies concerned.
    """
    _check_columns(table)
    pgc = np.asarray(table["pgc"].to_numpy(), np.int64)
    if entry.rows != pgc.size or pgc.size == 0:
        raise LabelSetError("bad_labels", f"{entry.path} has {pgc.size} galaxies; the manifest says {entry.rows}.")
    steps = np.diff(np.sort(pgc))
    if (steps == 0).any():
        twice = np.unique(np.sort(pgc)[1:][steps == 0])
        raise LabelSetError("duplicate_galaxies", f"{_named(twice)} appear in the label set more than once.")
    if (np.diff(pgc) < 0).any():
        raise LabelSetError("bad_labels", "The galaxies are not sorted by number.")
    _check_numbers(table, pgc)
    verdict = np.asarray(table["verdict"].to_pylist(), dtype=object)
    strange = ~np.isin(verdict.astype(str), list(VERDICTS))
    if strange.any():
        found = ", ".join(sorted({repr(value) for value in verdict[strange]})[:SHOWN])
        raise LabelSetError("bad_labels", f"{_named(pgc[strange])}: the verdict is none of A, F, J, split ({found}).")
    nameless = (verdict == "A") & ~np.asarray(table["inclination_deg"].is_valid())
    if nameless.any():
        raise LabelSetError("bad_labels", f"{_named(pgc[nameless])}: accepted, but without an inclination.")
    return pgc


def _check_columns(table: pa.Table) -> None:
    for wanted in arrow_schema((*CORE_COLUMNS, *SIDE_COLUMNS)):
        if wanted.name not in table.column_names:
            raise LabelSetError("bad_labels", f"The label table has no column {wanted.name}.")
        found = table.schema.field(wanted.name)
        if found.type != wanted.type:
            raise LabelSetError("bad_labels", f"Column {wanted.name} holds {found.type} instead of {wanted.type}.")
        if not wanted.nullable and table[wanted.name].null_count:
            raise LabelSetError("bad_labels", f"Column {wanted.name} has {table[wanted.name].null_count} empty cells.")


def _check_numbers(table: pa.Table, pgc: npt.NDArray[np.int64]) -> None:
    for field in table.schema:
        if str(field.type) == "double":
            values = table[field.name]
            bad = ~np.isfinite(values.fill_null(0.0).to_numpy())
            if bad.any():
                raise LabelSetError("bad_labels", f"{_named(pgc[bad])}: {field.name} is NaN or infinite.")
    angle = table["inclination_deg"].fill_null(0.0).to_numpy()
    outside = (angle < 0.0) | (angle > MAX_INCLINATION_DEG)
    if outside.any():
        raise LabelSetError("bad_labels", f"{_named(pgc[outside])}: the inclination is not within 0 to 90 degrees.")


def check_sides(table: pa.Table) -> None:
    """Check that every galaxy is on the side given by its number, so that no test galaxy is ever trained on."""
    names = [column.name for column in SIDE_COLUMNS]
    cells: list[list[Any]] = [table[name].to_pylist() for name in names]
    for pgc, *found in zip(table["pgc"].to_pylist(), *cells, strict=True):
        sides = sides_of(pgc)
        if found != [sides.split, sides.is_validation, *sides.subsamples]:
            raise LabelSetError(
                "bad_split", f"pgc {pgc} is marked as {found[0]}, but is not on that side by the split rule."
            )


def shard_rows(files: dict[str, FileEntry], bands: tuple[str, ...]) -> dict[tuple[str, int], int]:
    """Return the number of images in each shard, by band and shard number."""
    found = {}
    for entry in files.values():
        match = _SHARD.fullmatch(entry.path)
        if match:
            if match["band"] not in bands or match["band"] not in BANDS or entry.rows is None:
                raise LabelSetError("bad_manifest", f"{entry.path} belongs to no band of this label set.")
            found[match["band"], int(match["shard"])] = entry.rows
    return found


def _named(pgc: npt.NDArray[np.int64]) -> str:
    shown = ", ".join(f"pgc {number}" for number in pgc[:SHOWN])
    return f"{shown} and {pgc.size - SHOWN} more" if pgc.size > SHOWN else shown
