"""Tidal distortion: what a passing neighbour does to a disk."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from giz.synthetic.photometry import FloatArray

F = np.float32


@dataclass(frozen=True, slots=True)
class Tide:
    """A twist growing outwards and a one-sided stretch.

    twist_rad : turn per R25 of radius outside 0.35 R25, signed.
    stretch : one-sided lengthening per R25 of radius outside 0.3 R25.
    direction_rad : on the sky, where the stretch points.
    """

    twist_rad: float
    stretch: float
    direction_rad: float


def draw_tide(rng: np.random.Generator, twist: tuple[float, float], stretch: tuple[float, float]) -> Tide:
    sign = 1.0 if rng.random() < 0.5 else -1.0
    return Tide(sign * float(rng.uniform(*twist)), float(rng.uniform(*stretch)), float(rng.uniform(0.0, 2.0 * math.pi)))


def distort(frames: FloatArray, tide: Tide) -> FloatArray:
    """Frames with the tide applied about their centre; R25 is a quarter of the frame."""
    size_px = frames.shape[-1]
    middle, r25_px = F((size_px - 1) / 2.0), F(size_px / 4.0)
    axis = np.arange(size_px, dtype=F) - middle
    x, y = axis[None, :], axis[:, None]
    radius = np.sqrt(x * x + y * y) / r25_px
    turn = F(tide.twist_rad) * np.clip(radius - F(0.35), F(0.0), F(1.2))
    lengthening = F(1.0) + F(tide.stretch) * np.clip(radius - F(0.3), F(0.0), F(1.0)) * np.cos(
        np.arctan2(y, x) - F(tide.direction_rad)
    )
    cosine, sine = np.cos(turn) / lengthening, np.sin(turn) / lengthening
    source = np.stack([x * sine + y * cosine + middle, x * cosine - y * sine + middle])
    return np.stack([ndimage.map_coordinates(band, source, order=1, output=np.float32) for band in frames])
