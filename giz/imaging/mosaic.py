"""Combine overlapping frames on one grid: match their sky levels, and average their pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from giz.imaging.greys import sky_level_and_sigma
from giz.imaging.resample import Patch

FloatImage = npt.NDArray[np.float32]
F = np.float32
# Fewest pixels of an overlap that determine the sky.
MIN_OVERLAP_PX = 50


@dataclass(frozen=True)
class Mosaic:
    """One band of the sky on a grid.

    flux : (n, n) nanomaggies (or relative flux) per pixel, row 0 at the bottom, NaN where no frame has data.
    sky_offsets : subtracted from each patch, in the order of the patches, flux per pixel.
    sky_level, sky_sigma : of the mosaic, flux per pixel; the level is not subtracted.
    """

    flux: FloatImage
    sky_offsets: tuple[float, ...]
    sky_level: float
    sky_sigma: float

    @property
    def covered_fraction(self) -> float:
        return float(np.isfinite(self.flux).mean())


def mosaic(patches: Sequence[Patch], side_px: int) -> Mosaic:
    """Average patches on a grid of `side_px`, after matching their sky levels where they overlap.

    The offsets solve, by least squares, ``o_i - o_j = median(patch_i - patch_j)`` over all overlaps, weighted by the
    square root of the overlap's pixels: objects are in both patches and cancel. The mean over the pixels of each
    connected group of patches is zero, so that its zero level is that of its frames; a patch without overlap is
    unchanged.

    Raises
    ------
    ValueError
        If there is no patch.
    """
    if not patches:
        raise ValueError("A mosaic needs at least one patch.")
    offsets = sky_offsets(patches)
    total = np.zeros((side_px, side_px), F)
    count = np.zeros((side_px, side_px), np.uint16)
    for patch, offset in zip(patches, offsets, strict=True):
        seen = np.isfinite(patch.flux)
        total[patch.window] += np.where(seen, patch.flux - F(offset), F(0.0))
        count[patch.window] += seen
    flux = np.full((side_px, side_px), np.nan, F)
    np.divide(total, count, out=flux, where=count > 0)
    level, sigma = sky_level_and_sigma(flux)
    return Mosaic(flux, tuple(float(offset) for offset in offsets), level, sigma)


def sky_offsets(patches: Sequence[Patch]) -> npt.NDArray[np.float64]:
    """Return the sky of each patch relative to the common level, flux per pixel (see `mosaic`)."""
    rows: list[npt.NDArray[np.float64]] = []
    values: list[float] = []
    group = np.arange(len(patches))
    for i, first in enumerate(patches):
        for j in range(i + 1, len(patches)):
            difference = _difference(first, patches[j])
            if difference.size < MIN_OVERLAP_PX:
                continue
            weight = float(np.sqrt(difference.size))
            row = np.zeros(len(patches))
            row[i], row[j] = weight, -weight
            rows.append(row)
            values.append(weight * float(np.median(difference)))
            group[group == group[j]] = group[i]
    sizes = np.array([np.isfinite(patch.flux).sum() for patch in patches], float)
    if not rows:
        return np.zeros(len(patches))
    offsets = np.asarray(np.linalg.lstsq(np.array(rows), np.array(values), rcond=None)[0], float)
    for members in (group == number for number in np.unique(group)):
        offsets[members] -= np.average(offsets[members], weights=np.maximum(sizes[members], 1.0))
    return offsets


def _difference(first: Patch, second: Patch) -> FloatImage:
    row_low, row_high = _common(first.first_row, first.flux.shape[0], second.first_row, second.flux.shape[0])
    low, high = _common(first.first_column, first.flux.shape[1], second.first_column, second.flux.shape[1])
    if row_low >= row_high or low >= high:
        return np.empty(0, F)

    def part(patch: Patch) -> FloatImage:
        rows = slice(row_low - patch.first_row, row_high - patch.first_row)
        return patch.flux[rows, low - patch.first_column : high - patch.first_column]

    difference = part(first) - part(second)
    return np.asarray(difference[np.isfinite(difference)], F)


def _common(start: int, length: int, other_start: int, other_length: int) -> tuple[int, int]:
    return max(start, other_start), min(start + length, other_start + other_length)
