"""Images of a label set: an .npy file of uint8 (N, H, W[, 3]) per band and shard, and an index of each one's place."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from giz.core.vocabulary import BANDS, COLOUR
from giz.labelset.schema import LabelSetError

if TYPE_CHECKING:
    import pyarrow as pa

Pixels = npt.NDArray[np.uint8]
INDEX_COLUMNS = ("pgc", "galaxy", "band", "shard", "row")
NO_IMAGE = -1


def item_shape(band: str, size_px: int) -> tuple[int, ...]:
    """Return the shape of one image: (H, W), for colour (H, W, 3)."""
    return (size_px, size_px, 3) if band == COLOUR else (size_px, size_px)


def shard_name(band: str, shard: int) -> str:
    return f"images/{band}-{shard:05d}.npy"


def check_image(band: str, pixels: Pixels, size_px: int, bands: tuple[str, ...]) -> None:
    """Refuse an image of the wrong band, type or shape."""
    if band not in bands:
        raise LabelSetError("bad_image", f"There is no band {band!r} in this label set; it has {', '.join(bands)}.")
    shape = item_shape(band, size_px)
    if not isinstance(pixels, np.ndarray) or pixels.dtype != np.uint8 or pixels.shape != shape:
        found = f"{pixels.dtype} {pixels.shape}" if isinstance(pixels, np.ndarray) else type(pixels).__name__
        raise LabelSetError("bad_image", f"An image in {band} must be uint8 {shape}; this one is {found}.")


class ShardWriter:
    """Writes one shard under a temporary name; `close` puts the number of images into its header."""

    def __init__(self, path: Path, shape: tuple[int, ...]) -> None:
        self.path = path
        self.rows = 0
        self._shape = shape
        self._temporary = path.with_name(f".{path.name}.tmp")
        self._binary = self._temporary.open("wb")
        self._header_bytes = self._binary.write(_header((0, *shape)))

    def append(self, pixels: Pixels) -> int:
        """Write one image; returns its row."""
        self._binary.write(np.ascontiguousarray(pixels).data)
        self.rows += 1
        return self.rows - 1

    def close(self) -> None:
        """Write the final header, sync the file and rename it."""
        header = _header((self.rows, *self._shape))
        if len(header) != self._header_bytes:
            raise AssertionError("numpy no longer leaves room in a header for a growing first axis")
        self._binary.seek(0)
        self._binary.write(header)
        self._binary.flush()
        os.fsync(self._binary.fileno())
        self._binary.close()
        self._temporary.replace(self.path)

    def abandon(self) -> None:
        self._binary.close()
        self._temporary.unlink(missing_ok=True)


def _header(shape: tuple[int, ...]) -> bytes:
    out = io.BytesIO()
    np.lib.format.write_array_header_1_0(out, {"descr": "|u1", "fortran_order": False, "shape": shape})
    return out.getvalue()


def open_shard(path: Path, band: str, size_px: int, rows: int) -> Pixels:
    """Map a shard (rows, H, W[, 3]) into memory, read-only, after comparing its header with the manifest."""
    try:
        pixels = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise LabelSetError("bad_images", f"{path.name} is no array of images ({error}).") from None
    wanted = (rows, *item_shape(band, size_px))
    if not isinstance(pixels, np.ndarray) or pixels.dtype != np.uint8 or pixels.shape != wanted:
        found = f"{pixels.dtype} {pixels.shape}" if isinstance(pixels, np.ndarray) else "an archive"
        raise LabelSetError("bad_images", f"{path.name} should hold uint8 {wanted}; it holds {found}.")
    return pixels


def check_bands(bands: tuple[str, ...]) -> None:
    unknown = [band for band in bands if band not in BANDS]
    if unknown or len(set(bands)) != len(bands) or not bands:
        raise LabelSetError("bad_columns", f"Bands must be some of {', '.join(BANDS)}, each once; got {bands!r}.")


def index_schema() -> pa.Schema:
    import pyarrow as pa

    kinds = (pa.int64(), pa.int64(), pa.string(), pa.int32(), pa.int32())
    words = (
        "number of the galaxy",
        "row of the galaxy in labels.parquet, from 0",
        "g, r, i or gri",
        "number of the file images/<band>-<shard>.npy",
        "row of the image in that file, from 0",
    )
    return pa.schema(
        [
            pa.field(name, kind, nullable=False, metadata={"description": text})
            for name, kind, text in zip(INDEX_COLUMNS, kinds, words, strict=True)
        ]
    )


def places_by_band(
    index: pa.Table, pgc: npt.NDArray[np.int64], shard_rows: dict[tuple[str, int], int]
) -> dict[str, npt.NDArray[np.int32]]:
    """Return for each band an array (galaxies, 2) of shard and row, -1 where a galaxy has no image.

    Raises
    ------
    LabelSetError
        ``bad_images``: an entry for an unknown or another galaxy, for a missing image, or given twice.
    """
    galaxy = index["galaxy"].to_numpy()
    if galaxy.size and (galaxy.min() < 0 or galaxy.max() >= pgc.size):
        raise LabelSetError("bad_images", f"images.parquet points to galaxy {galaxy.max()}; there are {pgc.size}.")
    strangers = np.flatnonzero(pgc[galaxy] != index["pgc"].to_numpy())
    if strangers.size:
        number = index["pgc"][int(strangers[0])].as_py()
        raise LabelSetError("bad_images", f"images.parquet gives pgc {number} the row of another galaxy.")
    bands = np.asarray(index["band"].to_numpy(zero_copy_only=False), dtype=object)
    shard, row = index["shard"].to_numpy(), index["row"].to_numpy()
    places = {}
    for band in sorted({band for band, _ in shard_rows}):
        mine = np.flatnonzero(bands == band)
        lengths = np.zeros(max(number for name, number in shard_rows if name == band) + 1, np.int64)
        for (name, number), rows in shard_rows.items():
            if name == band:
                lengths[number] = rows
        bad = (shard[mine] < 0) | (shard[mine] >= lengths.size) | (row[mine] < 0)
        bad |= row[mine] >= lengths[np.clip(shard[mine], 0, lengths.size - 1)]
        if bad.any():
            number = index["pgc"][int(mine[np.flatnonzero(bad)[0]])].as_py()
            raise LabelSetError(
                "bad_images", f"images.parquet gives pgc {number} an image in {band} that is not there."
            )
        if np.unique(galaxy[mine]).size != mine.size:
            raise LabelSetError("bad_images", f"images.parquet names an image in {band} twice for one galaxy.")
        places[band] = np.full((pgc.size, 2), NO_IMAGE, np.int32)
        places[band][galaxy[mine], 0] = shard[mine]
        places[band][galaxy[mine], 1] = row[mine]
    return places
