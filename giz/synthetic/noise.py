"""Smooth random fields on the disk, correlated along logarithmic spirals as sheared structure is."""

from __future__ import annotations

import math

import numpy as np
from scipy import fft, ndimage

from giz.synthetic.photometry import FloatArray

LN_R_MIN, LN_R_SPAN = -3.5, 6.0


def smooth_fields(
    rng: np.random.Generator, count: int, cells: tuple[int, int], sigma_ln_r: float, sigma_rad: float
) -> FloatArray:
    """White noise smoothed by Gaussians in ln R and in angle, periodic, mean 0 and variance 1.

    Parameters
    ----------
    count : number of fields; cells : cells over the whole range of ln R and over the full circle.
    sigma_ln_r, sigma_rad : the Gaussians' sigmas in ln R and in radians.

    Returns
    -------
    (count, *cells) array of float32.
    """
    white = rng.standard_normal((count, *cells), dtype=np.float32)
    sigma_r = sigma_ln_r * cells[0] / LN_R_SPAN
    sigma_t = sigma_rad * cells[1] / (2.0 * math.pi)
    damping_r = np.exp(-2.0 * (math.pi * sigma_r * fft.fftfreq(cells[0])) ** 2)
    damping_t = np.exp(-2.0 * (math.pi * sigma_t * fft.rfftfreq(cells[1])) ** 2)
    damping = np.outer(damping_r, damping_t).astype(np.float32)
    damping[0, 0] = 0.0
    fields: FloatArray = fft.irfft2(fft.rfft2(white) * damping, s=cells)
    fields /= fields.std(axis=(1, 2), keepdims=True)
    return fields


def along_spiral(field: FloatArray, ln_r_h: FloatArray, theta: FloatArray, pitch_deg: float, spin: int) -> FloatArray:
    """Look `field` up at (ln(R/h), theta), sheared so that its features run along spirals of this pitch angle."""
    radial, angular = field.shape
    winding = np.float32(spin / math.tan(math.radians(pitch_deg)))
    coords = np.empty((2, *ln_r_h.shape), np.float32)
    np.multiply(ln_r_h - np.float32(LN_R_MIN), np.float32(radial / LN_R_SPAN), out=coords[0])
    np.multiply(theta - winding * ln_r_h, np.float32(angular / (2.0 * math.pi)), out=coords[1])
    sampled: FloatArray = ndimage.map_coordinates(
        field, coords, order=1, mode="grid-wrap", prefilter=False, output=np.float32
    )
    return sampled


def edge_on_plumes(
    rng: np.random.Generator, columns: int, weight: float, irregularity: float, r25_cells: float
) -> tuple[FloatArray, FloatArray]:
    """Factors (64 heights, `columns`) for dust and young light that break the smooth band of an edge-on disk.

    Drawn on a fixed fine grid across 4 R25 and then resampled, so that they are the same at any image size.
    `weight` fades them in from 0 to 1.
    """
    fine_columns, per_r25 = 512, 128.0
    white = rng.standard_normal((2, 64, fine_columns), dtype=np.float32)
    small = ndimage.gaussian_filter(white[0], (5.0, 4.4), mode="wrap")
    large = ndimage.gaussian_filter(white[1], (9.0, 9.0), mode="wrap")
    small /= small.std()
    large /= large.std()
    offset = (np.arange(columns) - (columns - 1) / 2.0) * (per_r25 / r25_cells) + fine_columns / 2.0
    grid = np.broadcast_to(np.arange(64.0)[:, None], (64, columns)), np.broadcast_to(offset, (64, columns))

    def resampled(field: FloatArray) -> FloatArray:
        sampled: FloatArray = ndimage.map_coordinates(field, grid, order=1, mode="wrap", output=np.float32)
        return sampled

    both, shifted = resampled(small + large), resampled(np.roll(large, fine_columns // 3, axis=1))
    dust = np.exp(np.float32(0.42 * weight) * both - np.float32(0.12 * weight))
    tilt = np.float32(0.12 * weight * irregularity) * shifted
    young = np.exp(np.float32(-0.13 * weight * (0.5 + irregularity)) * both + tilt)
    return dust, young
