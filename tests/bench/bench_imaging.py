"""CPU seconds from three FITS files to all display files of a galaxy. ``python -m tests.bench.bench_imaging``"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np
from astropy.io import fits

from giz.core.vocabulary import GREYS
from giz.imaging.fits import open_frame
from giz.imaging.frameset import FrameSet, set_pictures
from giz.imaging.grid import SkyGrid, galaxy_grid
from giz.imaging.mosaic import mosaic
from giz.imaging.resample import resample
from giz.imaging.sizes import display_files
from giz.synthetic import make_galaxy

SIDE_PX, SCALE_ARCSEC = 1000, 0.396
TARGET_S = 0.5


def write_frames(folder: Path) -> list[Path]:
    """Three frames of 1,000 x 1,000 pixels, north up, of a galaxy that fills half of their side."""
    galaxy = make_galaxy("Sbc", 65.0, 3, size_px=SIDE_PX)
    camera = SkyGrid(150.0, 2.0, SIDE_PX, SCALE_ARCSEC, 90.0)
    paths = []
    for band, frame in zip(GREYS, galaxy.frames, strict=True):
        header = camera.wcs.to_header()
        header["BUNIT"] = "nanomaggy"
        paths.append(folder / f"{band}.fits")
        fits.PrimaryHDU(np.ascontiguousarray(frame[::-1]), header).writeto(paths[-1])
    return paths


def once(paths: list[Path], spent: Counter[str]) -> int:
    """Do it all once, add the CPU seconds of each step to `spent` and return the number of display files."""
    clock = time.process_time()

    def lap(step: str) -> None:
        nonlocal clock
        now = time.process_time()
        spent[step] += now - clock  # type: ignore[assignment]
        clock = now

    grid = galaxy_grid(150.0, 2.0, SIDE_PX * SCALE_ARCSEC / 2.0, 37.0)
    bands = {}
    for band, path in zip(GREYS, paths, strict=True):
        with open_frame(path) as frame:
            lap("open")
            patch = resample(frame, grid)
            assert patch is not None
            lap("resample")
        bands[band] = mosaic([patch], grid.side_px)
        lap("mosaic, sky, noise")
    pictures = set_pictures(FrameSet(grid, bands, "bench", True, ""))
    lap("greys and colour")
    files = sum(len(display_files(pixels).files) for pixels in pictures.values())
    lap("display files")
    return files


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        paths = write_frames(Path(folder))
        once(paths, Counter())  # imports and first-time tables
        spent: Counter[str] = Counter()
        for _ in range(rounds):
            files = once(paths, spent)
    total = sum(spent.values()) / rounds
    for step, seconds in spent.items():
        print(f"{step:20s} {seconds / rounds:6.3f} s")
    print(f"{'all':20s} {total:6.3f} s of CPU for {files} files (target {TARGET_S} s)")


if __name__ == "__main__":
    main()
