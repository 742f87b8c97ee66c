"""Decode untrusted pictures: PNG, JPEG, optionally WebP; limits are checked in the header, incomplete files refused.

Files from outside are decoded in a separate process (`giz.imaging.decoder`), which limits memory and time as well.
"""

import io
import re
import struct
import warnings
import zlib
from collections.abc import Iterator
from typing import Literal

import numpy as np
import numpy.typing as npt
from PIL import Image

from giz.imaging.errors import PictureError

Kind = Literal["grey", "colour"]
Pixels = npt.NDArray[np.uint8]

MAX_BYTES = 40_000_000
MAX_PIXELS = 40_000_000
MAX_ASPECT = 4
MIN_SIDE_PX = 32
MAX_TEXT_BYTES = 1_000_000
# Encoders write ten scans of a progressive JPEG; each costs one pass over the whole picture.
MAX_SCANS, MAX_MARKERS = 100, 20_000
# Bytes between the segments before the first scan, which Pillow skips one by one; cameras leave a few.
MAX_PADDING_BYTES = 100_000
# Fewest values that a 16-bit picture must use.
LEAST_LEVELS = 64
# A picture is blank if fewer pixels differ by more than these levels from the others.
BLANK_LEVELS, BLANK_PIXELS = 4, 12
STRIP_PX = 1 << 20

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_JPEG_SIGNATURE = b"\xff\xd8\xff"
_DECODER_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    IndexError,
    KeyError,
    TypeError,
    struct.error,
    zlib.error,
)
_SIXTEEN_BIT = ("I;16", "I;16B", "I;16L", "I")
# The next marker of a JPEG file other than a stuffed zero, a restart or another start.
_MARKER = re.compile(rb"\xff([^\x00\x01\xd0-\xd8\xff])")


def decode_picture(
    data: bytes, kind: Kind, *, takes_webp: bool = False, takes_fits: bool = False, max_pixels: int = MAX_PIXELS
) -> Pixels:
    """Return the pixels of a PNG or JPEG file (or a still WebP, if allowed) as grey or as red, green, blue.

    The decoder is chosen by the content, never by the file's name (real catalogues hold JPEG files named .png).
    Transparent pixels become background: white in greys (dark galaxy on a light sky), black in colour, or the opposite
    if the galaxy would not be visible. 16-bit values keep their upper eight bits; if the uppermost are unused, e.g. for
    a camera that counts to 4,095, values are scaled by the largest. An EXIF orientation is deliberately ignored:
    position angles and display corrections refer to the stored pixels.

    Parameters
    ----------
    data : bytes
        The whole file.
    kind : "grey" or "colour"
        The kind of the band; colour files are converted to grey by ITU-R 601 luma, grey files to three equal channels.
    takes_webp, takes_fits : bool
        Whether WebP is allowed (astronomical catalogues contain none), and whether the caller reads FITS itself.
    max_pixels : int
        Larger pictures are refused by their header.

    Returns
    -------
    (ny, nx) or (ny, nx, 3) array of uint8, first row on top, red first.

    Raises
    ------
    PictureError
        Too many bytes or pixels, too small, too oblong, not PNG or JPEG, damaged or truncated.
    """
    return flattened(load_picture(data, takes_webp=takes_webp, takes_fits=takes_fits, max_pixels=max_pixels), kind)


def load_picture(
    data: bytes,
    *,
    takes_webp: bool = False,
    takes_fits: bool = False,
    max_pixels: int = MAX_PIXELS,
    enough_px: int | None = None,
) -> Image.Image:
    """Decode a file in its own mode, for `flattened`. Parameters and errors as in `decode_picture`.

    ``enough_px`` : a JPEG of at least twice that side is decoded at half size (or less), to save memory and time.
    """
    if len(data) > MAX_BYTES:
        raise PictureError("image_too_large", f"The file has {len(data):,} bytes; at most {MAX_BYTES:,} are read.")
    picture = _open_checked(data, takes_webp, takes_fits, max_pixels)
    try:
        if enough_px is not None:
            picture.draft(None, (enough_px, enough_px))
        picture.load()
    except _DECODER_ERRORS as error:
        raise PictureError("bad_picture", f"The picture is damaged or cut off ({error}).") from None
    if data.startswith(_PNG_SIGNATURE) and data[24] == 16:
        return _sixteen_bits_used(picture)
    return picture


def flattened(picture: Image.Image, kind: Kind) -> Pixels:
    """Return a loaded picture as grey or colour, transparency replaced; works in strips, to save memory."""
    usual, other = ("white", "black") if kind == "grey" else ("black", "white")
    has_alpha = picture.mode in ("LA", "PA", "RGBA", "La", "RGBa") or "transparency" in picture.info
    try:
        pixels = _in_strips(picture, kind, usual if has_alpha else None)
        if has_alpha and is_blank(pixels):
            del pixels
            pixels = _in_strips(picture, kind, other)
    except _DECODER_ERRORS as error:
        raise PictureError("bad_picture", f"The picture can't be read ({error}).") from None
    return pixels


def is_blank(pixels: Pixels) -> bool:
    """Whether a picture is blank: almost no pixel differs from its median by more than a few levels of 255."""
    step = -(-max(pixels.shape[:2]) // 1024)
    sampled = pixels[::step, ::step]
    middle = np.median(sampled.reshape(-1, *sampled.shape[2:]), axis=0)
    differs = np.abs(sampled.astype(np.int16) - middle.astype(np.int16)) > BLANK_LEVELS
    seen = differs.any(axis=2) if differs.ndim == 3 else differs
    return int(seen.sum()) < BLANK_PIXELS


def refuse_blank(pixels: Pixels) -> None:
    """Raise PictureError (``blank_picture``) for a blank picture."""
    if is_blank(pixels):
        raise PictureError("blank_picture", "The picture is blank: all of its pixels are (nearly) the same.")


def _open_checked(data: bytes, takes_webp: bool, takes_fits: bool, max_pixels: int) -> Image.Image:
    """Open without decoding, after checking the size in the header."""
    if data.startswith(_PNG_SIGNATURE):
        # Before Pillow, which would inflate text chunks while reading the header.
        if len(data) < 33 or data[12:16] != b"IHDR":
            raise PictureError("bad_picture", "The PNG file has no header.")
        width_px, height_px = struct.unpack(">II", data[16:24])
        _check_size(width_px, height_px, max_pixels)
        _check_chunks(data)
        formats = ["PNG"]
    elif data.startswith(_JPEG_SIGNATURE):
        _check_scans(data)
        formats = ["JPEG"]
    elif takes_webp and data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        # Before Pillow, whose decoder allocates the whole canvas when it opens the file.
        _check_size(*_webp_size(data), max_pixels)
        formats = ["WEBP"]
    else:
        raise PictureError("unsupported_type", _unknown(data, takes_webp, takes_fits))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            picture = Image.open(io.BytesIO(data), formats=formats)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise PictureError("image_too_large", f"The picture has more than {max_pixels:,} pixels.") from None
    except _DECODER_ERRORS as error:
        raise PictureError("bad_picture", f"The picture's header can't be read ({error}).") from None
    _check_size(*picture.size, max_pixels)
    return picture


def _unknown(data: bytes, takes_webp: bool, takes_fits: bool) -> str:
    if not data:
        return "The file is empty."
    known = ["PNG", "JPEG", *(["WebP"] if takes_webp else []), *(["FITS"] if takes_fits else [])]
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP" and takes_fits:
        return "The content is WebP, but the name or type says otherwise; name the file .webp."
    if takes_fits and not takes_webp:
        known.insert(2, "WebP")
    return f"The content is not {', '.join(known[:-1])} or {known[-1]}, whatever the name says."


def _check_scans(data: bytes) -> None:
    """Refuse a JPEG with more than MAX_SCANS scans (ITU-T T.81, annex B), or padded; libjpeg has no limit itself."""
    position = scans = markers = padding = 0
    while True:
        found = _MARKER.search(data, position)
        padding += 0 if scans else (found.start() if found else len(data)) - position
        if padding > MAX_PADDING_BYTES:
            raise PictureError("bad_picture", "The JPEG file contains padding instead of picture data.")
        if found is None or found[1] == b"\xd9":
            return
        scans += found[1] == b"\xda"
        markers += 1
        if scans > MAX_SCANS or markers > MAX_MARKERS:
            raise PictureError("image_too_large", f"The JPEG file has more than {MAX_SCANS} scans.")
        position = found.end() + max(2, int.from_bytes(data[found.end() : found.end() + 2], "big"))


def _check_chunks(data: bytes) -> None:
    """Refuse an animated PNG, and one whose compressed texts and colour profile exceed MAX_TEXT_BYTES.

    RFC 2083, section 4.2; PNG third edition, section 11.3.6 (acTL).
    """
    position, room = len(_PNG_SIGNATURE), MAX_TEXT_BYTES
    while position + 8 <= len(data):
        length, kind = struct.unpack(">I4s", data[position : position + 8])
        body = data[position + 8 : position + 8 + length]
        position += length + 12
        if kind == b"acTL":
            raise PictureError("unsupported_type", "Animated pictures are not supported.")
        if kind not in (b"zTXt", b"iTXt", b"iCCP"):
            continue
        _keyword, _, rest = body.partition(b"\0")
        packed = rest[1:]
        if kind == b"iTXt":  # a flag and a method, then language and translated keyword, each ended by a zero
            packed = rest[2:].split(b"\0", 2)[-1] if rest[:1] == b"\1" else b""
        try:
            room -= len(zlib.decompressobj().decompress(packed, room + 1))
        except zlib.error:
            continue  # harmless; the decoder reports what is wrong with it
        if room < 0:
            raise PictureError("image_too_large", f"The PNG file holds more than {MAX_TEXT_BYTES:,} bytes of text.")


def _webp_size(data: bytes) -> tuple[int, int]:
    """Return width and height from the first chunk: RFC 9649, sections 2.5 to 2.7 (VP8: RFC 6386, section 9.1)."""
    head, body = data[12:16], data[20:30]
    if len(body) == 10:
        if head == b"VP8X":
            if body[0] & 0x02:
                raise PictureError("unsupported_type", "Animated pictures are not supported.")
            return int.from_bytes(body[4:7], "little") + 1, int.from_bytes(body[7:10], "little") + 1
        if head == b"VP8L" and body[0] == 0x2F:
            bits = int.from_bytes(body[1:5], "little")
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        if head == b"VP8 " and body[3:6] == b"\x9d\x01\x2a":
            width, height = struct.unpack("<HH", body[6:10])
            return width & 0x3FFF, height & 0x3FFF
    raise PictureError("bad_picture", "The WebP file has no header.")


def _check_size(width_px: int, height_px: int, max_pixels: int) -> None:
    short, long = sorted((width_px, height_px))
    if width_px * height_px > max_pixels:
        raise PictureError(
            "image_too_large", f"The picture has {width_px} × {height_px} pixels; at most {max_pixels:,} are read."
        )
    if short == 0 or long > MAX_ASPECT * short:
        raise PictureError(
            "bad_aspect", f"{width_px} × {height_px} pixels: the sides may differ by a factor of {MAX_ASPECT} at most."
        )
    if short < MIN_SIDE_PX:
        raise PictureError("image_too_small", f"{width_px} × {height_px} pixels: at least {MIN_SIDE_PX} are needed.")


def _strips(picture: Image.Image) -> Iterator[tuple[slice, Image.Image]]:
    """Yield the picture a few rows at a time."""
    rows = max(1, STRIP_PX // picture.width)
    for top in range(0, picture.height, rows):
        bottom = min(top + rows, picture.height)
        yield slice(top, bottom), picture.crop((0, top, picture.width, bottom))


def _in_strips(picture: Image.Image, kind: Kind, background: str | None) -> Pixels:
    """Return greys or colours of a loaded picture, with background where it is transparent."""
    shape = (picture.height, picture.width)
    pixels = np.empty(shape if kind == "grey" else (*shape, 3), np.uint8)
    for rows, strip in _strips(picture):
        if background is not None:
            layers = strip.convert("RGBA")
            strip = Image.alpha_composite(Image.new("RGBA", strip.size, background), layers)
        pixels[rows] = np.asarray(strip.convert("L" if kind == "grey" else "RGB"))
    return pixels


def _sixteen_bits_used(picture: Image.Image) -> Image.Image:
    """Return the picture with eight bits per channel, scaled up if the uppermost bit is unused in all values.

    Pillow keeps sixteen bits only for plain greys; of other pictures the upper eight are left, which may be too few.
    """
    is_whole = picture.mode in _SIXTEEN_BIT
    counts = np.zeros(1 << (16 if is_whole else 8), np.int64)
    for _rows, strip in _strips(picture):
        values = _values(strip)
        counts += np.bincount(values[..., :3].ravel() if values.ndim == 3 else values.ravel(), minlength=counts.size)
    # A few hot pixels don't count.
    rank = 1 + int(counts.sum()) // 20_000
    top = int(counts.size - 1 - np.searchsorted(np.cumsum(counts[::-1]), rank))
    low = int(np.searchsorted(np.cumsum(counts), rank))
    if top >= counts.size // 2 or top == low:
        return _eight_bits(picture, 256.0 if is_whole else 1.0)
    if top - low < LEAST_LEVELS:
        raise PictureError(
            "bad_picture",
            f"The picture has 16 bits a channel but uses few of its levels ({top - low} of {counts.size:,}). "
            "Stretch it, or save it with 8 bits.",
        )
    return _eight_bits(picture, top / 255.0)


def _values(strip: Image.Image) -> npt.NDArray[np.integer]:
    """Return the greys or three colours, without alpha."""
    if strip.mode in _SIXTEEN_BIT:
        return np.asarray(np.clip(np.asarray(strip), 0, 0xFFFF), np.uint16)
    return np.asarray(strip.getchannel("L") if strip.mode == "LA" else strip.convert("RGB"))


def _eight_bits(picture: Image.Image, unit: float) -> Image.Image:
    """Divide greys or colours by `unit`; transparency stays as it is."""
    if picture.mode in _SIXTEEN_BIT:
        pixels = np.empty((picture.height, picture.width), np.uint8)
        for rows, strip in _strips(picture):
            pixels[rows] = np.minimum(_values(strip) / np.float32(unit), 255.0)
        return Image.fromarray(pixels)
    if unit == 1.0:
        return picture
    table = [min(255, int(value / unit)) for value in range(256)]
    tables = table * (len(picture.getbands()) - (picture.mode in ("LA", "RGBA")))
    return picture.point(tables + list(range(256)) if picture.mode in ("LA", "RGBA") else tables)
