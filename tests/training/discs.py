"""A label set of plain disks: ellipses whose axial ratio is the cosine of the inclination, some with missing bands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from giz.labelset import Column, LabelSetSpec, LabelSetWriter

SIZE_PX = 32
COLUMNS = (Column("reasons", "string", "why it was rejected"),)
GREY_SKY, COLOUR_SKY = 230, 12


def disc(inclination_deg: float, angle_deg: float = 0.0, size_px: int = SIZE_PX) -> npt.NDArray[np.float64]:
    """Brightness 0 to 1 of a soft ellipse in the middle, semi-major axis a quarter of the side."""
    axis = (np.arange(size_px) + 0.5) / size_px * 2.0 - 1.0
    x, y = np.meshgrid(axis, axis)
    angle = np.deg2rad(angle_deg)
    along, across = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    ratio = max(0.1, float(np.cos(np.deg2rad(inclination_deg))))
    return np.exp(-0.5 * ((along / 0.25) ** 2 + (across / (0.25 * ratio)) ** 2))


def pictures(brightness: npt.NDArray[np.float64], rng: np.random.Generator | None = None) -> dict[str, Any]:
    """The four bands of one brightness: greys dark on light, colour light on dark."""
    noise = np.zeros((4, *brightness.shape)) if rng is None else rng.normal(0, 2, (4, *brightness.shape))
    greys = {band: GREY_SKY * (1 - brightness) + noise[n] for n, band in enumerate("gri")}
    colour = COLOUR_SKY + 200 * brightness + noise[3]
    made = {band: np.clip(grey, 0, 255).astype(np.uint8) for band, grey in greys.items()}
    made["gri"] = np.repeat(np.clip(colour, 0, 255).astype(np.uint8)[..., None], 3, axis=2)
    return made


def galaxy(number: int, size_px: int = SIZE_PX) -> tuple[dict[str, Any], dict[str, Any]]:
    """Galaxy `number`: three of four are accepted disks, the fourth is noise to be rejected, or round and face-on."""
    rng = np.random.default_rng(number)
    row: dict[str, Any] = {"pgc": 5000 + number, "reasons": ""}
    if number % 4:
        inclination_deg = float(rng.uniform(45, 90))
        bands = pictures(disc(inclination_deg, rng.uniform(0, 180), size_px), rng)
        row |= {"verdict": "A", "inclination_deg": round(inclination_deg, 3)}
    elif number % 8:
        bands = pictures(rng.random((size_px, size_px)), rng)
        row |= {"verdict": "J", "inclination_deg": None, "reasons": "[not_spiral] [multiple]"}
    else:
        bands = pictures(disc(0.0, 0.0, size_px), rng)
        row |= {"verdict": "F", "inclination_deg": None}
    if number % 11 == 5:
        del bands["g"]
    if number % 13 == 7:
        del bands["gri"]
    return row, bands


def write_discs(folder: Path, count: int, size_px: int = SIZE_PX) -> Path:
    spec = LabelSetSpec(
        name="discs",
        title="Plain disks",
        description="Ellipses for tests.",
        origin="test",
        columns=COLUMNS,
        size_px=size_px,
        bands=("g", "r", "i", "gri"),
        shard_galaxies=256,
    )
    with LabelSetWriter(folder, spec) as writer:
        for number in range(count):
            writer.add(*galaxy(number, size_px))
        writer.finish()
    return folder
