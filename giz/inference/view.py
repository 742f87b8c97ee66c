"""How a picture is looked at: turned, magnified, moved, inverted, and drawn once at the network's size. Pure."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from giz.imaging.sizes import border_colour

Pixels = npt.NDArray[np.uint8]
LEAST_ZOOM, MOST_ZOOM, MOST_SHIFT, MOST_ANGLE_DEG = 0.5, 8.0, 1.0, 360.0


@dataclass(frozen=True, slots=True)
class View:
    """A similarity transform about the middle of the picture: the axis ratio, which is what is measured, stays.

    The picture is magnified by `zoom`, turned clockwise by `angle_deg`, then moved right and down by `shift` (shares of
    the view's side). `is_inverted` turns the greys from dark on light to light on dark.
    """

    angle_deg: float = 0.0
    zoom: float = 1.0
    shift: tuple[float, float] = (0.0, 0.0)
    is_inverted: bool = False

    @property
    def is_plain(self) -> bool:
        return self.angle_deg % 360 == 0 and self.zoom == 1 and self.shift == (0, 0)

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "shift": list(self.shift)}

    def place(self, x: float, y: float) -> tuple[float, float]:
        """Where a point of the picture (shares of its side from the upper left) lies in the view."""
        turn = math.radians(self.angle_deg)
        right, down = self.zoom * (x - 0.5), self.zoom * (y - 0.5)
        return (
            0.5 + right * math.cos(turn) - down * math.sin(turn) + self.shift[0],
            0.5 + right * math.sin(turn) + down * math.cos(turn) + self.shift[1],
        )


def look(picture: Pixels, view: View, size_px: int) -> Pixels:
    """Draw the view of a square picture, (n, n) grey or (n, n, 3) colour, with `size_px` pixels a side.

    The full picture is sampled once, as finely as its own pixels, on a grid that is a whole multiple of the view's; the
    view's pixels are then means of these samples. The plain view is scaled as display files are (giz.imaging.sizes).
    What lies beyond the picture has the colour of its border.
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
