"""Small label sets that the tests share: made of noise, with every verdict and a missing band here and there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from giz.labelset import Column, LabelSetSpec, LabelSetWriter
from giz.labelset.images import Pixels

SIZE_PX = 32
SPEC = LabelSetSpec(
    name="small",
    title="A small set",
    description="Noise with labels, for tests.",
    origin="test",
    columns=(
        Column("sigma_deg", "float64", "standard error", unit="deg", ucd="stat.error"),
        Column("volunteer_count", "int64", "how many judged"),
        Column("note", "string", "remarks"),
    ),
    size_px=SIZE_PX,
    bands=("g", "r", "i", "gri"),
    versions={"rules": ["median-1"], "standard_set": {"name": "original", "version": 1}, "volunteer_fit": None},
    shard_galaxies=16,
)
LABELS_ONLY = replace(SPEC, name="labels-only", size_px=None, bands=())
FIRST_PGC = 1001


def galaxy(number: int) -> tuple[dict[str, Any], dict[str, Pixels]]:
    """Galaxy `number`: always the same label and the same pictures."""
    rng = np.random.default_rng(number)
    verdict = ("A", "A", "A", "F", "J", "split")[number % 6]
    row = {
        "pgc": FIRST_PGC + number,
        "inclination_deg": float(rng.uniform(45, 90)) if verdict in "A" else None,
        "verdict": verdict,
        "sigma_deg": 1.5 if verdict == "A" else None,
        "volunteer_count": 3 + number % 2,
        "note": "=1+1 [bad_TF] Ü & <b>" if number % 5 == 0 else "",
    }
    images = {band: rng.integers(0, 256, (SIZE_PX, SIZE_PX), np.uint8) for band in ("g", "r", "i")}
    images["gri"] = rng.integers(0, 256, (SIZE_PX, SIZE_PX, 3), np.uint8)
    if number % 7 == 3:
        del images["g"]
    return row, images


def add_from(writer: LabelSetWriter, start: int, stop: int) -> None:
    for number in range(start, stop):
        row, images = galaxy(number)
        writer.add(row, images if writer.spec.bands else None)


def write_set(folder: Path, count: int = 50, spec: LabelSetSpec = SPEC) -> dict[str, Any]:
    with LabelSetWriter(folder, spec) as writer:
        add_from(writer, 0, count)
        return writer.finish()


def contents(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield str(path.relative_to(folder)), path.read_bytes()
