"""Convert an uploaded picture of any supported format to a square one. Runs in the decoding process."""

from __future__ import annotations

import math
import os
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
from PIL import Image

from giz.core.vocabulary import COLOUR, GREYS
from giz.imaging.decode import MAX_ASPECT, MAX_BYTES, MIN_SIDE_PX, Kind, flattened, load_picture, refuse_blank
from giz.imaging.errors import FitsError, PictureError
from giz.imaging.fits import Frame, open_frame
from giz.imaging.fits_structure import MAX_UPLOAD_PIXELS, UPLOAD
from giz.imaging.greys import asinh_grey
from giz.imaging.sizes import CROP_TOLERANCE, square

Pixels = npt.NDArray[np.uint8]
USUAL_GREY = "r"
# Eight times the side of a network's picture: enough for the closest view.
MOST_SIDE_PX = 1024
STRIP_ROWS = 1024
# Channels of a grey picture saved as JPEG differ by less than this on average.
LEAST_COLOUR = 1.5

_PACKED = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00", b"PK\x03\x04")


def square_of_upload(file: BinaryIO, *, band: str | None, may_be_webp: bool, name: str) -> tuple[str, Pixels]:
    """Return the band and the square picture, (n, n) grey or (n, n, 3) colour, at most 1,024 pixels a side.

    Parameters
    ----------
    band : the stated band; None to detect it: colour is "gri", grey is taken as "r".
    may_be_webp : whether name or declared type say so; a WebP with another type is refused.
    name : the name of a FITS file in errors.

    Raises
    ------
    PictureError
        As in `decode_picture`; ``blank_picture``.
    FitsError
        ``bad_fits`` (also for compressed ones), ``fits_too_large``, ``bad_unit``.
    """
    file.seek(0)
    head = file.read(9)
    if head == b"SIMPLE  =":
        said, pixels = _read_fits(file, name)
        band = band or said or USUAL_GREY
        if band == COLOUR:
            raise FitsError("bad_fits", "A FITS image is one band: g, r or i.")
    elif head.startswith(_PACKED):
        raise FitsError("bad_fits", "Packed files are not opened here; send the FITS file itself.")
    else:
        picture = load_picture(
            whole_file(file),
            takes_webp=may_be_webp,
            takes_fits=True,
            max_pixels=MAX_UPLOAD_PIXELS,
            enough_px=MOST_SIDE_PX,
        )
        kind: Kind = "grey" if band in GREYS else "colour"
        pixels = flattened(picture, kind)
        if band is None:
            band = COLOUR if _is_coloured(pixels) else USUAL_GREY
            if band != COLOUR:
                pixels = flattened(picture, "grey")
    pixels = limited(pixels)
    refuse_blank(pixels)
    return band, pixels


def whole_file(file: BinaryIO) -> bytes:
    """Read a file, unless it is larger than a picture may be."""
    if file.seek(0, os.SEEK_END) > MAX_BYTES:
        raise PictureError("image_too_large", f"The file has more than {MAX_BYTES:,} bytes.")
    file.seek(0)
    return file.read()


def limited(pixels: Pixels) -> Pixels:
    """Return a square picture with sides of at most `MOST_SIDE_PX`."""
    short, long = sorted(pixels.shape[:2])
    if long > MOST_SIDE_PX and long - short > CROP_TOLERANCE * long:
        # Reduce first: an oblong picture padded to a square would take several times its memory.
        pixels = _scaled(pixels, *(round(side * MOST_SIDE_PX / long) for side in pixels.shape[:2]))
    pixels = square(pixels)
    if pixels.shape[0] > MOST_SIDE_PX:
        pixels = _scaled(pixels, MOST_SIDE_PX, MOST_SIDE_PX)
    return np.ascontiguousarray(pixels)


def _scaled(pixels: Pixels, rows: int, columns: int) -> Pixels:
    picture = Image.fromarray(np.ascontiguousarray(pixels))
    return np.asarray(picture.resize((columns, rows), Image.Resampling.LANCZOS, reducing_gap=3.0), np.uint8)


def _is_coloured(pixels: Pixels) -> bool:
    sampled = pixels[:: max(1, pixels.shape[0] // 256), :: max(1, pixels.shape[1] // 256)].astype(np.int16)
    return bool((sampled.max(axis=2) - sampled.min(axis=2)).mean() > LEAST_COLOUR)


def _read_fits(file: BinaryIO, name: str) -> tuple[str | None, Pixels]:
    with open_frame(file, name=name, needs_sky=False, limits=UPLOAD) as frame:
        _check_shape(frame.shape)
        flux = _in_blocks(frame)
        said = str(frame.header.get("FILTER") or "").strip().lower()[:1]
    finite = flux[np.isfinite(flux)]
    if finite.size == 0:
        raise FitsError("bad_fits", "The image has no pixel with data.")
    if finite.min() == finite.max():
        raise PictureError("blank_picture", f"The image is blank: all of its pixels hold {finite[0]:g}.")
    return said if said in GREYS else None, asinh_grey(flux[::-1])


def _check_shape(shape: tuple[int, int]) -> None:
    short, long = sorted(shape)
    if short < MIN_SIDE_PX:
        raise PictureError("image_too_small", f"{shape[1]} × {shape[0]} pixels: at least {MIN_SIDE_PX} are needed.")
    if long > MAX_ASPECT * short:
        raise PictureError(
            "bad_aspect", f"{shape[1]} × {shape[0]} pixels: the sides may differ by a factor of {MAX_ASPECT} at most."
        )


def _in_blocks(frame: Frame) -> npt.NDArray[np.float32]:
    """Read the image in strips, averaged in blocks to at most 1,024 pixels a side; never all of it in memory."""
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
