"""The bulge: an oblate Sersic spheroid, its projected light spread along the line of sight."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import gammaincinv

from giz.synthetic.parameters import GalaxyParameters
from giz.synthetic.photometry import FloatArray

F = np.float32
LEAST_SHARE = 0.004


@dataclass(frozen=True, slots=True)
class Bulge:
    """Projected light on a window (`rows`, `columns`) of the ray grid, and where along each ray it sits.

    The light in front of depth s is ``light * (1 + tanh((s - centre) * steepness)) / 2``: exact in flux, free of
    the cusp, and behind or before the dust as the tilt asks.
    """

    rows: slice
    columns: slice
    light: FloatArray
    centre_px: FloatArray
    steepness: FloatArray

    def share_in_front(self, depth_px: npt.NDArray[np.float64]) -> FloatArray:
        """Share of the light nearer than `depth_px` (one depth a row of the ray grid)."""
        share = (depth_px[self.rows].astype(F) - self.centre_px)[:, None] * self.steepness
        np.tanh(share, out=share)
        share += F(1.0)
        share *= F(0.5)
        return share


def sersic_b(index: float) -> float:
    """b_n such that half the light is inside Re (Ciotti & Bertin 1999)."""
    return float(gammaincinv(2.0 * index, 0.5))


def project_bulge(
    p: GalaxyParameters,
    disk_light: float,
    x_px: npt.NDArray[np.float64],
    y_px: npt.NDArray[np.float64],
    *,
    re_px: float,
    r25_px: float,
) -> Bulge | None:
    """Bulge with its share of `disk_light`, on the ray grid with axes `x_px`, `y_px`; None if there is none."""
    if p.bulge_to_total < LEAST_SHARE:
        return None
    inclination = math.radians(p.inclination_deg)
    sin_i, cos_i = math.sin(inclination), math.cos(inclination)
    seen_ratio = math.hypot(cos_i, p.bulge_axis_ratio * sin_i)
    truncation_px = min(10.0 * re_px, 1.25 * r25_px)
    inside_x = np.flatnonzero(np.abs(x_px) < truncation_px)
    inside_y = np.flatnonzero(np.abs(y_px) < truncation_px * seen_ratio)
    rows, columns = slice(inside_y[0], inside_y[-1] + 1), slice(inside_x[0], inside_x[-1] + 1)
    y = y_px[rows]
    softened = x_px[columns][None, :] ** 2 + (y[:, None] / seen_ratio) ** 2 + (0.0027 * r25_px) ** 2
    m_px = np.sqrt(softened).astype(F)
    light = np.exp(F(-sersic_b(p.sersic_index)) * (m_px * F(1.0 / re_px)) ** F(1.0 / p.sersic_index))
    light *= np.maximum(F(1.0) - (m_px * F(1.0 / truncation_px)) ** 2, F(0.0)) ** 2
    share = p.bulge_to_total / (1.0 - p.bulge_to_total)
    light *= F(disk_light * share / float(light.sum()))
    flattening = 1.0 / p.bulge_axis_ratio**2
    centre = y * sin_i * cos_i * (flattening - 1.0) / (sin_i**2 + cos_i**2 * flattening)
    depth = F(0.45 * p.bulge_axis_ratio / seen_ratio) * np.sqrt(m_px * m_px + F((0.25 * re_px) ** 2))
    return Bulge(rows, columns, light, centre.astype(F), F(0.85) / depth)
