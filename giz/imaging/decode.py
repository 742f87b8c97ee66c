"""Safe decoding of pictures somebody else made: PNG, JPEG, on request WebP; caps from the header, nothing half-read."""

import io
import struct
import warnings
import zlib
from typing import Literal

import numpy as np
import numpy.typing as npt
from PIL import Image

Kind = Literal["grey", "colour"]
Pixels = npt.NDArray[np.uint8]

MAX_BYTES = 40_000_000
MAX_PIXELS = 40_000_000
MAX_ASPECT = 4
MIN_SIDE_PX = 32
MAX_TEXT_BYTES = 1_000_000

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


class PictureError(ValueError):
    """A picture that can't be used: a stable code for programs and a sentence for people.

    Codes: ``image_too_large``, ``image_too_small``, ``bad_aspect``, ``unsupported_type``, ``bad_picture``.
    """

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


def decode_picture(data: bytes, kind: Kind, *, takes_webp: bool = False) -> Pixels:
    """Return the pixels of a PNG or JPEG file (or a still WebP, if asked for) as grey or as red, green, blue.

    The decoder is chosen by the content, never by the file's name (real catalogues hold JPEG files named .png).
    Transparent pixels take the background: white in greys (dark galaxy on a light sky), black in colour.
    Sixteen-bit greys keep their upper eight bits. An EXIF orientation is ignored on purpose: position angles and
    display corrections were measured on the pixels as they are stored.

    Parameters
    ----------
    data : bytes
        The whole file.
    kind : "grey" or "colour"
        What the band is; colour files are turned to grey by ITU-R 601 luma, grey files to three equal channels.
    takes_webp : bool
        Whether WebP is read, too. Catalogues of the field hold none.

    Returns
    -------
    (ny, nx) or (ny, nx, 3) array of uint8, first row on top, red first.

    Raises
    ------
    PictureError
        Too many bytes or pixels, too small, too oblong, no PNG or JPEG, damaged or cut off.
    """
    if len(data) > MAX_BYTES:
        raise PictureError("image_too_large", f"The file has {len(data):,} bytes; at most {MAX_BYTES:,} are read.")
    picture = _open_checked(data, takes_webp)
    try:
        picture.load()
        flat = _flatten(picture, kind)
    except _DECODER_ERRORS as error:
        raise PictureError("bad_picture", f"The picture is damaged or cut off ({error}).") from None
    return np.array(flat, dtype=np.uint8)


def _open_checked(data: bytes, takes_webp: bool) -> Image.Image:
    """Open without decoding, after the header's own size has passed the caps."""
    if data.startswith(_PNG_SIGNATURE):
        # Before Pillow: it would inflate text chunks on its way through the header.
        if len(data) < 33 or data[12:16] != b"IHDR":
            raise PictureError("bad_picture", "The PNG file has no header.")
        _check_size(*struct.unpack(">II", data[16:24]))
        _check_texts(data)
        formats = ["PNG"]
    elif data.startswith(_JPEG_SIGNATURE):
        formats = ["JPEG"]
    elif takes_webp and data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        # Before Pillow: its decoder takes memory for the whole canvas while it opens the file.
        _check_size(*_webp_size(data))
        formats = ["WEBP"]
    else:
        known = "PNG, JPEG nor WebP" if takes_webp else "PNG nor JPEG"
        raise PictureError("unsupported_type", f"The content is neither {known}, whatever the name says.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            picture = Image.open(io.BytesIO(data), formats=formats)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise PictureError("image_too_large", f"The picture has more than {MAX_PIXELS:,} pixels.") from None
    except _DECODER_ERRORS as error:
        raise PictureError("bad_picture", f"The picture's header can't be read ({error}).") from None
    _check_size(*picture.size)
    return picture


def _check_texts(data: bytes) -> None:
    """Refuse a PNG whose packed texts and colour profile unpack to more than MAX_TEXT_BYTES (RFC 2083, section 4.2)."""
    position, room = len(_PNG_SIGNATURE), MAX_TEXT_BYTES
    while position + 8 <= len(data):
        length, kind = struct.unpack(">I4s", data[position : position + 8])
        body = data[position + 8 : position + 8 + length]
        position += length + 12
        if kind not in (b"zTXt", b"iTXt", b"iCCP"):
            continue
        _keyword, _, rest = body.partition(b"\0")
        packed = rest[1:]
        if kind == b"iTXt":  # a flag and a method, then language and translated keyword, each ended by a zero
            packed = rest[2:].split(b"\0", 2)[-1] if rest[:1] == b"\1" else b""
        try:
            room -= len(zlib.decompressobj().decompress(packed, room + 1))
        except zlib.error:
            continue  # no bomb; the decoder says what it thinks of it
        if room < 0:
            raise PictureError("image_too_large", f"The PNG file holds more than {MAX_TEXT_BYTES:,} bytes of text.")


def _webp_size(data: bytes) -> tuple[int, int]:
    """Width and height that the first chunk states: RFC 9649, sections 2.5 to 2.7 (of VP8: RFC 6386, section 9.1)."""
    head, body = data[12:16], data[20:30]
    if len(body) == 10:
        if head == b"VP8X":
            if body[0] & 0x02:
                raise PictureError("unsupported_type", "Moving pictures are not read.")
            return int.from_bytes(body[4:7], "little") + 1, int.from_bytes(body[7:10], "little") + 1
        if head == b"VP8L" and body[0] == 0x2F:
            bits = int.from_bytes(body[1:5], "little")
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        if head == b"VP8 " and body[3:6] == b"\x9d\x01\x2a":
            width, height = struct.unpack("<HH", body[6:10])
            return width & 0x3FFF, height & 0x3FFF
    raise PictureError("bad_picture", "The WebP file has no header.")


def _check_size(width_px: int, height_px: int) -> None:
    short, long = sorted((width_px, height_px))
    if width_px * height_px > MAX_PIXELS:
        raise PictureError(
            "image_too_large", f"The picture has {width_px} × {height_px} pixels; at most {MAX_PIXELS:,} are read."
        )
    if short == 0 or long > MAX_ASPECT * short:
        raise PictureError(
            "bad_aspect", f"{width_px} × {height_px} pixels: the sides may differ by a factor of {MAX_ASPECT} at most."
        )
    if short < MIN_SIDE_PX:
        raise PictureError("image_too_small", f"{width_px} × {height_px} pixels: at least {MIN_SIDE_PX} are needed.")


def _flatten(picture: Image.Image, kind: Kind) -> Image.Image:
    """Return mode L or RGB, transparency composed on the background."""
    if picture.mode in _SIXTEEN_BIT:
        values = np.asarray(picture).astype(np.uint32)
        picture = Image.fromarray((np.minimum(values, 0xFFFF) >> 8).astype(np.uint8))
    if picture.mode in ("LA", "PA", "RGBA", "La", "RGBa") or "transparency" in picture.info:
        layers = picture.convert("RGBA")
        background = Image.new("RGBA", picture.size, "white" if kind == "grey" else "black")
        picture = Image.alpha_composite(background, layers)
    return picture.convert("L" if kind == "grey" else "RGB")
