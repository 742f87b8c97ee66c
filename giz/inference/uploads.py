"""Uploaded files to square pictures: PNG, JPEG, WebP or FITS, told apart by their content. Pure; nothing is kept."""

from __future__ import annotations

import math
import re
import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from giz.imaging.decode import MAX_ASPECT, MIN_SIDE_PX, Kind, PictureError, decode_picture
from giz.imaging.fits import FitsError, Frame, open_frame
from giz.imaging.greys import asinh_grey
from giz.imaging.sizes import square

Pixels = npt.NDArray[np.uint8]
COLOUR, USUAL_GREY = "gri", "r"
BANDS = ("g", "r", "i", COLOUR)
# Eight times the side that a network sees: enough for the closest view.
MOST_SIDE_PX = 1024
MAX_FITS_PIXELS = 50_000_000
STRIP_ROWS = 1024
# Channels that differ by less than this on average are those of a grey picture that went through JPEG.
LEAST_COLOUR = 1.5

_PACKED = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00", b"PK\x03\x04")
_BAND = re.compile(r"(?<![a-z0-9])(gri|[gri])(?=(?:\.[a-z0-9]+)+$)", re.IGNORECASE | re.ASCII)


def band_of_name(name: str) -> str | None:
    """The band that a file's name ends with (``…_g.png``, ``…_gri.sdss.jpg``), or None. All that a name is asked."""
    found = _BAND.search(name[-200:])
    return found[1].lower() if found else None


def read_upload(data: bytes, *, band: str | None = None, may_be_webp: bool = False) -> tuple[str, Pixels]:
    """Return the band and the square picture, (n, n) grey or (n, n, 3) colour, at most 1,024 pixels a side.

    Parameters
    ----------
    band : what the picture is said to be; None looks: colour is "gri", grey counts as "r".
    may_be_webp : whether name or declared type say so; a WebP that calls itself something else is refused.

    Raises
    ------
    PictureError
        As `decode_picture`.
    FitsError
        ``bad_fits`` (packed ones, too), ``fits_too_large``, ``bad_unit``.
    """
    if data.startswith(b"SIMPLE  ="):
        said, pixels = _read_fits(data)
        band = band or said or USUAL_GREY
        if band == COLOUR:
            raise FitsError("bad_fits", "A FITS image is one band: g, r or i.")
        return band, _limited(square(pixels))
    if data.startswith(_PACKED):
        raise FitsError("bad_fits", "Packed files are not opened here; send the FITS file itself.")
    kind: Kind = "grey" if band in ("g", "r", "i") else "colour"
    pixels = decode_picture(data, kind, takes_webp=may_be_webp)
    if band is None:
        band = COLOUR if _is_coloured(pixels) else USUAL_GREY
        if band != COLOUR:
            pixels = decode_picture(data, "grey", takes_webp=may_be_webp)
    return band, _limited(square(pixels))


def limited(pixels: Pixels) -> Pixels:
    """A square picture of at most `MOST_SIDE_PX` a side."""
    return _limited(square(pixels))


def _limited(pixels: Pixels) -> Pixels:
    if pixels.shape[0] <= MOST_SIDE_PX:
        return np.ascontiguousarray(pixels)
    smaller = Image.fromarray(np.ascontiguousarray(pixels)).resize(
        (MOST_SIDE_PX, MOST_SIDE_PX), Image.Resampling.LANCZOS, reducing_gap=3.0
    )
    return np.asarray(smaller, np.uint8)


def _is_coloured(pixels: Pixels) -> bool:
    sampled = pixels[:: max(1, pixels.shape[0] // 256), :: max(1, pixels.shape[1] // 256)].astype(np.int16)
    return bool((sampled.max(axis=2) - sampled.min(axis=2)).mean() > LEAST_COLOUR)


def _read_fits(data: bytes) -> tuple[str | None, Pixels]:
    with tempfile.TemporaryDirectory(prefix="giz-upload-") as folder:
        path = Path(folder) / "upload.fits"
        path.write_bytes(data)
        with open_frame(path, needs_sky=False) as frame:
            _check_shape(frame.shape)
            flux = _in_blocks(frame)
            said = str(frame.header.get("FILTER") or "").strip().lower()[:1]
    if not np.isfinite(flux).any():
        raise FitsError("bad_fits", "The image has no pixel with data.")
    return said if said in ("g", "r", "i") else None, asinh_grey(flux[::-1])


def _check_shape(shape: tuple[int, int]) -> None:
    short, long = sorted(shape)
    if short * long > MAX_FITS_PIXELS:
        raise FitsError("fits_too_large", f"The image has {short} × {long} pixels; cut the galaxy out of it first.")
    if short < MIN_SIDE_PX:
        raise PictureError("image_too_small", f"{shape[1]} × {shape[0]} pixels: at least {MIN_SIDE_PX} are needed.")
    if long > MAX_ASPECT * short:
        raise PictureError(
            "bad_aspect", f"{shape[1]} × {shape[0]} pixels: the sides may differ by a factor of {MAX_ASPECT} at most."
        )


def _in_blocks(frame: Frame) -> npt.NDArray[np.float32]:
    """The image read in strips, averaged in blocks to at most 1,024 pixels a side; memory never holds all of it."""
    block = math.ceil(max(frame.shape) / MOST_SIDE_PX)
    rows, columns = frame.shape[0] // block, frame.shape[1] // block
    out = np.empty((rows, columns), np.float32)
    step = max(1, STRIP_ROWS // block)
    for top in range(0, rows, step):
        bottom = min(rows, top + step)
        strip = frame.section(slice(top * block, bottom * block), slice(0, columns * block))
        blocks = strip.reshape(bottom - top, block, columns, block)
        seen = np.isfinite(blocks)
        count = seen.sum(axis=(1, 3))
        total = np.where(seen, blocks, np.float32(0)).sum(axis=(1, 3))
        out[top:bottom] = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return out
