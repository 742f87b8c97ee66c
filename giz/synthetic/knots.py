"""Star-forming knots: HII regions and OB associations, sprinkled where young stars are."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from giz.synthetic.parameters import GalaxyParameters
from giz.synthetic.photometry import FloatArray
from giz.synthetic.streams import stream

# Gaussian sizes of compact, ordinary and large complexes, in units of R25 (about 0.1, 0.2 and 0.4 kpc).
SIZES_R25 = (0.007, 0.014, 0.0265)
CANDIDATES = 6000


def deposit(image: FloatArray, x_px: FloatArray, y_px: FloatArray, flux: FloatArray) -> None:
    """Add point sources to an image in place, each shared bilinearly by four pixels; what falls outside is lost.

    `image` is (ny, nx), positions are in pixels (0 = centre of the first pixel), `flux` has the positions' shape.
    """
    ny, nx = image.shape
    x0, y0 = np.floor(x_px).astype(np.intp), np.floor(y_px).astype(np.intp)
    dx, dy = x_px - x0, y_px - y0
    for step_x, weight_x in ((0, 1.0 - dx), (1, dx)):
        for step_y, weight_y in ((0, 1.0 - dy), (1, dy)):
            column, row = x0 + step_x, y0 + step_y
            inside = (column >= 0) & (column < nx) & (row >= 0) & (row < ny)
            np.add.at(image, (row[inside], column[inside]), (flux * weight_x * weight_y)[inside].astype(np.float32))


def knot_map(p: GalaxyParameters, seed: int, chance: FloatArray, *, h_px: float, r25_px: float) -> FloatArray:
    """Light of the knots on the face-on grid, arbitrary normalisation.

    Candidates are strewn over an exponential disk in units of h and the likeliest taken by weighted sampling without
    replacement (Efraimidis & Spirakis 2006), so the same knots are picked on a grid of any pitch.
    """
    rng = stream(seed, "knots")
    count = int(60 + 420 * p.hii_strength)
    radius_h = rng.gamma(2.0, 1.3, CANDIDATES)
    theta = rng.uniform(0.0, 2.0 * np.pi, CANDIDATES)
    race = rng.exponential(size=CANDIDATES)
    brightness = np.minimum(rng.pareto(1.2, CANDIDATES) + 0.3, 9.0)
    kind = rng.integers(0, len(SIZES_R25), CANDIDATES)

    middle = (chance.shape[0] - 1) / 2.0
    x_px = middle + radius_h * h_px * np.cos(theta)
    y_px = middle + radius_h * h_px * np.sin(theta)
    density = np.exp(-radius_h / 1.3)
    wanted = ndimage.map_coordinates(chance, [y_px, x_px], order=1, prefilter=False) / density
    arrival = np.where(wanted > 0.0, race / np.maximum(wanted, 1e-30), np.inf)
    chosen = np.argsort(arrival, kind="stable")[:count]
    chosen = chosen[np.isfinite(arrival[chosen])]

    knots = np.zeros_like(chance)
    for index, size_r25 in enumerate(SIZES_R25):
        some = chosen[kind[chosen] == index]
        points = np.zeros_like(chance)
        deposit(points, x_px[some], y_px[some], brightness[some])
        knots += ndimage.gaussian_filter(points, size_r25 * r25_px, truncate=3.0)
    return knots
