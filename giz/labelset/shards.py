"""Images as shards: one .npy file of uint8 (N, H, W[, 3]) a band and a run of galaxies, written as they come."""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
import numpy.typing as npt

from giz.labelset.errors import LabelSetError
from giz.labelset.schema import BANDS, COLOUR_BAND

Pixels = npt.NDArray[np.uint8]


def item_shape(band: str, size_px: int) -> tuple[int, ...]:
    """Shape of one image: (H, W), for colour (H, W, 3)."""
    return (size_px, size_px, 3) if band == COLOUR_BAND else (size_px, size_px)


def shard_name(band: str, shard: int) -> str:
    return f"images/{band}-{shard:05d}.npy"


def check_image(band: str, pixels: Pixels, size_px: int, bands: tuple[str, ...]) -> None:
    """Refuse an image that this label set can't hold, naming what it has and what it should have."""
    if band not in bands:
        raise LabelSetError("bad_image", f"There is no band {band!r} in this label set; it has {', '.join(bands)}.")
    shape = item_shape(band, size_px)
    if not isinstance(pixels, np.ndarray) or pixels.dtype != np.uint8 or pixels.shape != shape:
        found = f"{pixels.dtype} {pixels.shape}" if isinstance(pixels, np.ndarray) else type(pixels).__name__
        raise LabelSetError("bad_image", f"An image in {band} must be uint8 {shape}; this one is {found}.")


class ShardWriter:
    """One shard file under a temporary name; its header gets the true number of images when it is closed."""

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
        """Write the header anew, bring the file to disk, give it its name."""
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
    """Map a shard into memory, read-only, after its header has been compared with what the manifest says."""
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
