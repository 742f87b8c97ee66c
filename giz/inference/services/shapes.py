"""The ellipse of a galaxy on a picture, to draw the predicted one over it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy import ndimage

from giz.imaging.corners import empty_corners, is_light_on_dark
from giz.imaging.greys import light_of_grey
from giz.imaging.measure import ShapeError, measure_shape
from giz.inference.view import View

Pixels = npt.NDArray[np.uint8]
# Enough to draw by (0.3 degrees on disks), and five times faster than what standards are measured on.
MEASURED_PX = 96
# Of oblate disks seen edge-on, as in standards.grid.inclination_from_axial_ratio.
EDGE_ON_RATIO = 0.2
# Where nothing was measured: D25 is half of the field of the catalogue's pictures, the major axis level.
USUAL = {"x": 0.5, "y": 0.5, "semi_major": 0.25, "angle_deg": 0.0}


def axial_ratio_at(inclination_deg: float) -> float:
    """b/a of a disk at this inclination: the inverse of `standards.grid.inclination_from_axial_ratio`."""
    cos2 = math.cos(math.radians(inclination_deg)) ** 2
    return math.sqrt(cos2 * (1 - EDGE_ON_RATIO**2) + EDGE_ON_RATIO**2)


def picture_ellipse(pictures: Mapping[str, Pixels]) -> dict[str, float] | None:
    """Centre, semi-major axis (shares of the side) and angle (degrees, clockwise from level); None if there is none."""
    band = next(band for band in ("r", "i", "g", "gri") if band in pictures)
    grey = Image.fromarray(pictures[band]).convert("L")
    grey = grey.resize((MEASURED_PX, MEASURED_PX), Image.Resampling.LANCZOS, reducing_gap=3.0)
    pixels: Pixels = np.asarray(grey, np.uint8)
    empty = empty_corners(pixels)
    if is_light_on_dark(pixels, empty):
        pixels = 255 - pixels
    light = light_of_grey(pixels)
    # Beside an empty corner lies its rim, blurred.
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


def ellipse_in_view(shape: Mapping[str, float] | None, view: View, inclination_deg: float) -> dict[str, Any]:
    """The ellipse of a disk at this inclination as it lies in the view: shares of its side, degrees clockwise."""
    known = shape or USUAL
    x, y = view.place(known["x"], known["y"])
    angle_deg = (known["angle_deg"] + view.angle_deg + 90.0) % 180.0 - 90.0
    return {
        "axial_ratio": round(axial_ratio_at(inclination_deg), 4),
        "angle_deg": round(angle_deg, 2),
        "centre": [round(x, 4), round(y, 4)],
        "semi_major": round(known["semi_major"] * view.zoom, 4),
        "is_measured": shape is not None,
    }
