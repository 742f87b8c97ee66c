"""Square display files of a picture in a few sizes, named by a hash of their content, and written to a folder."""

import base64
import hashlib
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from giz.core.machine import sync_folder, write_whole

Pixels = npt.NDArray[np.uint8]

PIPELINE_VERSION = "1"
DISPLAY_SIZES_PX = (128, 256, 512)
CROP_TOLERANCE = 0.02
WEBP_QUALITY = 86
WEBP_METHOD = 4


@dataclass(frozen=True)
class DisplayFiles:
    """The encoded files of a picture by size, and their source."""

    stem: str
    content_sha256: str
    source_width_px: int
    source_height_px: int
    files: dict[int, bytes]


def display_stem(content_sha256: str, *, is_colour: bool) -> str:
    """Return ``ab/abcdef…``: a two-letter folder and 26 letters of a hash of content, kind and pipeline version.

    It includes the kind because one file can be used as grey and as colour; the name reveals nothing about the galaxy.
    """
    text = f"giz-display|{PIPELINE_VERSION}|{'colour' if is_colour else 'grey'}|{content_sha256}"
    letters = base64.b32encode(hashlib.sha256(text.encode()).digest()).decode().lower()[:26]
    return f"{letters[:2]}/{letters}"


def pixels_sha256(pixels: Pixels) -> str:
    """Return the hash of an array that did not come from a file: of its shape and its bytes."""
    digest = hashlib.sha256(repr(pixels.shape).encode())
    digest.update(np.ascontiguousarray(pixels).tobytes())
    return digest.hexdigest()


def sizes_for(side_px: int) -> tuple[int, ...]:
    """Return the display sizes of a square source, up to the first that holds all of its detail."""
    sizes = [size for size in DISPLAY_SIZES_PX if size < side_px]
    larger = [size for size in DISPLAY_SIZES_PX if size >= side_px]
    return (*sizes, *larger[:1])


def square(pixels: Pixels) -> Pixels:
    """Return a square picture: cropped about the centre if nearly square, otherwise padded with its background.

    Parameters
    ----------
    pixels : (ny, nx) or (ny, nx, 3) array of uint8

    Returns
    -------
    (n, n) or (n, n, 3) array. Sides that differ by up to 2 % are cropped to the shorter one; beyond that the longer
    side is kept and the border's median colour (near white in greys, near black in colour) fills the rest.
    """
    height, width = pixels.shape[:2]
    short, long = min(height, width), max(height, width)
    if short == long:
        return pixels
    if long - short <= max(1, CROP_TOLERANCE * long):
        top, left = (height - short) // 2, (width - short) // 2
        return pixels[top : top + short, left : left + short]
    padded = np.empty((long, long, *pixels.shape[2:]), dtype=np.uint8)
    padded[...] = border_colour(pixels)
    top, left = (long - height) // 2, (long - width) // 2
    padded[top : top + height, left : left + width] = pixels
    return padded


def border_colour(pixels: Pixels) -> Pixels:
    """Return the median of the outermost pixels per channel, which a star or a cut corner does not change."""
    ring = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    return np.asarray(np.median(ring, axis=0), dtype=np.uint8)


def display_files(pixels: Pixels, content_sha256: str | None = None) -> DisplayFiles:
    """Encode a picture as square WebP files in its display sizes; equal pictures give equal bytes.

    Parameters
    ----------
    pixels : (ny, nx) grey or (ny, nx, 3) colour array of uint8
    content_sha256 : str, optional
        Hash of the file the pixels came from; by default, of the pixels.

    Raises
    ------
    ValueError
        For an array of another shape or type.
    """
    is_grey = pixels.ndim == 2
    if pixels.dtype != np.uint8 or not (is_grey or (pixels.ndim == 3 and pixels.shape[2] == 3)):
        raise ValueError(f"Pixels must be uint8 of shape (ny, nx) or (ny, nx, 3), not {pixels.dtype} {pixels.shape}.")
    content = content_sha256 or pixels_sha256(pixels)
    source = Image.fromarray(np.ascontiguousarray(square(pixels)))
    files = {size: _encode(source, size) for size in sizes_for(source.width)}
    return DisplayFiles(display_stem(content, is_colour=not is_grey), content, pixels.shape[1], pixels.shape[0], files)


def _encode(source: Image.Image, size_px: int) -> bytes:
    """Scale with Lanczos (after a box reduction that leaves three times the pixels needed) and encode as WebP."""
    picture = source
    if source.width != size_px:
        picture = source.resize((size_px, size_px), Image.Resampling.LANCZOS, reducing_gap=3.0)
    out = io.BytesIO()
    picture.convert("RGB").save(out, "WEBP", quality=WEBP_QUALITY, method=WEBP_METHOD, exif=b"", icc_profile=b"")
    return out.getvalue()


def display_path(root: Path, stem: str, size_px: int) -> Path:
    return root / f"{stem}-{size_px}.webp"


def write_display_files(root: Path, display: DisplayFiles) -> None:
    """Write the files that do not exist yet; names are hashes of the content, so existing files are right."""
    folder = display_path(root, display.stem, 0).parent
    folder.mkdir(parents=True, exist_ok=True)
    written = False
    for size_px, data in display.files.items():
        path = display_path(root, display.stem, size_px)
        if not path.exists():
            write_whole(path, data)
            written = True
    if written:
        sync_folder(folder)
