"""The skeleton of a FITS file, walked without reading pixels: does it hold what its headers promise?"""

from __future__ import annotations

import bz2
import gzip
import lzma
import re
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

BLOCK = 2880
CARD = 80
MAX_HEADER_BLOCKS = 400
MAX_HDUS = 300
MAX_PIXELS = 400_000_000
MAX_TILE_PIXELS = 16_000_000
MAX_UNPACKED_BYTES = 1_800_000_000
# Frames shrink by two to ten; constant ones by more, but then they are small.
MAX_RATIO, FREE_BYTES = 100, 32_000_000

_CARD = re.compile(rb"(BITPIX|NAXIS\d{0,3}|PCOUNT|GCOUNT|ZNAXIS\d{0,3}|ZTILE\d{1,3}|ZBITPIX) *= *(-?\d{1,18})(?![\d.])")


class FitsError(ValueError):
    """A FITS file that can't be used: a stable code for programs and a sentence for people.

    Codes: ``bad_fits``, ``fits_too_large``, ``bad_unit``.
    """

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


@contextmanager
def unpacked(path: Path) -> Iterator[Path]:
    """Give the path of the file without gzip, bzip2 or xz around it, in a temporary file where need be.

    Raises
    ------
    FitsError
        ``bad_fits`` for a file that is missing, damaged or no FITS inside; ``fits_too_large``.
    OSError
        Where our own disk takes or gives nothing: that says nothing against the file.
    """
    try:
        with path.open("rb") as raw:
            magic = raw.read(6)
    except FileNotFoundError as error:
        raise FitsError("bad_fits", f"{path.name} can't be read ({error.strerror}).") from None
    opener = _opener(magic)
    if opener is None:
        yield path
        return
    # Unbuffered: a buffer would meet the full disk a second time when it is closed.
    with tempfile.NamedTemporaryFile(prefix="giz-", suffix=".fits", buffering=0) as plain:
        _unpack(path, opener, plain)
        yield Path(plain.name)


def _opener(magic: bytes) -> type[gzip.GzipFile] | type[bz2.BZ2File] | type[lzma.LZMAFile] | None:
    if magic.startswith(b"\x1f\x8b"):
        return gzip.GzipFile
    if magic.startswith(b"BZh"):
        return bz2.BZ2File
    if magic.startswith(b"\xfd7zXZ\x00"):
        return lzma.LZMAFile
    return None


def _unpack(
    path: Path, opener: type[gzip.GzipFile] | type[bz2.BZ2File] | type[lzma.LZMAFile], plain: IO[bytes]
) -> None:
    packed_bytes = path.stat().st_size
    limit = min(MAX_UNPACKED_BYTES, max(FREE_BYTES, MAX_RATIO * packed_bytes))
    size = 0
    with opener(path) as packed:
        while block := _read(packed, path.name):
            if size == 0 and not block.startswith(b"SIMPLE"):
                raise FitsError("bad_fits", f"{path.name} holds no FITS file inside.")
            size += len(block)
            if size > limit:
                raise FitsError("fits_too_large", f"{path.name} unpacks to more than {limit:,} bytes.")
            rest = memoryview(block)
            while rest:
                rest = rest[plain.write(rest) :]


def _read(packed: gzip.GzipFile | bz2.BZ2File | lzma.LZMAFile, name: str) -> bytes:
    try:
        return packed.read(1 << 20)
    except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
        if isinstance(error, OSError) and error.errno is not None:  # the disk's; what unpacks gives no number
            raise
        raise FitsError("bad_fits", f"{name} is damaged or cut off ({type(error).__name__}).") from None


def check_structure(path: Path, name: str) -> None:
    """Walk through every header of a plain FITS file; measure what each promises against the file.

    Raises
    ------
    FitsError
        ``bad_fits`` for no FITS, a header without end, sizes that can't be, data that are cut off;
        ``fits_too_large`` for more pixels (or larger compressed tiles) than are read here.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        if file.read(9) != b"SIMPLE  =":
            raise FitsError("bad_fits", f"{name} is no FITS file.")
        position = 0
        for _ in range(MAX_HDUS):
            file.seek(position)
            start = file.read(8)
            if len(start) < 8 or (position and start != b"XTENSION"):
                return
            file.seek(position)
            sizes, header_bytes = _read_header(file, name)
            data_bytes = _promised_bytes(sizes, name)
            position += header_bytes + -(-data_bytes // BLOCK) * BLOCK
            if position - (-data_bytes % BLOCK) > size:
                raise FitsError("bad_fits", f"{name} is cut off: {position:,} bytes promised, {size:,} there.")
            _check_pixels(_lengths(sizes, ""), name)
            _check_tiles(sizes, name)
        raise FitsError("bad_fits", f"{name} has more than {MAX_HDUS} extensions.")


def _read_header(file: IO[bytes], name: str) -> tuple[dict[str, int], int]:
    sizes: dict[str, int] = {}
    for blocks in range(1, MAX_HEADER_BLOCKS + 1):
        block = file.read(BLOCK)
        if len(block) < BLOCK:
            raise FitsError("bad_fits", f"{name} is cut off in a header.")
        for start in range(0, BLOCK, CARD):
            card = block[start : start + CARD]
            if card.rstrip() == b"END":
                return sizes, blocks * BLOCK
            found = _CARD.match(card)
            if found:
                sizes.setdefault(found[1].decode(), int(found[2]))
    raise FitsError("bad_fits", f"{name} has a header without end.")


def _promised_bytes(sizes: dict[str, int], name: str) -> int:
    if sizes.get("BITPIX") not in (8, 16, 32, 64, -32, -64):
        raise FitsError("bad_fits", f"{name} has an impossible BITPIX ({sizes.get('BITPIX')}).")
    axes = sizes.get("NAXIS", -1)
    lengths = [sizes.get(f"NAXIS{axis}", -1) for axis in range(1, axes + 1)]
    groups, extra = sizes.get("GCOUNT", 1), sizes.get("PCOUNT", 0)
    if not 0 <= axes <= 6 or min(lengths, default=0) < 0 or groups < 0 or extra < 0:
        raise FitsError("bad_fits", f"{name} has impossible axes ({axes}: {lengths}).")
    return abs(sizes["BITPIX"]) // 8 * groups * (extra + (_product(lengths) if axes else 0))


def _lengths(sizes: dict[str, int], prefix: str) -> list[int]:
    return [sizes[f"{prefix}NAXIS{axis}"] for axis in range(1, 7) if f"{prefix}NAXIS{axis}" in sizes]


def _check_tiles(sizes: dict[str, int], name: str) -> None:
    """Tiles unpack to what their header says, whatever the file holds."""
    tiled = _lengths(sizes, "Z")
    if not tiled:
        return
    if min(tiled) < 0:
        raise FitsError("bad_fits", f"{name} has impossible axes ({tiled}).")
    _check_pixels(tiled, name)
    tile = [sizes.get(f"ZTILE{axis}", length if axis == 1 else 1) for axis, length in enumerate(tiled, start=1)]
    if min(tile) < 1 or _product(tile) > MAX_TILE_PIXELS:
        raise FitsError("fits_too_large", f"{name} is compressed in tiles of {tile}, too large to open.")


def _check_pixels(lengths: list[int], name: str) -> None:
    if _product(lengths) > 8 * MAX_PIXELS or (len(lengths) == 2 and _product(lengths) > MAX_PIXELS):
        shown = " × ".join(str(length) for length in lengths)
        raise FitsError("fits_too_large", f"{name} has {shown} pixels; at most {MAX_PIXELS:,} are read.")


def _product(lengths: list[int]) -> int:
    product = 1
    for length in lengths:
        product *= length
    return product
