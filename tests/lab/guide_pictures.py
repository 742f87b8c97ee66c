"""Render the pictures of the texts that come with GIZ (`giz/texts/defaults`): synthetic galaxies only.

``python -m tests.lab.guide_pictures`` makes all, or those that are named. Each is a function of its recipe, so a
second run changes nothing. Ellipses are drawn where a text needs one.
"""

import argparse
import math
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from giz.imaging.sizes import Pixels
from giz.synthetic import SyntheticGalaxy, display_images, make_galaxy, make_reject
from giz.texts.selectors import PICTURES

RENDERED_PX, SHOWN_PX = 384, 320
# The field is 2 x D25, as on the comparison page, which magnifies it by as much at first.
MAGNIFIED = 1.45
GOLD, RED = (244, 200, 74), (255, 120, 104)
Recipe = Callable[[], SyntheticGalaxy]

_spiral = partial(make_galaxy, size_px=RENDERED_PX, clean=True)
_reject = partial(make_reject, size_px=RENDERED_PX)

RECIPES: dict[str, Recipe] = {
    "tilt-45": lambda: _spiral("Sbc", 45.0, 11),
    "tilt-60": lambda: _spiral("Sbc", 60.0, 11),
    "tilt-75": lambda: _spiral("Sbc", 75.0, 11),
    "tilt-90": lambda: _spiral("Sbc", 90.0, 11),
    "type-early": lambda: _spiral("Sab", 60.0, 5),
    "type-middle": lambda: _spiral("Sbc", 60.0, 102),
    "type-late": lambda: _spiral("Scd", 60.0, 8),
    "outline-good": lambda: _spiral("Sab", 70.0, 21),
    "outline-bad": lambda: _spiral("Sab", 70.0, 21),
    "bar-along": lambda: _spiral("SBb", 58.0, BAR_ALONG),
    "bar-across": lambda: _spiral("SBb", 58.0, BAR_ACROSS),
    "dust-centred": lambda: _spiral("Sbc", 90.0, 53),
    "dust-shifted": lambda: _spiral("Sbc", 82.0, 53),
    "star-fine": lambda: make_galaxy("Sbc", 65.0, 51, size_px=RENDERED_PX, beside="star"),
    "reject-elliptical": lambda: _reject("elliptical", 3),
    "reject-merger": lambda: _reject("merger", 4),
    "reject-star": lambda: _reject("bright_star", 5),
    "reject-poor": lambda: _reject("bad_image", 7),
    "reject-faint": lambda: _reject("faint", 6),
    "reject-face-on": lambda: _reject("face_on", 8),
    "reject-disturbed": lambda: _reject("irregular", 9),
}
BAR_ALONG, BAR_ACROSS = 323, 368
# Colour, and the ellipse's half axes as shares of the picture's side; the bad one is drawn around the bulge.
ELLIPSES: dict[str, tuple[tuple[int, int, int], float, float]] = {
    "outline-good": (GOLD, 0.36, 0.36 * math.cos(math.radians(70.0))),
    "outline-bad": (RED, 0.14, 0.09),
}


def shown(galaxy: SyntheticGalaxy) -> Pixels:
    """Return the colour picture as the comparison page shows it at first."""
    pixels = display_images(galaxy)["gri"]
    side = round(RENDERED_PX / MAGNIFIED)
    start = (RENDERED_PX - side) // 2
    return np.ascontiguousarray(pixels[start : start + side, start : start + side])


def draw(name: str) -> Image.Image:
    picture = Image.fromarray(shown(RECIPES[name]())).resize((2 * SHOWN_PX,) * 2, Image.Resampling.LANCZOS)
    if name in ELLIPSES:
        colour, long, short = ELLIPSES[name]
        middle, side = SHOWN_PX, 2 * SHOWN_PX
        box = (middle - long * side, middle - short * side, middle + long * side, middle + short * side)
        ImageDraw.Draw(picture).ellipse(box, outline=colour, width=5)
    return picture.resize((SHOWN_PX, SHOWN_PX), Image.Resampling.LANCZOS)


def path_of(name: str) -> Path:
    return PICTURES / f"{name}.webp"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.lab.guide_pictures", description=__doc__)
    parser.add_argument("names", nargs="*", help="only these", choices=[*RECIPES, []])
    PICTURES.mkdir(exist_ok=True)
    for name in parser.parse_args().names or RECIPES:
        draw(name).save(path_of(name), "WEBP", quality=82, method=6)


if __name__ == "__main__":
    main()
