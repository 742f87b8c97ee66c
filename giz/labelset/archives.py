"""Label sets as the field's networks read them: npz archives of pictures, and folders of picture files.

npz has the names of the original's training archives (`images`, `labels`, `pgcIDs`, `filter`) and, beside them, plain
ones that say what they hold. Folder layouts are the two of the original: training copies and catalogue pictures.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from giz.labelset.errors import LabelSetError
from giz.labelset.files import sync_folder, whole_file
from giz.labelset.reader import LabelSet
from giz.labelset.schema import COLOUR_BAND

OnProgress = Callable[[int, int], None]
LAYOUTS = ("training", "catalogue")
# The original's codes in the place of an inclination.
REJECTED_CODE, FACE_ON_CODE = 0.0, 1.0
ORIGINAL_FILTERS = {"gri": "c", "g": "g", "r": "r", "i": "i"}
JPEG_QUALITY = 95


def write_npz(labelset: LabelSet, path: Path, on_progress: OnProgress | None = None) -> str:
    """Write every picture of a label set as one npz archive; returns its SHA-256.

    Arrays, one entry a picture: ``images`` (N, H, W, 3) uint8, greys in three equal channels; ``labels`` float32,
    degrees, 0 rejected, 1 face-on (the original's codes); ``pgcIDs`` int64; ``filter`` c, g, r, i (the original's
    letters); ``pgc``; ``inclination_deg`` float64, NaN where not known; ``band`` gri, g, r, i; ``verdict``; ``split``.
    Pictures are written one by one; the archive is not compressed, as noise can't be.

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
            member.write((pixels if band == COLOUR_BAND else np.repeat(pixels[..., None], 3, axis=2)).tobytes())
            if on_progress and (done % 256 == 0 or done == len(bands)):
                on_progress(done, len(bands))


def _pictures(labelset: LabelSet) -> tuple[npt.NDArray[np.int64], list[str]]:
    """Row and band of every picture, galaxy by galaxy."""
    has = {band: labelset.has_image(band) for band in labelset.bands}
    pairs = [(row, band) for row in range(len(labelset)) for band in labelset.bands if has[band][row]]
    if not pairs:
        raise LabelSetError("no_image", "This label set has no pictures, so there is nothing to put into an archive.")
    return np.array([row for row, _ in pairs], np.int64), [band for _, band in pairs]


def write_folder(
    labelset: LabelSet, folder: Path, *, layout: str = "training", on_progress: OnProgress | None = None
) -> int:
    """Write every picture as a file below ``folder/train`` and ``folder/test``; returns how many there are.

    Layout "training": ``pgc<id>_<N>x<N>_<yy>.<band>.jpg``, `yy` the whole-degree inclination, F face-on, 0 rejected.
    Layout "catalogue": ``pgc<id>_d25x2_rot_<band>.png`` (``…_gri.jpg``), the names that `import_images` reads.
    Files that are there already are kept, so the same call goes on after an interruption.

    Raises
    ------
    LabelSetError
        ``unknown_format`` for another layout, ``no_image`` where the set has no pictures.
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
    """`yy` of each galaxy: whole degrees, rounded half to even; F face-on; 0 rejected, split or not known."""
    angles = labelset.column("inclination_deg")
    return [_code(verdict, angle) for verdict, angle in zip(labelset.column("verdict"), angles, strict=True)]


def _code(verdict: str, angle_deg: float) -> str:
    if verdict == "A":
        return str(round(angle_deg))
    return "F" if verdict == "F" else "0"


def _name(pgc: int, band: str, size_px: int, code: str | None) -> str:
    if code is not None:
        return f"pgc{pgc}_{size_px}x{size_px}_{code}.{band}.jpg"
    return f"pgc{pgc}_d25x2_rot_{band}.{'jpg' if band == COLOUR_BAND else 'png'}"


def _encoded(pixels: npt.NDArray[np.uint8], suffix: str) -> bytes:
    from PIL import Image

    out = io.BytesIO()
    picture = Image.fromarray(np.ascontiguousarray(pixels))
    options: dict[str, Any] = {"quality": JPEG_QUALITY, "subsampling": 0} if suffix == ".jpg" else {}
    picture.save(out, "JPEG" if suffix == ".jpg" else "PNG", **options)
    return out.getvalue()
