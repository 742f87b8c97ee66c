"""What the oldest method says of the same galaxies: the inclination from the axial ratio of an isophote."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from giz.imaging.measure import ShapeError, measure_shape
from giz.training.nn.data import BANDS, COLOUR, LOWEST_DEG, Rows, TrainingData
from giz.training.nn.metrics import inclination_metrics
from standards.grid import inclination_from_axial_ratio

MOST_GALAXIES = 400
# The best band first: deep, and little dust.
ORDER = ("r", "i", "g", COLOUR)
# Of the greys (SCIENCE.md section 4): grey = 255 (1 - asinh(10 x) / asinh(10)), sky at x = 0.027.
_SOFTENING, _SKY = 10.0, 0.027


def axial_ratio_compared(
    data: TrainingData, rows: Rows, answer_deg: npt.NDArray[np.floating], on_galaxy: Callable[[], None]
) -> dict[str, Any] | None:
    """Errors of the axial-ratio method and of the network on the galaxies that both measure.

    Parameters
    ----------
    rows, answer_deg : (n,) accepted galaxies and what the network says; at most MOST_GALAXIES of them are measured.
    """
    chosen = np.unique(np.linspace(0, rows.size - 1, min(rows.size, MOST_GALAXIES)).round().astype(int))
    found = np.full(chosen.size, np.nan)
    for place, number in enumerate(chosen):
        row = int(rows[number])
        band = next(band for band in ORDER if data.has_band[row, BANDS.index(band)])
        found[place] = axial_inclination_deg(data.labelset.image(row, band), band)
        on_galaxy()
    known = np.isfinite(found)
    if not known.any():
        return None
    truth = data.inclination_deg[rows[chosen[known]]]
    figures = {
        "axial_ratio": inclination_metrics(found[known], truth),
        "network": inclination_metrics(answer_deg[chosen[known]], truth),
    }
    short = {
        name: {key: getattr(one, key) for key in ("rms_deg", "mae_deg", "bias_deg", "outlier_share")}
        for name, one in figures.items()
    }
    return {"galaxies": int(known.sum()), "not_measurable": int((~known).sum()), **short}


def axial_inclination_deg(pixels: npt.NDArray[np.uint8], band: str) -> float:
    """Inclination from the axial ratio of the isophote at half of the frame; NaN where none can be measured.

    `pixels` is a picture of a label set: (H, W) in g, r, i, or (H, W, 3) in gri. Below 45 degrees it says 45, as labels
    and networks do.
    """
    try:
        shape = measure_shape(_light(pixels, band))
    except ShapeError:
        return float("nan")
    return max(LOWEST_DEG, inclination_from_axial_ratio(min(1.0, shape.axial_ratio)))


def _light(pixels: npt.NDArray[np.uint8], band: str) -> npt.NDArray[np.float64]:
    """Relative flux of a displayed picture: the stretch of the greys undone; colour as it is, its mean."""
    if band == COLOUR:
        return np.asarray(pixels.astype(float).mean(axis=2))
    stretched = 1.0 - pixels.astype(float) / 255.0
    return np.asarray(np.sinh(stretched * np.arcsinh(_SOFTENING)) / _SOFTENING - _SKY)
