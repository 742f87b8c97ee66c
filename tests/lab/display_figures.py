"""How like real pictures ours are, in figures: sky, noise, contrast curve, colours; medians and the middle 68 %.

``python -m tests.lab.display_figures --real FOLDER`` measures a folder of ``pgc<id>_d25x2_rot_<band>`` files and as
many synthetic galaxies as asked for, through the same code that makes every picture.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from giz.imaging.decoder import picture_decode
from giz.imaging.errors import UnusableFileError
from giz.imaging.sizes import square
from giz.synthetic.make import display_images
from giz.synthetic.population import draw_member, make_member

Picture = npt.NDArray[np.uint8]
COMPARED_PX = 512
# Along the major axis, in R25 from the centre: the galaxy's own contrast curve.
CURVE_R25 = (0.0, 0.25, 0.5, 0.75, 1.0, 1.3)
BANDS = ("g", "r", "i")


def grey_figures(picture: Picture) -> dict[str, float]:
    """Sky level and noise beyond the galaxy, and the greys along the major axis."""
    sky = _sky(picture)
    figures = {"sky level": float(np.median(sky)), "sky noise": _sigma(sky)}
    return figures | {f"at {radius:g} R25": value for radius, value in _curve(picture).items()}


def colour_figures(picture: Picture) -> dict[str, float]:
    """Sky and brightness (mean of the channels) along the major axis, and how blue the disk is against its centre."""
    brightness = picture.mean(axis=2)
    figures = {"sky level": float(np.median(_sky(brightness)))}
    figures |= {f"at {radius:g} R25": value for radius, value in _curve(brightness).items()}
    disk = _ring(picture.astype(float), 0.45, 0.55)
    return figures | {"disk blue - red": float(np.median(disk[:, 2]) - np.median(disk[:, 0]))}


def _sky(picture: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    quarter = picture.shape[0] // 5
    return np.concatenate([picture[:quarter].ravel(), picture[-quarter:].ravel()]).astype(float)


def _sigma(values: npt.NDArray[np.float64]) -> float:
    """1.4826 median absolute deviations, without what is cut off at white."""
    below = values[values < 255]
    return 1.4826 * float(np.median(np.abs(below - np.median(below)))) if below.size else 0.0


def _curve(picture: npt.NDArray[Any]) -> dict[float, float]:
    """Medians over small boxes on both ends of the major axis."""
    side = picture.shape[0]
    middle, half = side // 2, max(1, side // 64)
    curve = {}
    for radius in CURVE_R25:
        away = round(radius * side / 4)
        boxes = [
            picture[middle - half : middle + half, middle + end * away - half : middle + end * away + half]
            for end in (-1, 1)
        ]
        curve[radius] = float(np.median([np.median(box) for box in boxes]))
    return curve


def _ring(picture: npt.NDArray[np.float64], inner: float, outer: float) -> npt.NDArray[np.float64]:
    """Pixels within a third of R25 of the major axis between two radii."""
    axis = (np.arange(picture.shape[0]) - (picture.shape[0] - 1) / 2) * 4 / picture.shape[0]
    x, y = np.abs(axis)[None, :], np.abs(axis)[:, None]
    return np.asarray(picture[(x >= inner) & (x <= outer) & (y < 0.06)])


def real_pictures(folder: Path) -> list[tuple[str, Picture]]:
    """(band, square picture) of every file that can be read; colour as SDSS made it is its own kind."""
    found = []
    for path in sorted(folder.glob("pgc*_d25x2_rot_*")):
        band = path.name.partition("_rot_")[2].split(".")[0]
        try:
            picture = square(picture_decode(path.read_bytes(), "colour" if band == "gri" else "grey"))
        except UnusableFileError:
            continue
        if ".sdss." not in path.name and band in (*BANDS, "gri"):
            scaled = Image.fromarray(picture).resize((COMPARED_PX, COMPARED_PX), Image.Resampling.LANCZOS)
            found.append((band, np.asarray(scaled)))
    return found


def our_pictures(count: int, seed: int) -> list[tuple[str, Picture]]:
    """(band, picture) of disks of a population, without corners: these are painted, not stretched."""
    members = (draw_member(seed, number) for number in range(10 * count))
    disks = [member for member in members if not member.reject_reason][:count]
    return [pair for member in disks for pair in display_images(make_member(member, COMPARED_PX)).items()]


def table(real: Sequence[tuple[str, Picture]], ours: Sequence[tuple[str, Picture]]) -> str:
    """A table in Markdown: each figure's median (16 to 84 %), real beside ours."""
    lines = ["| picture | figure | real | ours |", "|---|---|---|---|"]
    for kinds, name, measure in ((BANDS, "greys", grey_figures), (("gri",), "colour", colour_figures)):
        sides = [_gathered([measure(picture) for band, picture in some if band in kinds]) for some in (real, ours)]
        for figure in sides[0]:
            lines.append(f"| {name} | {figure} | {_middle(sides[0][figure])} | {_middle(sides[1][figure])} |")
    return "\n".join(lines)


def _gathered(rows: Sequence[dict[str, float]]) -> dict[str, list[float]]:
    gathered: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        for name, value in row.items():
            gathered[name].append(value)
    return gathered


def _middle(values: Sequence[float]) -> str:
    low, median, high = np.percentile(values, [16, 50, 84])
    return f"{median:.0f} ({low:.0f} to {high:.0f})"


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.lab.display_figures", description=__doc__)
    parser.add_argument("--real", type=Path, required=True, help="folder of pgc<id>_d25x2_rot_<band> pictures")
    parser.add_argument("--count", type=int, default=60, help="synthetic galaxies to compare with (default 60)")
    parser.add_argument("--seed", type=int, default=1, help="seed of their population (default 1)")
    options = parser.parse_args(argv)
    real = real_pictures(options.real) if options.real.is_dir() else []
    if not real:
        parser.error(f"--real must be a folder with pgc<id>_d25x2_rot_<band> pictures; {options.real} is not one")
    if options.count < 1:
        parser.error(f"--count must be at least 1; got {options.count}")
    sys.stdout.write(table(real, our_pictures(options.count, options.seed)) + "\n")


if __name__ == "__main__":
    main()
