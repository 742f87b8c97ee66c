"""Corners of a picture that hold no data: turned survey frames leave them white or black."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage

WHITE_FROM, BLACK_TO = 250, 5
# A sky fades towards white or black; the rim of a frame leaps.
LEAST_LEAP = 100


def empty_corners(grey: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    """Return which pixels of a grey (ny, nx) lie in corners without data: plain white or black that ends abruptly."""
    empty = np.zeros(grey.shape, bool)
    for extreme, mask in ((255, grey >= WHITE_FROM), (0, grey <= BLACK_TO)):
        parts, _ = ndimage.label(mask)
        ends = parts[[0, 0, -1, -1], [0, -1, 0, -1]]
        for part in np.unique(ends[ends > 0]):
            piece = parts == part
            # Scaling down blurs the rim itself.
            rim = ndimage.binary_dilation(piece, iterations=4) & ~ndimage.binary_dilation(piece, iterations=2)
            if rim.any() and abs(float(np.median(grey[rim])) - extreme) > LEAST_LEAP:
                empty |= piece
    return empty


def is_light_on_dark(grey: npt.NDArray[np.uint8], empty: npt.NDArray[np.bool_]) -> bool:
    """Whether the sky of a grey (ny, nx) is dark: by its border, or by all of it where that is empty."""
    ring = np.ones(grey.shape, bool)
    ring[1:-1, 1:-1] = False
    border = grey[ring & ~empty]
    if 4 * border.size < ring.sum():
        border = grey[~empty]
    return bool(border.size and np.median(border) < 128)
