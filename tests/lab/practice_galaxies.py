"""Render the practice galaxies that come with GIZ: their pictures, and one JSON file with their true inclinations.

``python -m tests.lab.practice_galaxies``. Each galaxy is a function of its number, so a second run changes nothing.
They belong to no campaign, no standard set and no label set.
"""

import argparse
import itertools
import json
import random
import shutil
from typing import Any

from giz.imaging.sizes import DisplayFiles, display_files, display_path
from giz.synthetic import GALAXY_TYPES, SyntheticGalaxy, display_images, make_galaxy
from labeling.practice import GALAXIES_FILE, GROUPS, HIGHEST_DEG, LOWEST_DEG, PICTURES, SIZE_PX

A_GROUP = 8
# Fainter galaxies drown in noise, and teach nothing about outlines.
FAINTEST_MAG = 0.1


def recipes() -> list[tuple[str, float, int]]:
    """Return type, inclination and place of every galaxy, in an order that says nothing about the inclination."""
    step_deg = (HIGHEST_DEG - LOWEST_DEG) / (GROUPS * A_GROUP)
    made = []
    for place in range(GROUPS * A_GROUP):
        inclination_deg = round(LOWEST_DEG + (place + random.Random(f"practice|{place}").random()) * step_deg, 1)
        made.append((GALAXY_TYPES[place % len(GALAXY_TYPES)], inclination_deg, place))
    random.Random("practice").shuffle(made)
    return made


def make(galaxy_type: str, inclination_deg: float, place: int) -> SyntheticGalaxy:
    """Return the first galaxy of a place that can be seen well: not faint, and with no bright star on its disk."""
    for attempt in itertools.count():
        seed = random.Random(f"practice|{place}|{attempt}").getrandbits(40)
        galaxy = make_galaxy(galaxy_type, inclination_deg, seed, size_px=SIZE_PX)
        middle = slice(SIZE_PX // 4, 3 * SIZE_PX // 4)
        others = (galaxy.frames - galaxy.noise_free)[:, middle, middle]
        is_faint = galaxy.parameters["surface_brightness_offset_mag"] > FAINTEST_MAG
        if not is_faint and (others.max(axis=(1, 2)) < galaxy.noise_free.max(axis=(1, 2)) / 2).all():
            return galaxy
    raise AssertionError


def render(galaxy: SyntheticGalaxy) -> tuple[dict[str, Any], list[DisplayFiles]]:
    files = {band: display_files(pixels) for band, pixels in display_images(galaxy).items()}
    images = {band: made.stem for band, made in files.items()}
    return {"inclination_deg": galaxy.inclination_deg, "images": images}, list(files.values())


def main() -> None:
    argparse.ArgumentParser(prog="python -m tests.lab.practice_galaxies", description=__doc__).parse_args()
    shutil.rmtree(PICTURES, ignore_errors=True)
    galaxies = []
    for recipe in recipes():
        galaxy, pictures = render(make(*recipe))
        galaxies.append(galaxy)
        for picture in pictures:
            path = display_path(PICTURES, picture.stem, SIZE_PX)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(picture.files[SIZE_PX])
    GALAXIES_FILE.write_text(json.dumps(galaxies, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
