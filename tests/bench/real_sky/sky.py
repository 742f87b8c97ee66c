"""The real pictures: what people said of each, and the pixels as the network is asked about them.

Evaluation data. It lies outside the repository (`../shared/real`), and nothing of it may enter a label set.
"""

from __future__ import annotations

import csv
import hashlib
import importlib.util
import math
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from giz.imaging.sizes import square

Pixels = npt.NDArray[np.uint8]
# EFIGI's cutouts span 1.15 x D25 in the median; laid into this much more sky they have the field of 2 x D25.
TIGHT_FOLDER, PADDING = "efigi88", 1.75
# Labels are whole degrees, rounded down half of the time.
FLOORED_DEG = 0.25
CUT_FROM = 0.02


@dataclass(frozen=True, slots=True)
class RealPicture:
    """One row of sky.csv. Angles in degrees; NaN where unknown.

    verdict : of people; A measured, F face-on, J rejected, empty where nobody was asked.
    reasons : of those who rejected it, from the original's votes.
    border_share : of the picture's rim that lies inside the galaxy.
    """

    file: str
    survey: str
    pgc: int
    kind: str
    verdict: str
    people_deg: float
    axial_ratio: float
    hubble_type: float
    contamination: float
    border_share: float
    expected: str
    expected_why: str
    is_standard: bool
    reasons: tuple[str, ...]

    @property
    def folder(self) -> str:
        return self.file.split("/", 1)[0]

    @property
    def is_cut(self) -> bool:
        """Whether the galaxy runs off the frame."""
        return self.border_share >= CUT_FROM

    @property
    def is_measured(self) -> bool:
        """Whether people gave it an inclination that a network can give, too."""
        return self.people_deg >= 45.0


def read_sky(folder: Path) -> list[RealPicture]:
    """Rows of ``sky.csv`` in `folder`, with the reasons and standards that lie beside it."""
    reasons, standards = _reasons(folder.parent / "guest_votes.psv"), _standards(folder.parent / "standards.csv")
    with (folder / "sky.csv").open(encoding="utf-8", newline="") as file:
        return [_picture(row, reasons, standards) for row in csv.DictReader(file)]


def _picture(row: dict[str, str], reasons: dict[int, tuple[str, ...]], standards: set[int]) -> RealPicture:
    pgc = int(row["pgc"] or 0)
    return RealPicture(
        file=row["file"],
        survey=row["survey"],
        pgc=pgc,
        kind=row["class"],
        verdict=row["people"] if row["people"] in ("F", "J", "") else "A",
        people_deg=_number(row["people_inc"]) + FLOORED_DEG,
        axial_ratio=_number(row["axial_ratio"]),
        hubble_type=_number(row["hubble_type_T"]),
        contamination=_number(row["contamination"]),
        border_share=float(row["share_of_border_inside"] or 0.0),
        expected=row["expect"],
        expected_why=row["expect_why"],
        is_standard=pgc in standards,
        reasons=reasons.get(pgc, ()),
    )


def _number(text: str) -> float:
    return float(text) if text else math.nan


def _standards(path: Path) -> set[int]:
    if not path.exists():
        return set()
    with path.open(encoding="utf-8", newline="") as file:
        return {int(row["pgc"]) for row in csv.DictReader(file)}


def _reasons(path: Path) -> dict[int, tuple[str, ...]]:
    """Reasons that were given with any rejection of a galaxy, by its number."""
    if not path.exists():
        return {}
    found: dict[int, set[str]] = {}
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file, delimiter="|")
        names = (reader.fieldnames or [])[6:15]
        for row in reader:
            if row["flag"] == "1":
                found.setdefault(int(row["pgcID"]), set()).update(name for name in names if row[name] == "1")
    return {pgc: tuple(sorted(given)) for pgc, given in found.items()}


def load_pixels(folder: Path, rows: list[RealPicture], size_px: int, cache: Path) -> Pixels:
    """Pictures (n, S, S, 3) as `evaluate_pictures` would scale them; kept in `cache` for the next network."""
    padder = folder.parent / "tools" / "pad.py"
    key = hashlib.sha256((folder / "sky.csv").read_bytes() + padder.read_bytes()).hexdigest()[:12]
    path = cache / f"pictures-{size_px}-{key}.npy"
    if path.exists():
        kept: Pixels = np.load(path)
        return kept
    pad = _function(padder, "pad")
    pixels = np.stack([_pixels(folder, row, size_px, pad) for row in rows])
    cache.mkdir(parents=True, exist_ok=True)
    np.save(path, pixels)
    return pixels


def _function(path: Path, name: str) -> Callable[..., Image.Image]:
    """The padding that real galaxies are measured with lies beside them, so that all use the same."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise FileNotFoundError(path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    function: Callable[..., Image.Image] = getattr(module, name)
    return function


def _pixels(folder: Path, row: RealPicture, size_px: int, pad: Callable[..., Image.Image]) -> Pixels:
    with Image.open(folder / row.file) as opened:
        image = opened.convert("RGB")
    if row.folder == TIGHT_FOLDER:
        seed = row.pgc % 10_000 if row.pgc else zlib.crc32(row.file.encode()) % 10_000
        image = pad(image, PADDING, seed=seed)
    whole = Image.fromarray(square(np.asarray(image)))
    return np.asarray(whole.resize((size_px, size_px), Image.Resampling.LANCZOS, reducing_gap=3.0))
