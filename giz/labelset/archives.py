"""Label sets as other programs take them: npz archives of pictures, folders of picture files, and one tar file.

npz has the names of the original's training archives (`images`, `labels`, `pgcIDs`, `filter`) and also self-explanatory
ones. Folder layouts are the two of the original: training copies and catalogue pictures. A tar file is generated while
it is sent; nothing is written, and its size is known beforehand.
"""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from giz.core.machine import BLOCK_BYTES, sync_folder
from giz.core.vocabulary import COLOUR
from giz.labelset.files import whole_file
from giz.labelset.reader import LabelSet
from giz.labelset.schema import LabelSetError

OnProgress = Callable[[int, int], None]
LAYOUTS = ("training", "catalogue")
# The original's codes in place of an inclination.
REJECTED_CODE, FACE_ON_CODE = 0.0, 1.0
ORIGINAL_FILTERS = {"gri": "c", "g": "g", "r": "r", "i": "i"}
JPEG_QUALITY = 95


def write_npz(labelset: LabelSet, path: Path, on_progress: OnProgress | None = None) -> str:
    """Write every picture of a label set as one npz archive; returns its SHA-256.

    Arrays, one entry a picture: ``images`` (N, H, W, 3) uint8, greys in three equal channels; ``labels`` float32,
    degrees, 0 rejected, 1 face-on (the original's codes); ``pgcIDs`` int64; ``filter`` c, g, r, i (the original's
    letters); ``pgc``; ``inclination_deg`` float64, NaN where not known; ``band`` gri, g, r, i; ``verdict``; ``split``;
    and ``sigma_common_deg`` where the set has it.
    Pictures are written one by one; the archive is not compressed, since noise is incompressible.

    Raises
    ------
    LabelSetError
        ``no_image``: the set has no pictures.
    """
    rows, bands = _pictures(labelset)
    verdict, split = labelset.column("verdict")[rows], labelset.column("split")[rows]
    inclination_deg = labelset.column("inclination_deg")[rows]
    codes = np.where(verdict == "F", FACE_ON_CODE, np.where(verdict == "A", inclination_deg, REJECTED_CODE))
    small: dict[str, npt.NDArray[Any]] = {
        "labels": codes.astype(np.float32),
        "pgcIDs": labelset.pgc[rows],
        "filter": np.array([ORIGINAL_FILTERS[band] for band in bands]),
        "pgc": labelset.pgc[rows],
        "inclination_deg": inclination_deg,
        "band": np.array(bands),
        "verdict": verdict.astype(str),
        "split": split.astype(str),
    }
    if any(column.name == "sigma_common_deg" for column in labelset.columns):
        small["sigma_common_deg"] = labelset.column("sigma_common_deg")[rows]
    with whole_file(path) as out:
        with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
            _add_pictures(archive, labelset, rows, bands, on_progress)
            for name, values in small.items():
                with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w") as member:
                    np.lib.format.write_array(member, values, allow_pickle=False)
        return out.sha256


def _add_pictures(
    archive: zipfile.ZipFile, labelset: LabelSet, rows: npt.NDArray[np.int64], bands: list[str],
    on_progress: OnProgress | None,
) -> None:  # fmt: skip
    size_px = labelset.size_px or 0
    with archive.open(zipfile.ZipInfo("images.npy"), "w", force_zip64=True) as member:
        header = io.BytesIO()
        shape = (len(bands), size_px, size_px, 3)
        np.lib.format.write_array_header_1_0(header, {"descr": "|u1", "fortran_order": False, "shape": shape})
        member.write(header.getvalue())
        for done, (row, band) in enumerate(zip(rows, bands, strict=True), start=1):
            pixels = labelset.image(int(row), band)
            member.write((pixels if band == COLOUR else np.repeat(pixels[..., None], 3, axis=2)).tobytes())
            if on_progress and (done % 256 == 0 or done == len(bands)):
                on_progress(done, len(bands))


def _pictures(labelset: LabelSet) -> tuple[npt.NDArray[np.int64], list[str]]:
    """Return row (N,) and band of every picture, galaxy by galaxy."""
    has = {band: labelset.has_image(band) for band in labelset.bands}
    pairs = [(row, band) for row in range(len(labelset)) for band in labelset.bands if has[band][row]]
    if not pairs:
        raise LabelSetError("no_image", "This label set has no pictures, so there is nothing to archive.")
    return np.array([row for row, _ in pairs], np.int64), [band for _, band in pairs]


def write_folder(
    labelset: LabelSet, folder: Path, *, layout: str = "training", on_progress: OnProgress | None = None
) -> int:
    """Write every picture as a file below ``folder/train`` and ``folder/test``; returns how many there are.

    Layout "training": ``pgc<id>_<N>x<N>_<yy>.<band>.jpg``, `yy` the whole-degree inclination, F face-on, 0 rejected.
    Layout "catalogue": ``pgc<id>_d25x2_rot_<band>.png`` (``…_gri.jpg``), the names that `import_images` reads.
    Existing files are kept, so the same call resumes after an interruption.

    Raises
    ------
    LabelSetError
        ``unknown_format`` for another layout; ``no_image`` for a set without pictures.
    """
    if layout not in LAYOUTS:
        raise LabelSetError("unknown_format", f"There is no layout {layout!r}. Known: {', '.join(LAYOUTS)}.")
    rows, bands = _pictures(labelset)
    split = labelset.column("split")
    codes = _codes(labelset) if layout == "training" else None
    for side in ("train", "test"):
        (folder / side).mkdir(parents=True, exist_ok=True)
    for done, (row, band) in enumerate(zip(rows.tolist(), bands, strict=True), start=1):
        name = _name(int(labelset.pgc[row]), band, labelset.size_px or 0, codes[row] if codes else None)
        path = folder / split[row] / name
        if not path.exists():
            with whole_file(path) as out:
                out.write(_encoded(labelset.image(row, band), path.suffix))
        if on_progress and (done % 256 == 0 or done == len(bands)):
            on_progress(done, len(bands))
    for side in ("train", "test"):
        sync_folder(folder / side)
    return len(bands)


def _codes(labelset: LabelSet) -> list[str]:
    """Return `yy` of each galaxy: whole degrees, rounded half to even; F face-on; 0 rejected, split or unknown."""
    pairs = zip(labelset.column("verdict"), labelset.column("inclination_deg"), strict=True)
    return [str(round(angle)) if verdict == "A" else "F" if verdict == "F" else "0" for verdict, angle in pairs]


def _name(pgc: int, band: str, size_px: int, code: str | None) -> str:
    if code is not None:
        return f"pgc{pgc}_{size_px}x{size_px}_{code}.{band}.jpg"
    return f"pgc{pgc}_d25x2_rot_{band}.{'jpg' if band == COLOUR else 'png'}"


def _encoded(pixels: npt.NDArray[np.uint8], suffix: str) -> bytes:
    from PIL import Image

    out = io.BytesIO()
    picture = Image.fromarray(np.ascontiguousarray(pixels))
    options: dict[str, Any] = {"quality": JPEG_QUALITY, "subsampling": 0} if suffix == ".jpg" else {}
    picture.save(out, "JPEG" if suffix == ".jpg" else "PNG", **options)
    return out.getvalue()


def tar_bytes(folder: Path) -> int:
    """Return the exact number of bytes of `tar_blocks`."""
    sizes = (path.stat().st_size for path in _files(folder))
    return sum(tarfile.BLOCKSIZE + _padded(size) for size in sizes) + 2 * tarfile.BLOCKSIZE


def tar_blocks(folder: Path) -> Iterator[bytes]:
    """Yield the files of a label set as a tar archive, in a folder of its name, without owner or time."""
    for path in _files(folder):
        size = path.stat().st_size
        entry = tarfile.TarInfo(f"{folder.name}/{path.relative_to(folder)}")
        entry.size = size
        yield entry.tobuf(tarfile.USTAR_FORMAT)
        with path.open("rb") as binary:
            while block := binary.read(BLOCK_BYTES):
                yield block
        yield b"\0" * (_padded(size) - size)
    yield b"\0" * (2 * tarfile.BLOCKSIZE)


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _padded(size: int) -> int:
    return -(-size // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE
