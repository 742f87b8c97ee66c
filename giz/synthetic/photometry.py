"""Magnitudes, colours and the sky of the SDSS-like survey the synthetic images imitate."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]

NATIVE_SCALE_ARCSEC = 0.396
# Extinction of the Milky Way's dust relative to r (Cardelli, Clayton & Mathis 1989, R_V = 3.1).
EXTINCTION_G_R_I = (1.35, 1.0, 0.77)
SKY_MAG_ARCSEC2 = (21.8, 20.9, 20.2)
# One sigma of the sky in one native pixel, mag/arcsec^2, measured on the reference images.
SKY_SIGMA_MAG_ARCSEC2 = (24.85, 24.2, 23.55)
# g surface brightness of the B = 25 mag/arcsec^2 isophote that defines D25.
D25_G_MAG_ARCSEC2 = 24.58


def flux_nmgy(mag: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Flux in nanomaggies of an AB magnitude."""
    return np.power(10.0, 0.4 * (22.5 - np.asarray(mag, dtype=np.float64)))


def band_ratios(g_r: npt.ArrayLike, r_i: npt.ArrayLike) -> FloatArray:
    """Flux in g, r, i relative to r, shape (3, ...), of light with colours g-r and r-i in mag."""
    g_r, r_i = np.broadcast_arrays(np.asarray(g_r, np.float64), np.asarray(r_i, np.float64))
    return np.stack([np.power(10.0, -0.4 * g_r), np.ones(g_r.shape), np.power(10.0, 0.4 * r_i)]).astype(np.float32)
