"""How a picture is shown to the networks: rotated, magnified, shifted, inverted; and the galaxy's ellipse in that view.

Pure.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy import ndimage

from giz.core.vocabulary import COLOUR, GREYS_BY_DEPTH
from giz.imaging.greys import light_of_grey
from giz.imaging.measure import ShapeError, empty_corners, is_light_on_dark, measure_shape
from giz.imaging.sizes import border_colour
from standards.grid import axial_ratio_from_inclination

Pixels = npt.NDArray[np.uint8]
LEAST_ZOOM, MOST_ZOOM, MOST_SHIFT, MOST_ANGLE_DEG = 0.5, 8.0, 1.0, 360.0
# Large enough to draw the ellipse by (0.3 degrees on disks), and five times faster than the size at which standards
# are measured.
MEASURED_PX = 96
# The ellipse if nothing could be measured: D25 is half of the field of catalogue pictures, the major axis horizontal.
DEFAULT_ELLIPSE = {"x": 0.5, "y": 0.5, "semi_major": 0.25, "angle_deg": 0.0}


@dataclass(frozen=True, slots=True)
class View:
    """A similarity transform about the centre of the picture, so it keeps the axial ratio, which is measured.

    The picture is magnified by `zoom`, rotated clockwise by `angle_deg`, then shifted right and down by `shift` (as
    fractions of the view's side). `is_inverted` turns grey pictures from dark on light to light on dark.
    """

    angle_deg: float = 0.0
    zoom: float = 1.0
    shift: tuple[float, float] = (0.0, 0.0)
    is_inverted: bool = False

    @property
    def is_plain(self) -> bool:
        return self.angle_deg % 360 == 0 and self.zoom == 1 and self.shift == (0, 0)

    def normal(self) -> View:
        """Return the same view in its one normal form: angles below 360, no negative zeros."""
        x, y = (part + 0.0 for part in self.shift)
        return View(self.angle_deg % 360 + 0.0, self.zoom + 0.0, (x, y), self.is_inverted)

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "shift": list(self.shift)}

    def place(self, x: float, y: float) -> tuple[float, float]:
        """Return where a point of the picture (fractions of its side from the upper left) lies in the view."""
        turn = math.radians(self.angle_deg)
        right, down = self.zoom * (x - 0.5), self.zoom * (y - 0.5)
        return (
            0.5 + right * math.cos(turn) - down * math.sin(turn) + self.shift[0],
            0.5 + right * math.sin(turn) + down * math.cos(turn) + self.shift[1],
        )


def render(picture: Pixels, view: View, size_px: int) -> Pixels:
    """Draw the view of a square picture.

    The full picture is sampled once, at the resolution of its own pixels, on a grid that is a whole multiple of the
    view's; the view's pixels are means of these samples. The plain view is scaled like display files
    (giz.imaging.sizes). Outside the picture the view has the colour of its border.

    Parameters
    ----------
    picture : (n, n) grey or (n, n, 3) colour, uint8.
    size_px : side S of the view.

    Returns
    -------
    (S, S) or (S, S, 3) uint8.
    """
    source = Image.fromarray(picture)
    if not view.is_plain:
        source = _sampled(source, picture, view, size_px)
    if source.width != size_px:
        source = source.resize((size_px, size_px), Image.Resampling.LANCZOS, reducing_gap=3.0)
    drawn: Pixels = np.asarray(source, np.uint8)
    return 255 - drawn if view.is_inverted and drawn.ndim == 2 else drawn


def _sampled(source: Image.Image, picture: Pixels, view: View, size_px: int) -> Image.Image:
    side = size_px * max(1, math.ceil(source.width / (size_px * view.zoom)))
    turn = math.radians(view.angle_deg)
    # From a point of the view to the point of the picture that is seen there, both in pixels.
    step = source.width / (side * view.zoom)
    cos, sin = step * math.cos(turn), step * math.sin(turn)
    x, y = side * (0.5 + view.shift[0]), side * (0.5 + view.shift[1])
    middle = source.width / 2
    matrix = (cos, sin, middle - cos * x - sin * y, -sin, cos, middle + sin * x - cos * y)
    beyond = border_colour(picture)
    fill = int(beyond) if picture.ndim == 2 else tuple(int(value) for value in beyond)
    return source.transform(
        (side, side), Image.Transform.AFFINE, matrix, resample=Image.Resampling.BICUBIC, fillcolor=fill
    )


def measured_ellipse(pictures: Mapping[str, Pixels]) -> dict[str, float] | None:
    """Measure the galaxy's ellipse on one of its pictures.

    Parameters
    ----------
    pictures : by band, (n, n) or (n, n, 3) uint8; the deepest is measured.

    Returns
    -------
    Centre and semi-major axis as fractions of the side, angle in degrees clockwise from horizontal; None if no galaxy
    can be measured.
    """
    band = next(band for band in (*GREYS_BY_DEPTH, COLOUR) if band in pictures)
    grey = Image.fromarray(pictures[band]).convert("L")
    grey = grey.resize((MEASURED_PX, MEASURED_PX), Image.Resampling.LANCZOS, reducing_gap=3.0)
    pixels: Pixels = np.asarray(grey, np.uint8)
    empty = empty_corners(pixels)
    if is_light_on_dark(pixels, empty):
        pixels = 255 - pixels
    light = light_of_grey(pixels)
    # The pixels around an empty corner are blurred with it.
    light[ndimage.binary_dilation(empty, iterations=2)] = np.nan
    try:
        shape = measure_shape(light)
    except ShapeError:
        return None
    return {
        "x": round((shape.x_px + 0.5) / MEASURED_PX, 4),
        "y": round((shape.y_px + 0.5) / MEASURED_PX, 4),
        "semi_major": round(shape.semi_major_px / MEASURED_PX, 4),
        "angle_deg": round(shape.angle_deg, 2),
    }


def ellipse_in_view(ellipse: Mapping[str, float] | None, view: View, inclination_deg: float) -> dict[str, Any]:
    """Return the ellipse of a disk at this inclination as it lies in the view, in fractions of its side and degrees."""
    known = ellipse or DEFAULT_ELLIPSE
    x, y = view.place(known["x"], known["y"])
    angle_deg = (known["angle_deg"] + view.angle_deg + 90.0) % 180.0 - 90.0
    return {
        "axial_ratio": round(axial_ratio_from_inclination(inclination_deg), 4),
        "angle_deg": round(angle_deg, 2),
        "centre": [round(x, 4), round(y, 4)],
        "semi_major": round(known["semi_major"] * view.zoom, 4),
        "is_measured": ellipse is not None,
    }
