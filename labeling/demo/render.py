"""A renderer process: reads recipes from standard input, writes display files, and prints a line of JSON for each.

``python -m labeling.demo.render --media FOLDER --size 256``. It ends with its input, so it never outlives the process
that started it. It uses neither Django nor the database.
"""

import argparse
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from giz.imaging.sizes import display_files, write_display_files
from giz.synthetic import SyntheticGalaxy, display_images, make_galaxy, make_reject
from labeling.demo.plan import Recipe

NICENESS = 5


def make(recipe: Recipe, size_px: int) -> SyntheticGalaxy:
    """Render the galaxy of a recipe."""
    if recipe.reject_reason:
        return make_reject(recipe.reject_reason, recipe.seed, size_px=size_px)
    if recipe.inclination_deg is None:
        raise ValueError(f"the recipe of PGC {recipe.pgc} has neither an inclination nor a reason to reject")
    return make_galaxy(
        recipe.galaxy_type, recipe.inclination_deg, recipe.seed, size_px=size_px, disturbed=recipe.disturbed
    )


def render(recipe: Recipe, *, size_px: int, media: Path) -> dict[str, Any]:
    """Render a galaxy, write its display files, and return what the database stores about it, including the truth."""
    galaxy = make(recipe, size_px)
    pictures = []
    for band, pixels in display_images(galaxy).items():
        made = display_files(pixels)
        write_display_files(media, made)
        pictures.append(
            {
                "band": band,
                "stem": made.stem,
                "sizes_px": sorted(made.files),
                "content_sha256": made.content_sha256,
                "source_px": size_px,
            }
        )
    return {
        "pgc": recipe.pgc,
        "name": recipe.name,
        "d25_arcsec": galaxy.d25_arcsec,
        "pictures": pictures,
        "inclination_deg": galaxy.inclination_deg,
        "reject_reason": galaxy.reject_reason or "",
        "galaxy_type": galaxy.galaxy_type,
        "seed": galaxy.seed,
        "parameters": galaxy.parameters | {"disturbed": recipe.disturbed},
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m labeling.demo.render", description=__doc__)
    parser.add_argument("--media", type=Path, required=True, help="folder of the display files")
    parser.add_argument("--size", type=int, required=True, help="side of the pictures in pixels")
    options = parser.parse_args()
    # Ctrl-C is handled by the parent process; people who are labelling take precedence over the renderer.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(NICENESS)
    for line in sys.stdin:
        try:
            answer = render(Recipe(**json.loads(line)), size_px=options.size, media=options.media)
        except OSError as error:
            answer = {"error": f"{options.media} can't be written ({error.strerror})."}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
