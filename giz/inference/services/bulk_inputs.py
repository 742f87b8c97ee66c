"""What can be predicted in bulk: a label set, the galaxies of a campaign, or a Parquet table of numbers or pictures."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from giz.catalog.models import GalaxyImage
from giz.catalog.storage.errors import StorageError
from giz.core.errors import Refused
from giz.imaging.decode import MAX_BYTES, PictureError
from giz.imaging.fits import FitsError
from giz.inference.services.answers import pictures_seen
from giz.inference.storage import display_read
from giz.inference.uploads import BANDS, read_upload
from giz.inference.view import View
from giz.labelset import LabelSet, LabelSetError

if TYPE_CHECKING:
    import pyarrow as pa

Pixels = npt.NDArray[np.uint8]
READERS = 2  # Pillow decodes without the interpreter's lock
NUMBER_COLUMN = "pgc"


@dataclass(frozen=True, slots=True)
class Subject:
    """One row of the input: pictures by band as a network sees them, or the sentence why there are none."""

    row: int
    pgc: int | None
    pictures: Mapping[str, Pixels] = field(default_factory=dict)
    problem: str = ""


class Input(Protocol):
    """Rows that stay as they are while they are predicted; `digest` tells whether they did."""

    digest: str

    def __len__(self) -> int: ...

    def read(self, start: int, stop: int) -> Iterator[Subject]:
        """Rows from `start` to before `stop`, in order."""
        ...


def input_of(described: Mapping[str, Any], size_px: int = 128) -> Input:
    """The input of a job's parameters: ``{"labelset": folder}``, ``{"campaign": name}`` or ``{"table": file}``.

    ``size_px`` is the side of the pictures that the network sees.

    Raises
    ------
    Refused
        Where it is not there or can't be used.
    """
    if "labelset" in described:
        return LabelSetInput(Path(described["labelset"]), size_px)
    if "campaign" in described:
        return CatalogueInput(_numbers_of_campaign(described["campaign"]), size_px)
    return _table(Path(described["table"]), size_px)


class LabelSetInput:
    """Every galaxy of a label set that is on disk."""

    def __init__(self, folder: Path, size_px: int) -> None:
        self._size_px = size_px
        try:
            self._labelset = LabelSet.open(folder)
        except LabelSetError as error:
            raise Refused(error.code, error.detail) from None
        if not self._labelset.size_px:
            raise Refused("no_images", "This label set holds no pictures.")
        self.digest = str(self._labelset.manifest["digest"])
        self._has = {band: self._labelset.has_image(band) for band in BANDS}

    def __len__(self) -> int:
        return len(self._labelset)

    def read(self, start: int, stop: int) -> Iterator[Subject]:
        for row in range(start, stop):
            pictures = {band: np.asarray(self._labelset.image(row, band)) for band in BANDS if self._has[band][row]}
            seen = pictures_seen(pictures, View(), self._size_px)
            yield Subject(row, int(self._labelset.pgc[row]), seen, "" if seen else "no picture")


class CatalogueInput:
    """Galaxies by number, with the pictures that the catalogue has of them now."""

    def __init__(self, numbers: list[int | None], size_px: int) -> None:
        self._numbers = numbers
        self._size_px = size_px
        digest = hashlib.sha256()
        for chunk in _chunks(numbers):
            digest.update(json.dumps([chunk, _stems(chunk)], sort_keys=True).encode())
        self.digest = digest.hexdigest()

    def __len__(self) -> int:
        return len(self._numbers)

    def read(self, start: int, stop: int) -> Iterator[Subject]:
        numbers = self._numbers[start:stop]
        stems = _stems(numbers)
        with ThreadPoolExecutor(READERS) as pool:
            yield from pool.map(
                lambda item: self._subject(item[0], item[1], stems.get(item[1] or 0, {})),
                enumerate(numbers, start=start),
            )

    def _subject(self, row: int, pgc: int | None, stems: Mapping[str, tuple[str, list[int]]]) -> Subject:
        if not stems:
            return Subject(row, pgc, problem="no picture in the catalogue" if pgc else "no PGC number")
        try:
            pictures = {band: self._picture(band, *stems[band]) for band in BANDS if band in stems}
        except StorageError:
            raise  # told of no galaxy: the job is tried again, and goes on from here
        except OSError:
            return Subject(row, pgc, problem="its picture can't be read")
        return Subject(row, pgc, pictures_seen(pictures, View(), self._size_px))

    def _picture(self, band: str, stem: str, sizes_px: list[int]) -> Pixels:
        size_px = next((size for size in sorted(sizes_px) if size >= self._size_px), max(sizes_px))
        return display_read(stem, size_px, is_colour=band == "gri")


class PicturesInput:
    """A table with a column for each band: paths (from the table's folder on) or the bytes of files."""

    def __init__(self, path: Path, size_px: int) -> None:
        import pyarrow.parquet as pq

        self._size_px = size_px

        with path.open("rb") as file:
            self.digest = hashlib.file_digest(file, "sha256").hexdigest()
        self._folder = path.parent
        self._file = pq.ParquetFile(path)
        schema = self._file.schema_arrow
        self._bands = _picture_columns(schema)
        self._has_number = NUMBER_COLUMN in schema.names

    def __len__(self) -> int:
        return int(self._file.metadata.num_rows)

    def read(self, start: int, stop: int) -> Iterator[Subject]:
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

    def _subject(self, row: int, cells: dict[str, Any]) -> Subject:
        pgc = cells.get(NUMBER_COLUMN)
        number = int(pgc) if isinstance(pgc, int | float) and pgc == pgc and pgc > 0 else None
        try:
            pictures = {
                band: read_upload(self._bytes(cells[band]), band=band, may_be_webp=True)[1]
                for band in self._bands
                if cells[band]
            }
        except (PictureError, FitsError) as error:
            return Subject(row, number, problem=error.detail)
        except OSError as error:
            return Subject(row, number, problem=f"its file can't be read ({error.strerror or type(error).__name__})")
        seen = pictures_seen(pictures, View(), self._size_px)
        return Subject(row, number, seen, "" if seen else "no picture")

    def _bytes(self, cell: str | bytes) -> bytes:
        if isinstance(cell, bytes):
            return cell
        path = self._folder / cell
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
            return CatalogueInput([_whole(cell) for cell in column], size_px)
    except (pa.ArrowException, OSError) as error:
        raise Refused("bad_table", f"{path} can't be read as Parquet ({type(error).__name__}).") from None
    taken = [f"{one.name} is {one.type}" for one in schema if one.name in BANDS]
    but = f" Here {', '.join(taken)}: neither paths nor bytes." if taken else ""
    raise Refused(
        "bad_table", f"{path.name} needs the column pgc, or pictures (paths or bytes) in columns g, r, i, gri.{but}"
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


def _whole(cell: Any) -> int | None:
    try:
        return int(cell) if int(cell) > 0 else None
    except (TypeError, ValueError, OverflowError):
        return None


def _numbers_of_campaign(name: str) -> list[int | None]:
    from labeling.models import Target
    from labeling.services.campaigns import campaign_named

    targets = Target.objects.filter(campaign=campaign_named(name)).order_by("galaxy__pgc")
    return list(targets.values_list("galaxy__pgc", flat=True))


def _stems(numbers: Iterable[int | None]) -> dict[int, dict[str, tuple[str, list[int]]]]:
    """Name and sizes of the current pictures, by galaxy and band."""
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
