"""Small files that are made to hurt whoever decodes them; for tests of our own decoders only."""

import gzip
import io
import struct
import zlib
from collections.abc import Callable
from functools import partial

import numpy as np


def png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width: int, height: int, *, bits: int = 8, colour: int = 0, before: bytes = b"", after: bytes = b"") -> bytes:
    """A whole black PNG of this size and kind, with chunks before and after its pixels."""
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour]
    row = bytes(1 + (width * bits * channels + 7) // 8)
    packer = zlib.compressobj(9)
    body = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0))
    palette = png_chunk(b"PLTE", bytes(768)) if colour == 3 else b""
    parts = header, palette, before, png_chunk(b"IDAT", body), after, png_chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def scan_bomb(side: int, scans: int) -> bytes:
    """A progressive JPEG whose scans after the first say in a few bytes each that nothing changes."""

    def segment(marker: int, body: bytes) -> bytes:
        return bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body

    blocks = ((side + 7) // 8) ** 2
    tables = segment(0xC4, b"\0" + bytes([1] + [0] * 15) + b"\0")
    tables += segment(0xC4, b"\x10" + bytes([1, 1] + [0] * 14) + b"\xe0\x00")
    first = segment(0xDA, bytes([1, 1, 0, 0, 0, 0])) + bytes(-(-blocks // 8))
    # Runs of 32,767 empty blocks: the code 0 and fourteen ones, packed bit by bit.
    bits = "0" + "1" * 14
    runs = bits * (-(-blocks // 32767))
    runs += "1" * (-len(runs) % 8)
    body = bytes(int(runs[at : at + 8], 2) for at in range(0, len(runs), 8)).replace(b"\xff", b"\xff\0")
    more = segment(0xDA, bytes([1, 1, 0, 1, 63, 0])) + body
    frame = segment(0xC2, struct.pack(">BHHB", 8, side, side, 1) + bytes([1, 0x11, 0]))
    return b"\xff\xd8" + segment(0xDB, b"\0" + bytes([1] * 64)) + frame + tables + first + more * scans + b"\xff\xd9"


def card(key: str, value: object) -> bytes:
    text = {True: "T", False: "F"}[value] if isinstance(value, bool) else value
    shown = f"'{text:<8}'" if isinstance(value, str) else str(text)
    return f"{key:<8}= {shown:>20}".encode().ljust(80)[:80]


def fits_header(cards: dict[str, object], *raw: bytes) -> bytes:
    text = b"".join([*(card(key, value) for key, value in cards.items()), *(line.ljust(80) for line in raw)])
    text += b"END".ljust(80)
    return text.ljust(-(-len(text) // 2880) * 2880)


def fits(*raw: bytes, side: int = 64, **cards: object) -> bytes:
    """A noise image of floats with these cards in its header; ``raw`` are cards as they stand."""
    size = {"SIMPLE": True, "BITPIX": -32, "NAXIS": 2, "NAXIS1": side, "NAXIS2": side}
    data = np.random.default_rng(1).normal(5.0, 1.0, (side, side)).astype(">f4").tobytes()
    return fits_header({**size, **cards}, *raw) + data.ljust(-(-len(data) // 2880) * 2880, b"\0")


SKY = {"CTYPE1": "RA---TAN-SIP", "CTYPE2": "DEC--TAN-SIP", "CRVAL1": 10.0, "CRVAL2": 10.0, "CRPIX1": 32.0}
SKY |= {"CRPIX2": 32.0, "CDELT1": -1e-4, "CDELT2": 1e-4}


def tiles(unpacks_to: int, *, side: int = 64, codec: str = "GZIP_1") -> bytes:
    """A tile-compressed image whose one tile holds that many bytes, whatever its header says."""
    packed = gzip.compress(bytes(unpacks_to), 9)
    primary = fits_header({"SIMPLE": True, "BITPIX": 8, "NAXIS": 0, "EXTEND": True})
    table = {"XTENSION": "BINTABLE", "BITPIX": 8, "NAXIS": 2, "NAXIS1": 8, "NAXIS2": 1, "PCOUNT": len(packed)}
    columns = {"GCOUNT": 1, "TFIELDS": 1, "TTYPE1": "COMPRESSED_DATA", "TFORM1": f"1PB({len(packed)})"}
    image = {"ZIMAGE": True, "ZCMPTYPE": codec, "ZBITPIX": 32, "ZNAXIS": 2, "ZNAXIS1": side, "ZNAXIS2": side}
    header = fits_header({**table, **columns, **image, "ZTILE1": side, "ZTILE2": side, **SKY})
    data = struct.pack(">ii", len(packed), 0) + packed
    return primary + header + data.ljust(-(-len(data) // 2880) * 2880, b"\0")


def bombs_of_coordinates() -> dict[str, bytes]:
    """FITS files whose world coordinates make wcslib or astropy write out of bounds, or work for ever."""
    return {
        "65536 axes": fits(**SKY, WCSAXES=65536),
        "65537 axes": fits(**SKY, WCSAXES=65537),
        "4000 axes": fits(**SKY, WCSAXES=4000),
        "axes of another system": fits(**SKY, WCSAXESA=65536),
        "axes as a real number": fits(**SKY, WCSAXES=65536.0),
        "axes with an exponent": fits(b"WCSAXES =               6.5536E4", **SKY),
        "axes by HIERARCH": fits(b"HIERARCH WCSAXES = 65536", **SKY),
        "axis of 60000": fits(**SKY, CRPIX60000=1.0),
        "matrix of 900 axes": fits(**SKY, PC900_1=1.0),
        "matrix of the old kind": fits(**SKY, PC999999=1.0),
        "parameter 99999": fits(**SKY, PV1_9999=1.0),
        "order 10000": fits(**SKY, A_ORDER=10000, B_ORDER=10000),
        "order below zero": fits(**SKY, A_ORDER=-3, B_ORDER=2),
        "order by HIERARCH": fits(b"HIERARCH A_ORDER = 10000", b"HIERARCH B_ORDER = 10000", **SKY),
        "order in small letters": fits(b"a_order =                10000", b"b_order =                10000", **SKY),
        "order as a real number": fits(**SKY, AP_ORDER=1e4, BP_ORDER=1e4),
        "term of order 500": fits(**SKY, A_0_500=1.0, A_ORDER=2, B_ORDER=2),
    }


def _with_packed(kind: bytes) -> bytes:
    """A chunk whose text or profile unpacks to 30 MB."""
    return png_chunk(kind, b"a\0\0" + zlib.compress(bytes(30_000_000), 9))


# Files that unpack to much, or take long, in a few hundred kilobytes at most; each is made where it is needed.
BOMBS: dict[str, Callable[[], bytes]] = {
    "PNG of 40 Mpx": lambda: png(6320, 6320, bits=1),
    "PNG of 17 Mpx": lambda: png(4200, 4200, bits=1),
    "PNG of a strip": lambda: png(40_000, 1, bits=1),
    "PNG with a text bomb": lambda: png(64, 64, before=_with_packed(b"zTXt")),
    "PNG with a text bomb at its end": lambda: png(64, 64, after=_with_packed(b"zTXt")),
    "PNG with a profile bomb": lambda: png(64, 64, before=_with_packed(b"iCCP")),
    "black PNG of 16 Mpx": lambda: png(4000, 4000, bits=16, colour=6),
    "moving PNG": lambda: png(64, 64, before=png_chunk(b"acTL", struct.pack(">II", 2, 0))),
    "JPEG of 2000 scans": lambda: scan_bomb(2048, 2000),
    "JPEG of 101 scans": lambda: scan_bomb(64, 101),
    "FITS tile bomb": lambda: tiles(300_000_000),
    "FITS tile": lambda: tiles(64 * 64 * 4),
    "FITS with a long header": lambda: fits(*[b"COMMENT " + b"x" * 60] * 14_000),
    "FITS with a chain of cards": lambda: fits(
        b"LONGSTR = 'a&'", *[b"CONTINUE  'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx&'"] * 1300
    ),
    "FITS of a terapixel": lambda: fits_header(
        {"SIMPLE": True, "BITPIX": -32, "NAXIS": 2, "NAXIS1": 10**6, "NAXIS2": 10**6}
    ),
    "FITS with scales beyond all": lambda: fits(BSCALE=1e38, BZERO=1e38, BITPIX=16),
    **{name: partial(bytes, data) for name, data in bombs_of_coordinates().items()},
}


def bombs() -> dict[str, bytes]:
    return {name: make() for name, make in BOMBS.items()}


def as_file(data: bytes, name: str = "galaxy.png") -> io.BytesIO:
    file = io.BytesIO(data)
    file.name = name
    return file
