"""Check the structure of a FITS file without reading pixels: do its headers fit its size and our limits?"""

from __future__ import annotations

import bz2
import gzip
import lzma
import math
import os
import re
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, BinaryIO

from giz.imaging.errors import FitsError

BLOCK = 2880
CARD = 80
MAX_HDUS = 300
MAX_UPLOAD_PIXELS = 16 * 1024 * 1024
MAX_CONTINUED = 300
MAX_AXES, MAX_ORDER, MAX_PARAMETER = 6, 9, 99
MAX_TILE_PIXELS = 16_000_000
MAX_UNPACKED_BYTES = 1_800_000_000
# Frames compress by factors of two to ten; constant ones by more, but those are small.
MAX_RATIO, FREE_BYTES = 100, 32_000_000

_CARD = re.compile(rb"(BITPIX|NAXIS\d{0,3}|PCOUNT|GCOUNT|ZNAXIS\d{0,3}|ZTILE\d{1,3}|ZBITPIX) *= *(-?\d{1,18})(?![\d.])")
_ORDERS = frozenset(kind + b"_ORDER" for kind in (b"A", b"B", b"AP", b"BP"))
_AXIS = re.compile(
    rb"(?:CTYPE|CUNIT|CRVAL|CRPIX|CDELT|CROTA|CNAME|CRDER|CSYER|CZPHS|CPERI|CPDIS|CQDIS|CPERR|CQERR|D2IMDIS|D2IMERR"
    rb"|DP|DQ)(\d{1,9})()[A-Z]?|(?:PC|CD)(\d{1,9})_(\d{1,9})[A-Z]?|PC(\d{3})(\d{3})"
)
_PARAMETER = re.compile(rb"(?:PV|PS)(\d{1,9})_(\d{1,9})[A-Z]?")
_TERM = re.compile(rb"(?:A|B|AP|BP)_(\d{1,9})_(\d{1,9})")


@dataclass(frozen=True)
class Limits:
    """Limits of a FITS file.

    header_blocks : blocks of 36 cards in one header; all_header_blocks : in all headers.
    takes_tiles : whether tile-compressed images are read; pixels : of one image.
    """

    header_blocks: int = 400
    all_header_blocks: int = 20_000
    takes_tiles: bool = True
    pixels: int = 400_000_000


SURVEY = Limits()
UPLOAD = Limits(header_blocks=40, all_header_blocks=400, takes_tiles=False, pixels=MAX_UPLOAD_PIXELS)


@contextmanager
def unpacked(file: BinaryIO, name: str, scratch: IO[bytes] | None = None) -> Iterator[BinaryIO]:
    """Yield the file without gzip, bzip2 or xz compression, unpacked into `scratch` or a temporary file if necessary.

    Raises
    ------
    FitsError
        ``bad_fits`` for a damaged file, or none of FITS inside; ``fits_too_large``.
    OSError
        If our own disk fails, which is not a fault of the file.
    """
    file.seek(0)
    opener = _opener(file.read(6))
    file.seek(0)
    if opener is None:
        yield file
        return
    # Anonymous, so that a killed process leaves nothing; unbuffered, since a buffer would fail twice on a full disk.
    with nullcontext(scratch) if scratch is not None else tempfile.TemporaryFile(prefix="giz-", buffering=0) as plain:
        _unpack(file, name, opener, plain)
        with os.fdopen(os.dup(plain.fileno()), "rb") as reader:  # astropy wants a file opened for reading only
            reader.seek(0)
            yield reader


def _opener(magic: bytes) -> Callable[[BinaryIO], Any] | None:
    if magic.startswith(b"\x1f\x8b"):
        return gzip.open
    if magic.startswith(b"BZh"):
        return bz2.open
    if magic.startswith(b"\xfd7zXZ\x00"):
        return lzma.open
    return None


def _unpack(file: BinaryIO, name: str, opener: Callable[[BinaryIO], Any], plain: IO[bytes]) -> None:
    limit = min(MAX_UNPACKED_BYTES, max(FREE_BYTES, MAX_RATIO * os.fstat(file.fileno()).st_size))
    size = 0
    with opener(file) as packed:
        while block := _read(packed, name):
            if size == 0 and not block.startswith(b"SIMPLE"):
                raise FitsError("bad_fits", f"{name} holds no FITS file inside.")
            size += len(block)
            if size > limit:
                raise FitsError("fits_too_large", f"{name} unpacks to more than {limit:,} bytes.")
            rest = memoryview(block)
            while rest:
                rest = rest[plain.write(rest) :]


def _read(packed: IO[bytes], name: str) -> bytes:
    try:
        return packed.read(1 << 20)
    except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
        if isinstance(error, OSError) and error.errno is not None:  # of the disk; decompressors set no errno
            raise
        raise FitsError("bad_fits", f"{name} is damaged or cut off ({type(error).__name__}).") from None


def check_structure(path: Path, name: str) -> None:
    """Check a plain FITS file on disk as `check_file` does."""
    with path.open("rb") as file:
        check_file(file, name)


def check_file(file: BinaryIO, name: str, limits: Limits = SURVEY) -> None:
    """Read every header of a plain FITS file and compare the sizes that it states with the file and the limits.

    Raises
    ------
    FitsError
        ``bad_fits`` for other files, a header without end, impossible sizes, truncated data, coordinates of more axes
        or higher orders than images of the sky have; ``fits_too_large`` for more pixels (or larger compressed tiles)
        than are read here.
    """
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    if file.read(9) != b"SIMPLE  =":
        raise FitsError("bad_fits", f"{name} is not a FITS file.")
    position = blocks_read = 0
    for _ in range(MAX_HDUS):
        file.seek(position)
        start = file.read(8)
        if len(start) < 8 or (position and start != b"XTENSION"):
            return
        file.seek(position)
        sizes, header_bytes = _read_header(file, name, limits)
        blocks_read += header_bytes // BLOCK
        if blocks_read > limits.all_header_blocks:
            raise FitsError("bad_fits", f"{name} has more than {limits.all_header_blocks * BLOCK:,} bytes of headers.")
        data_bytes = _promised_bytes(sizes, name)
        position += header_bytes + -(-data_bytes // BLOCK) * BLOCK
        if position - (-data_bytes % BLOCK) > size:
            raise FitsError("bad_fits", f"{name} is cut off: {position:,} bytes promised, {size:,} there.")
        _check_pixels(_lengths(sizes, ""), name, SURVEY if "TABLE" in sizes else limits)
        _check_tiles(sizes, name, limits)
    raise FitsError("bad_fits", f"{name} has more than {MAX_HDUS} extensions.")


def _read_header(file: BinaryIO, name: str, limits: Limits) -> tuple[dict[str, int], int]:
    sizes: dict[str, int] = {}
    continued = 0
    # Coordinates of tables are never used, and columns may have any number.
    fault = ""
    for blocks in range(1, limits.header_blocks + 1):
        block = file.read(BLOCK)
        if len(block) < BLOCK:
            raise FitsError("bad_fits", f"{name} is cut off in a header.")
        for start in range(0, BLOCK, CARD):
            card = block[start : start + CARD]
            if card.rstrip() == b"END":
                if fault and ("TABLE" not in sizes or "ZNAXIS" in sizes):
                    raise FitsError("bad_fits", f"{name}: {fault}.")
                return sizes, blocks * BLOCK
            found = _CARD.match(card)
            if found:
                sizes.setdefault(found[1].decode(), int(found[2]))
            if card.startswith(b"XTENSION") and b"TABLE" in card:
                sizes["TABLE"] = 1
            continued += card.startswith(b"CONTINUE")
            fault = fault or coordinate_fault(card)
        if continued > MAX_CONTINUED:
            raise FitsError("bad_fits", f"{name} has more than {MAX_CONTINUED} continued cards in a header.")
    raise FitsError("bad_fits", f"{name} has a header without end, or of more than {limits.header_blocks} blocks.")


def coordinate_fault(card: bytes) -> str:
    """Return what is wrong with a card of world coordinates, or an empty string.

    Memory and time of the libraries grow as the square of the number of axes and orders, or faster. Six axes and order
    nine are the most in the standard's Paper I and in SIP (Shupe et al. 2005).
    """
    key, _, value = card.partition(b"=")
    # astropy takes HIERARCH cards and lower case as the same keywords.
    name = key.strip().upper().removeprefix(b"HIERARCH").strip()
    if name.startswith(b"WCSAXES") or name in _ORDERS:
        most = MAX_AXES if name.startswith(b"WCSAXES") else MAX_ORDER
        try:
            number = float(value.split(b"/")[0].strip(b" '").replace(b"D", b"E"))
        except ValueError:
            number = math.nan
        if not 0 <= number <= most:
            return f"{name.decode('ascii', 'replace')[:10]} must lie between 0 and {most}"
    elif found := _AXIS.fullmatch(name):
        if any(int(index) > MAX_AXES for index in found.groups() if index):
            return f"its coordinates have more than {MAX_AXES} axes"
    elif (found := _PARAMETER.fullmatch(name)) and (int(found[1]) > MAX_AXES or int(found[2]) > MAX_PARAMETER):
        return f"its coordinates have more than {MAX_AXES} axes or {MAX_PARAMETER} parameters"
    elif (found := _TERM.fullmatch(name)) and max(int(found[1]), int(found[2])) > MAX_ORDER:
        return f"its distortion is of a higher order than {MAX_ORDER}"
    return ""


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


def _check_tiles(sizes: dict[str, int], name: str, limits: Limits) -> None:
    """Check the sizes of compressed tiles; if they unpack to more, the decoding process hits its memory limit."""
    tiled = _lengths(sizes, "Z")
    if not tiled:
        return
    if not limits.takes_tiles:
        raise FitsError("bad_fits", f"{name} holds a compressed image; unpack it (funpack) and send it again.")
    if min(tiled) < 0:
        raise FitsError("bad_fits", f"{name} has impossible axes ({tiled}).")
    _check_pixels(tiled, name, limits)
    tile = [sizes.get(f"ZTILE{axis}", length if axis == 1 else 1) for axis, length in enumerate(tiled, start=1)]
    if min(tile) < 1 or _product(tile) > MAX_TILE_PIXELS:
        raise FitsError("fits_too_large", f"{name} is compressed in tiles of {tile}, too large to open.")


def _check_pixels(lengths: list[int], name: str, limits: Limits) -> None:
    if _product(lengths) > 8 * limits.pixels or (len(lengths) == 2 and _product(lengths) > limits.pixels):
        shown = " × ".join(str(length) for length in lengths)
        raise FitsError("fits_too_large", f"{name} has {shown} pixels; at most {limits.pixels:,} are read.")


def _product(lengths: list[int]) -> int:
    product = 1
    for length in lengths:
        product *= length
    return product
