"""Smooth random fields on the disk, correlated along logarithmic spirals as sheared structure is."""

from __future__ import annotations

import math

import numpy as np
from scipy import fft, ndimage

from giz.synthetic.photometry import FloatArray

RADIAL_CELLS, ANGULAR_CELLS = 128, 512
LN_R_MIN, LN_R_SPAN = -3.5, 6.0


def smooth_fields(rng: np.random.Generator, sigmas_cells: list[tuple[float, float]]) -> FloatArray:
    """White noise smoothed by Gaussians (sigma in ln R and in angle, cells), periodic, mean 0 and variance 1.

    Returns shape (len(sigmas_cells), RADIAL_CELLS, ANGULAR_CELLS).
    """
    white = rng.standard_normal((len(sigmas_cells), RADIAL_CELLS, ANGULAR_CELLS), dtype=np.float32)
    spectrum = fft.rfft2(white)
    k_r = fft.fftfreq(RADIAL_CELLS)
    k_t = fft.rfftfreq(ANGULAR_CELLS)
    for plane, (sigma_r, sigma_t) in zip(spectrum, sigmas_cells, strict=True):
        plane *= np.exp(-2.0 * (math.pi * sigma_r * k_r) ** 2)[:, None].astype(np.float32)
        plane *= np.exp(-2.0 * (math.pi * sigma_t * k_t) ** 2)[None, :].astype(np.float32)
        plane[0, 0] = 0.0
    fields: FloatArray = fft.irfft2(spectrum, s=white.shape[1:])
    fields /= fields.std(axis=(1, 2), keepdims=True)
    return fields


def along_spiral(field: FloatArray, ln_r_h: FloatArray, theta: FloatArray, pitch_deg: float, spin: int) -> FloatArray:
    """Look `field` up at (ln(R/h), theta), sheared so that its features run along spirals of this pitch angle."""
    winding = np.float32(spin / math.tan(math.radians(pitch_deg)))
    coords = np.empty((2, *ln_r_h.shape), np.float32)
    np.multiply(ln_r_h - np.float32(LN_R_MIN), np.float32(RADIAL_CELLS / LN_R_SPAN), out=coords[0])
    np.multiply(theta - winding * ln_r_h, np.float32(ANGULAR_CELLS / (2.0 * math.pi)), out=coords[1])
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
