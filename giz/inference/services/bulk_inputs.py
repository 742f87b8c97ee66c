"""Inputs of a bulk prediction: a label set, the galaxies of a campaign, or a Parquet table of numbers or pictures."""

from __future__ import annotations

import errno
import hashlib
import json
import math
import os
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from giz.catalog.formats.numbers import read_pgc
from giz.catalog.models import GalaxyImage
from giz.catalog.storage import StorageError
from giz.core.errors import Refused
from giz.core.vocabulary import BANDS
from giz.imaging.decode import MAX_BYTES
from giz.imaging.decoder import PICTURE_SECONDS, upload_decode
from giz.imaging.errors import PictureError, UnusableFileError
from giz.inference.services.predictions import PLAIN_VIEW, shown_pictures
from giz.inference.storage import display_read
from giz.labelset import LabelSet, LabelSetError
from giz.tables.table import RowError

if TYPE_CHECKING:
    import pyarrow as pa

Pixels = npt.NDArray[np.uint8]
READERS = 2  # Pillow decodes without the interpreter's lock
NUMBER_COLUMN = "pgc"


@dataclass(frozen=True, slots=True)
class InputRow:
    """One row of the input: pictures by band as the network is shown them, or the reason why there are none."""

    row: int
    pgc: int | None
    pictures: Mapping[str, Pixels] = field(default_factory=dict)
    problem: str = ""


class Input(Protocol):
    """Rows that must not change while they are predicted, which `digest` verifies."""

    digest: str

    def __len__(self) -> int: ...

    def read(self, start: int, stop: int) -> Iterator[InputRow]:
        """Yield the rows from `start` to before `stop`, in order."""
        ...


def input_of(described: Mapping[str, Any], size_px: int = 128) -> Input:
    """Open the input of a job: ``{"labelset": folder}``, ``{"campaign": name}`` or ``{"table": file}``.

    ``size_px`` is the side of the pictures that the network is shown.

    Raises
    ------
    Refused
        If it does not exist or can't be used.
    """
    if "labelset" in described:
        return LabelSetInput(Path(described["labelset"]), size_px)
    if "campaign" in described:
        return CatalogueInput(_numbers_of_campaign(described["campaign"]), size_px)
    return _table(Path(described["table"]), size_px)


class LabelSetInput:
    """All galaxies of a label set on disk."""

    def __init__(self, folder: Path, size_px: int) -> None:
        self._size_px = size_px
        try:
            self._labelset = LabelSet.open(folder)
        except LabelSetError as error:
            raise Refused(error.code, error.detail) from None
        if not self._labelset.size_px:
            raise Refused("no_images", "This label set contains no pictures.")
        self.digest = str(self._labelset.manifest["digest"])
        self._has = {band: self._labelset.has_image(band) for band in BANDS}

    def __len__(self) -> int:
        return len(self._labelset)

    def read(self, start: int, stop: int) -> Iterator[InputRow]:
        for row in range(start, stop):
            pictures = {band: np.asarray(self._labelset.image(row, band)) for band in BANDS if self._has[band][row]}
            shown = shown_pictures(pictures, PLAIN_VIEW, self._size_px)
            yield InputRow(row, int(self._labelset.pgc[row]), shown, "" if shown else "no picture")


class CatalogueInput:
    """Galaxies by number, with their current pictures in the catalogue.

    The largest file of each picture is read and scaled, as on the Predict page, so that both predict the same.

    problems : by row, why there is no number.
    """

    def __init__(self, numbers: list[int | None], size_px: int, problems: Mapping[int, str] | None = None) -> None:
        self._numbers = numbers
        self._size_px = size_px
        self._problems = problems or {}
        digest = hashlib.sha256()
        if self._problems:
            digest.update(json.dumps(sorted(self._problems.items())).encode())
        for chunk in _chunks(numbers):
            digest.update(json.dumps([chunk, _stems(chunk)], sort_keys=True).encode())
        self.digest = digest.hexdigest()

    def __len__(self) -> int:
        return len(self._numbers)

    def read(self, start: int, stop: int) -> Iterator[InputRow]:
        numbers = self._numbers[start:stop]
        stems = _stems(numbers)
        with ThreadPoolExecutor(READERS) as pool:
            yield from pool.map(
                lambda item: self._subject(item[0], item[1], stems.get(item[1] or 0, {})),
                enumerate(numbers, start=start),
            )

    def _subject(self, row: int, pgc: int | None, stems: Mapping[str, tuple[str, list[int]]]) -> InputRow:
        if not stems:
            problem = self._problems.get(row, "no PGC number") if pgc is None else "no picture in the catalogue"
            return InputRow(row, pgc, problem=problem)
        try:
            pictures = {
                band: display_read(stem, max(sizes_px), is_colour=band == "gri")
                for band, (stem, sizes_px) in stems.items()
            }
        except StorageError:
            raise  # not a problem of this galaxy: the job is retried and resumes here
        except OSError:
            return InputRow(row, pgc, problem="its picture can't be read")
        return InputRow(row, pgc, shown_pictures(pictures, PLAIN_VIEW, self._size_px))


class PicturesInput:
    """A table with a column per band: paths relative to the table's folder, or the bytes of files."""

    def __init__(self, path: Path, size_px: int) -> None:
        import pyarrow.parquet as pq

        self._size_px = size_px

        with path.open("rb") as file:
            self.digest = hashlib.file_digest(file, "sha256").hexdigest()
        self._folder = path.parent
        self._file = pq.ParquetFile(path)
        schema = self._file.schema_arrow
        self._bands = _picture_columns(schema)
        self._exact_below = _exact_below(schema)
        self._has_number = NUMBER_COLUMN in schema.names

    def __len__(self) -> int:
        return int(self._file.metadata.num_rows)

    def read(self, start: int, stop: int) -> Iterator[InputRow]:
        columns = [*self._bands, *([NUMBER_COLUMN] if self._has_number else [])]
        with ThreadPoolExecutor(READERS) as pool:
            yield from pool.map(self._subject, *zip(*self._rows(start, stop, columns), strict=True))

    def _rows(self, start: int, stop: int, columns: list[str]) -> Iterator[tuple[int, dict[str, Any]]]:
        first = 0
        for number in range(self._file.metadata.num_row_groups):
            rows = self._file.metadata.row_group(number).num_rows
            if first < stop and first + rows > start:
                table = self._file.read_row_group(number, columns=columns)
                low, high = max(start - first, 0), min(stop - first, rows)
                yield from enumerate(table.slice(low, high - low).to_pylist(), start=first + low)
            first += rows

    def _subject(self, row: int, cells: dict[str, Any]) -> InputRow:
        number, problem = _number(cells.get(NUMBER_COLUMN), self._exact_below)
        try:
            pictures = {
                band: upload_decode(
                    self._bytes(cells[band]), band=band, may_be_webp=True, seconds=PICTURE_SECONDS, is_patient=True
                )[1]
                for band in self._bands
                if cells[band]
            }
        except UnusableFileError as error:
            return InputRow(row, number, problem=error.detail)
        except OSError as error:
            return InputRow(row, number, problem=f"its file can't be read ({error.strerror or type(error).__name__})")
        shown = shown_pictures(pictures, PLAIN_VIEW, self._size_px)
        return InputRow(row, number, shown, problem if shown else "no picture")

    def _bytes(self, cell: str | bytes) -> bytes:
        if isinstance(cell, bytes):
            return cell
        path = self._folder / cell
        if not path.is_file():  # a pipe or device may never end
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        if path.stat().st_size > MAX_BYTES:
            raise PictureError("image_too_large", f"The file is larger than {MAX_BYTES:,} bytes.")
        return path.read_bytes()


def _table(path: Path, size_px: int) -> Input:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        schema = pq.read_schema(path)
        if _picture_columns(schema):
            return PicturesInput(path, size_px)
        if NUMBER_COLUMN in schema.names:
            column = pq.read_table(path, columns=[NUMBER_COLUMN])[NUMBER_COLUMN].to_pylist()
            exact_below = _exact_below(schema)
            read = [_number(cell, exact_below) for cell in column]
            problems = {row: problem for row, (_, problem) in enumerate(read) if problem}
            return CatalogueInput([number for number, _ in read], size_px, problems)
    except (pa.ArrowException, OSError) as error:
        raise Refused("bad_table", f"{path} can't be read as Parquet ({type(error).__name__}).") from None
    taken = [f"{one.name} is {one.type}" for one in schema if one.name in BANDS]
    hint = f" Here {', '.join(taken)}, neither paths nor bytes." if taken else ""
    raise Refused(
        "bad_table", f"{path.name} needs the column pgc, or pictures (paths or bytes) in columns g, r, i, gri.{hint}"
    )


def _picture_columns(schema: pa.Schema) -> list[str]:
    """Bands that hold text (paths) or bytes; catalogues call their magnitudes so, too."""
    held = {one.name for one in schema if _is_text_or_bytes(one.type)}
    return [band for band in BANDS if band in held]


def _is_text_or_bytes(kind: pa.DataType) -> bool:
    import pyarrow.types as types

    if types.is_dictionary(kind):
        return _is_text_or_bytes(kind.value_type)
    tests = (
        types.is_string,
        types.is_large_string,
        types.is_string_view,
        types.is_binary,
        types.is_large_binary,
        types.is_binary_view,
        types.is_fixed_size_binary,
    )
    return any(test(kind) for test in tests)


def _number(cell: Any, exact_below: float) -> tuple[int | None, str]:
    """Read a cell of the column pgc as imports do; return the number, or None and the reason.

    exact_below : from this number on the column's type can't represent every whole number.
    """
    if cell is None or (isinstance(cell, float) and math.isnan(cell)):
        return None, ""
    if isinstance(cell, bool) or not isinstance(cell, int | float | str | Decimal):
        return None, f"pgc is {str(cell)[:40]!r}, must be a whole number above 0"
    if isinstance(cell, float) and abs(cell) >= exact_below:
        return None, f"pgc is {cell}, too large to be exact in this column: write whole numbers"
    try:
        # "f" writes a whole number without an exponent.
        text = cell.strip() if isinstance(cell, str) else f"{cell:f}" if isinstance(cell, Decimal) else str(cell)
        return read_pgc(text, may_be_synthetic=True), ""
    except RowError as error:
        return None, str(error)


def _exact_below(schema: pa.Schema) -> float:
    """Return the number from which the type of the column pgc can't represent every whole number."""
    import pyarrow.types as types

    if NUMBER_COLUMN not in schema.names:
        return math.inf
    kind = schema.field(NUMBER_COLUMN).type
    if types.is_float16(kind):
        return 2.0**11
    return 2.0**24 if types.is_float32(kind) else math.inf


def _numbers_of_campaign(name: str) -> list[int | None]:
    from labeling.models import Target
    from labeling.services.campaigns import campaign_named

    targets = Target.objects.filter(campaign=campaign_named(name)).order_by("galaxy__pgc")
    return list(targets.values_list("galaxy__pgc", flat=True))


def _stems(numbers: Iterable[int | None]) -> dict[int, dict[str, tuple[str, list[int]]]]:
    """Return stem and sizes of the current pictures, by galaxy and band."""
    wanted = [number for number in numbers if number is not None]
    found: dict[int, dict[str, tuple[str, list[int]]]] = {}
    images = GalaxyImage.objects.filter(galaxy__pgc__in=wanted, is_current=True)
    for pgc, band, stem, sizes_px in images.values_list("galaxy__pgc", "band", "stem", "sizes_px"):
        if sizes_px:
            found.setdefault(pgc, {})[band] = (stem, sorted(sizes_px))
    return found


def _chunks(numbers: list[int | None], size: int = 10_000) -> Iterator[list[int | None]]:
    for start in range(0, len(numbers), size):
        yield numbers[start : start + size]
