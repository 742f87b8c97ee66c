"""A survey's own colour picture (north up, east left) turned onto the picture's grid, in one resampling."""

from __future__ import annotations

import io
import math

import numpy as np
import numpy.typing as npt
from PIL import Image

from giz.imaging.grid import SkyGrid

Picture = npt.NDArray[np.uint8]


def level_picture(picture: Picture, scale_arcsec: float, grid: SkyGrid) -> Picture:
    """Turn, scale and crop a picture that is centred on the grid's centre.

    Parameters
    ----------
    picture : (n, n, 3), north up, east left; it should reach half of the grid's diagonal.
    scale_arcsec : side of its pixels.

    Returns
    -------
    (side, side, 3) picture, the position angle pointing left, as of `SkyGrid`; black where the other did not reach.
    """
    angle = math.radians(grid.position_angle_deg)
    ratio = grid.scale_arcsec / scale_arcsec
    cosine, sine = ratio * math.cos(angle), ratio * math.sin(angle)
    here, there = grid.side_px / 2.0, picture.shape[0] / 2.0
    # From a pixel of the grid (right, down) to one of the picture: east is left there, the position angle left here.
    matrix = (sine, -cosine, there - here * (sine - cosine), cosine, sine, there - here * (cosine + sine))
    turned = Image.fromarray(picture).transform(
        (grid.side_px, grid.side_px), Image.Transform.AFFINE, matrix, Image.Resampling.BICUBIC
    )
    return np.asarray(turned)


def jpeg_bytes(picture: Picture) -> bytes:
    """Encode a colour picture; the same picture gives the same bytes."""
    out = io.BytesIO()
    Image.fromarray(picture).save(out, "JPEG", quality=95, subsampling=0)
    return out.getvalue()
