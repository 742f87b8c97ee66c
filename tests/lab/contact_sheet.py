"""Contact sheets for the eye: real beside synthetic, both shuffled, types against inclination, edge-on ones, rejects.

``python -m tests.lab.contact_sheet --out DIR [--real FOLDER]``
"""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from giz.synthetic import GALAXY_TYPES, REJECT_REASONS, SyntheticGalaxy, display_images, make_galaxy, make_reject
from giz.synthetic.make import MAX_SIZE_PX, MIN_SIZE_PX
from giz.synthetic.population import draw_member, render_member

Cell = tuple[str, Image.Image]
GRID_INCLINATIONS_DEG = (0, 30, 45, 55, 65, 75, 80, 85, 90)
EDGE_ON_DEG = (75.0, 80.0, 83.0, 86.0, 88.0, 90.0)


def picture(galaxy: SyntheticGalaxy, kind: str, cell_px: int) -> Image.Image:
    image: npt.NDArray[np.uint8] = display_images(galaxy)[kind]
    return _scaled(image, cell_px)


def sheet(rows: Sequence[Sequence[Cell]], cell_px: int) -> Image.Image:
    """Cells in rows, each with its caption in the corner."""
    columns = max(len(row) for row in rows)
    page = Image.new("RGB", (columns * cell_px, len(rows) * cell_px), "white")
    pen = ImageDraw.Draw(page)
    for row_number, row in enumerate(rows):
        for column_number, (caption, image) in enumerate(row):
            corner = (column_number * cell_px, row_number * cell_px)
            page.paste(image, corner)
            pen.text((corner[0] + 4, corner[1] + 2), caption, fill=(220, 90, 0))
    return page


def grid_sheet(seed: int, size_px: int, cell_px: int) -> Image.Image:
    """The same galaxy of each type at growing inclination, colour."""
    return sheet(
        [
            [
                (f"{name} {tilt}", picture(make_galaxy(name, tilt, seed + row, size_px=size_px), "gri", cell_px))
                for tilt in GRID_INCLINATIONS_DEG
            ]
            for row, name in enumerate(GALAXY_TYPES)
        ],
        cell_px,
    )


def pair_rows(galaxies: Sequence[tuple[str, SyntheticGalaxy]], cell_px: int) -> list[list[Cell]]:
    """A row of r greys and a row of colours."""
    return [[(caption, picture(galaxy, kind, cell_px)) for caption, galaxy in galaxies] for kind in ("r", "gri")]


def edge_on_sheet(seed: int, size_px: int, cell_px: int) -> Image.Image:
    rows: list[list[Cell]] = []
    for number, name in enumerate(GALAXY_TYPES):
        galaxies = [
            (f"{name} {tilt:g}", make_galaxy(name, tilt, seed + 10 * number + column, size_px=size_px))
            for column, tilt in enumerate(EDGE_ON_DEG)
        ]
        rows += pair_rows(galaxies, cell_px)
    return sheet(rows, cell_px)


def reject_sheet(seed: int, size_px: int, cell_px: int, lines: int = 3) -> Image.Image:
    rows: list[list[Cell]] = []
    for line in range(lines):
        galaxies = [(name, make_reject(name, seed + line, size_px=size_px)) for name in REJECT_REASONS]
        rows += pair_rows(galaxies, cell_px)
    return sheet(rows, cell_px)


def mixed_sheet(real: Path | None, seed: int, size_px: int, cell_px: int, columns: int = 12) -> Image.Image:
    """Real galaxies in rows of two (grey, colour), each followed by as many synthetic ones of random type and tilt."""
    rng = np.random.default_rng(seed)
    real_cells = real_galaxies(real, cell_px) if real is not None else []
    rows: list[list[Cell]] = []
    for start in range(0, max(len(real_cells), 2 * columns), columns):
        block = real_cells[start : start + columns]
        if block:
            rows += [[cell[0] for cell in block], [cell[1] for cell in block]]
        galaxies = []
        for tilt in np.sort(rng.uniform(35.0, 90.0, columns)):
            name = str(rng.choice(GALAXY_TYPES))
            galaxies.append((f"{name} {tilt:.0f}", make_galaxy(name, tilt, int(rng.integers(10**6)), size_px=size_px)))
        rows += pair_rows(galaxies, cell_px)
    return sheet(rows, cell_px)


def blind_sheet(real: Path, seed: int, size_px: int, cell_px: int, columns: int = 8) -> tuple[Image.Image, str]:
    """Real galaxies and as many of a population (looks and turned frames included), shuffled, without captions.

    Each stands as grey and colour one above the other. The second value is the key: a line a row, R real, S synthetic.
    """
    rng = np.random.default_rng(seed)
    found = real_galaxies(real, cell_px)
    # A missing colour picture is black here, and would tell.
    pairs = [("R", _bare(cells)) for cells in found if cells[1][1].getbbox()]
    members = (draw_member(seed, number) for number in itertools.count())
    fit = (one for one in members if not one.reject_reason and not one.missing_band)
    for member in itertools.islice(fit, len(pairs)):
        pictures = render_member(seed, member.number, size_px).pictures
        pairs.append(("S", _bare([("", _scaled(pictures[kind], cell_px)) for kind in ("r", "gri")])))
    order = rng.permutation(len(pairs))
    rows: list[list[Cell]] = []
    key = []
    for start in range(0, len(order), columns):
        chosen = [pairs[place] for place in order[start : start + columns]]
        rows += [[cells[part] for _, cells in chosen] for part in (0, 1)]
        key.append(" ".join(kind for kind, _ in chosen))
    return sheet(rows, cell_px), "\n".join(key) + "\n"


def _bare(cells: Sequence[Cell]) -> list[Cell]:
    return [("", image) for _, image in cells]


def _scaled(image: npt.NDArray[np.uint8], cell_px: int) -> Image.Image:
    return Image.fromarray(image).convert("RGB").resize((cell_px, cell_px), Image.Resampling.LANCZOS)


def real_galaxies(folder: Path, cell_px: int) -> list[tuple[Cell, Cell]]:
    """(grey r, colour) of each galaxy in a folder of ``pgc<id>_d25x2_rot_<band>`` files."""
    pairs: list[tuple[Cell, Cell]] = []
    for grey in sorted(folder.glob("pgc*_d25x2_rot_r.png")):
        stem = grey.name.removesuffix("r.png")
        colours = [folder / f"{stem}gri.sdss.jpg", folder / f"{stem}gri.jpg"]
        colour = next((path for path in colours if path.exists()), None)
        blank = Image.new("RGB", (cell_px, cell_px), "black")
        pictures = [
            blank if path is None else Image.open(path).convert("RGB").resize((cell_px, cell_px))
            for path in (grey, colour)
        ]
        pairs.append((("real", pictures[0]), ("real", pictures[1])))
    return pairs


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.lab.contact_sheet", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder for the sheets (made if missing)")
    parser.add_argument("--real", type=Path, help="folder of real images (pgc<id>_d25x2_rot_r.png and colour)")
    parser.add_argument("--size", type=int, default=512, help="size of the synthetic images in pixels (default 512)")
    parser.add_argument("--cell", type=int, default=256, help="size of a cell of the sheet in pixels (default 256)")
    parser.add_argument("--seed", type=int, default=1, help="seed of the sheets (default 1)")
    options = parser.parse_args(argv)
    if options.real is not None and not options.real.is_dir():
        parser.error(f"--real must be an existing folder; {options.real} is not one")
    if not MIN_SIZE_PX <= options.size <= MAX_SIZE_PX:
        parser.error(f"--size must be from {MIN_SIZE_PX} to {MAX_SIZE_PX}; got {options.size}")
    options.out.mkdir(parents=True, exist_ok=True)
    seed, size, cell = options.seed, options.size, options.cell
    mixed_sheet(options.real, seed, size, cell).save(options.out / "mixed.png")
    grid_sheet(seed, size, cell).save(options.out / "grid.png")
    edge_on_sheet(seed, size, cell).save(options.out / "edge_on.png")
    reject_sheet(seed, size, cell).save(options.out / "rejects.png")
    names = "mixed.png, grid.png, edge_on.png and rejects.png"
    if options.real is not None:
        blind, key = blind_sheet(options.real, seed, size, cell)
        blind.save(options.out / "blind.png")
        (options.out / "blind_key.txt").write_text(key, encoding="utf-8")
        names = f"blind.png (its key is blind_key.txt), {names}"
    sys.stdout.write(f"Wrote {names} to {options.out}\n")


if __name__ == "__main__":
    main()
