"""Damage files of every format and have them decoded as uploads, pictures and frames: ``--minutes 10`` is the long run.

    python -m tests.bench.fuzz_decoders --minutes 10

Seeds: files of every format made here, the bombs of tests/hostile.py, and those of a folder (``--seeds``). Each file
must end in pixels or in a refusal with a known code; this process must stay alive and below ``--most-mb``. Prints how
each ended, with the slowest, and ends with 1 where a rule is broken.
"""

from __future__ import annotations

import argparse
import io
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from giz.imaging import decoder
from giz.imaging.errors import UnusableFileError
from tests import hostile

GRID = (10.0, 10.0, 64, 0.36, 90.0)
# Bytes at which formats take decisions: signs, lengths, keywords, zeros and ones.
TELLING = [
    b"\0",
    b"\xff",
    b"\x7f",
    b"\x80",
    b"\xff\xd8",
    b"\xff\xda",
    b"IDAT",
    b"END",
    b"9999999999",
    b"-1",
    b"1E308",
    b"NaN",
]
FIELDS = ("BITPIX", "NAXIS", "NAXIS1", "NAXIS2", "BSCALE", "BZERO", "BLANK", "BSOFTEN", "WCSAXES", "A_ORDER", "CRPIX1")
FIELDS += ("CTYPE1", "CD1_1", "ZNAXIS1", "ZTILE1", "ZCMPTYPE", "PCOUNT", "TFIELDS", "TFORM1", "EXTNAME", "BUNIT")
VALUES = (
    "0",
    "1",
    "-1",
    "7",
    "65536",
    "2147483647",
    "-2147483648",
    "1E308",
    "1E-308",
    "T",
    "'x'",
    "''",
    "99999999999999",
)


@dataclass
class Outcome:
    """How many files ended in which way, the slowest, the most memory, and what broke a rule."""

    counts: Counter[str] = field(default_factory=Counter)
    slowest_s: float = 0.0
    most_mb: float = 0.0
    broken: list[str] = field(default_factory=list)


def seeds(folder: Path | None = None) -> list[bytes]:
    """Good files of every format, hostile ones, and those of a folder; large ones left out."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:96, :96] - 48.0
    grey = np.clip(255 - 200 * np.exp(-np.hypot(x, 2 * y) / 12) + rng.normal(0, 3, x.shape), 0, 255).astype(np.uint8)
    colour = np.stack([grey, grey // 2, 255 - grey], axis=2)
    made = [
        _encoded(Image.fromarray(grey), "PNG"),
        _encoded(Image.fromarray(grey.astype(np.uint16) * 16), "PNG"),
        _encoded(Image.fromarray(colour), "PNG"),
        _encoded(Image.fromarray(np.dstack([colour, grey])), "PNG"),
        _encoded(Image.fromarray(colour).convert("P"), "PNG", transparency=3),
        _encoded(Image.fromarray(colour), "JPEG", quality=90),
        _encoded(Image.fromarray(colour), "JPEG", progressive=True),
        _encoded(Image.fromarray(colour).convert("CMYK"), "JPEG"),
        _encoded(Image.fromarray(colour), "WEBP", quality=80),
        _encoded(Image.fromarray(colour), "WEBP", lossless=True),
        hostile.fits(**hostile.SKY, A_ORDER=3, B_ORDER=3, A_1_2=1e-6),
        hostile.fits(BUNIT="counts", MAGZP=25.0, BSOFTEN=10.0, BOFFSET=1.0),
        *_fits_files(grey.astype(np.float32)),
    ]
    files = sorted(path for path in folder.rglob("*") if path.is_file()) if folder else []
    named = [path.read_bytes() for path in files if path.stat().st_size < 500_000]
    return [*made, *hostile.bombs().values(), *named]


def _encoded(picture: Image.Image, form: str, **options: object) -> bytes:
    out = io.BytesIO()
    picture.save(out, form, **options)
    return out.getvalue()


def _fits_files(flux: np.ndarray) -> Iterator[bytes]:
    """Scaled integers, several extensions with a table, and every way in which astropy compresses tiles."""
    import bz2
    import gzip
    import lzma

    from astropy.io import fits

    header = fits.Header(list(hostile.SKY.items()))
    whole = fits.PrimaryHDU(flux.astype(np.int16), header)
    whole.header.update(BSCALE=0.5, BZERO=10.0, BLANK=-32768)
    table = fits.BinTableHDU.from_columns(
        [fits.Column("x", "E", array=np.ones(5)), fits.Column("t", "PE()", array=[[1.0], [2.0, 3.0]])]
    )
    files = [
        [whole],
        [fits.PrimaryHDU(), fits.ImageHDU(flux, header, name="SCI"), fits.ImageHDU(flux, name="DQ"), table],
    ]
    for codec in ("RICE_1", "GZIP_1", "GZIP_2", "PLIO_1", "HCOMPRESS_1"):
        files.append([fits.PrimaryHDU(), fits.CompImageHDU(flux.astype(np.int32), header, compression_type=codec)])
    for hdus in files:
        out = io.BytesIO()
        fits.HDUList(hdus).writeto(out)
        yield out.getvalue()
    yield from (pack(hostile.fits(**hostile.SKY)) for pack in (gzip.compress, bz2.compress, lzma.compress))


def damaged(data: bytes, others: list[bytes], rng: random.Random) -> bytes:
    """One file with a few wounds: bytes, cards of a FITS header, cuts, repeats, pieces of another file."""
    made = bytearray(data)
    for _ in range(rng.randint(1, 6)):
        if not made:
            break
        place = rng.randrange(len(made)) if rng.random() < 0.5 else rng.randrange(min(len(made), 3000))
        kind = rng.randrange(7)
        if kind == 0:
            made[place] = rng.randrange(256)
        elif kind == 1:
            made[place] ^= 1 << rng.randrange(8)
        elif kind == 2:
            telling = rng.choice(TELLING)
            made[place : place + len(telling)] = telling
        elif kind == 3 and made.startswith(b"SIMPLE"):
            card = f"{rng.choice(FIELDS):<8}= {rng.choice(VALUES):>20}".encode().ljust(80)
            start = 80 * rng.randrange(1, 30)
            made[start : start + 80] = card
        elif kind == 4:
            del made[place : place + rng.choice((1, 4, 80, 500))]
        elif kind == 5:
            made[place:place] = made[place : place + rng.choice((1, 8, 80, 2880))] * rng.randint(1, 20)
        elif kind == 6:
            other = rng.choice(others)
            start = rng.randrange(len(other)) if other else 0
            made[place : place + 100] = other[start : start + 100]
    return bytes(made)


def fuzz(seconds: float, *, folder: Path | None = None, seed: int = 0, most_mb: float = 300.0) -> Outcome:
    """Damage and decode for so long."""
    rng, good, outcome = random.Random(seed), seeds(folder), Outcome()
    until = time.monotonic() + seconds
    with tempfile.TemporaryDirectory(prefix="giz-fuzz-") as room:
        while time.monotonic() < until:
            data = damaged(rng.choice(good), good, rng) if rng.random() < 0.95 else rng.choice(good)
            task = rng.choice(("upload", "upload", "picture", "frame"))
            began = time.monotonic()
            try:
                _decode(task, data, Path(room) / "file", rng)
                ended = "pixels"
            except UnusableFileError as error:
                ended = error.code
            except Exception as error:  # noqa: BLE001 - that is what is looked for
                ended = f"broken: {type(error).__name__}"
                outcome.broken.append(f"{task}: {error!r} of {data[:60]!r}… ({len(data)} bytes)")
            outcome.slowest_s = max(outcome.slowest_s, time.monotonic() - began)
            outcome.counts[f"{task} {ended}"] += 1
            outcome.most_mb = max(outcome.most_mb, _held_mb())
    if outcome.most_mb > most_mb:
        outcome.broken.append(f"this process held {outcome.most_mb:.0f} MB")
    return outcome


def _decode(task: str, data: bytes, path: Path, rng: random.Random) -> None:
    if task == "upload":
        decoder.upload_decode(data, band=rng.choice((None, "g", "gri")), may_be_webp=rng.random() < 0.7, name="x.fits")
    elif task == "picture":
        decoder.picture_decode(data, rng.choice(("grey", "colour")))
    else:
        path.write_bytes(data)
        decoder.frame_decode(path, GRID, has_own_unit=rng.random() < 0.3)


def _held_mb() -> float:
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6
    except OSError:
        return 0.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seeds", type=Path, help="a folder of more files to damage")
    parser.add_argument(
        "--most-mb", type=float, default=300.0, help="the most that this process may hold (default 300)"
    )
    options = parser.parse_args()
    outcome = fuzz(60 * options.minutes, folder=options.seeds, seed=options.seed, most_mb=options.most_mb)
    for ended, count in sorted(outcome.counts.items()):
        print(f"{count:8d}  {ended}")
    files = sum(outcome.counts.values())
    print(f"{files} files; slowest {outcome.slowest_s:.1f} s; this process {outcome.most_mb:.0f} MB")
    for line in outcome.broken[:20]:
        print(line)
    return 1 if outcome.broken else 0


if __name__ == "__main__":
    sys.exit(main())
