"""Measures of a galaxy's outline, as an observer would take them."""

import numpy as np
from scipy import ndimage

from giz.synthetic.photometry import D25_G_MAG_ARCSEC2, flux_nmgy


def isophote(g_frame: np.ndarray, scale_arcsec: float) -> tuple[float, float]:
    """Major semi-axis (pixels) and axial ratio of the B = 25 isophote, by the moments of what lies inside it."""
    level = float(flux_nmgy(D25_G_MAG_ARCSEC2)) * scale_arcsec**2
    regions, _ = ndimage.label(ndimage.binary_fill_holes(g_frame > level))
    galaxy = np.bincount(regions.ravel())[1:].argmax() + 1
    y, x = np.nonzero(regions == galaxy)
    minor, major = np.sort(np.linalg.eigvalsh(np.cov(x, y)))
    return 2.0 * float(np.sqrt(major)), float(np.sqrt(minor / major))


def inclination_deg(axial_ratio: float, q0: float = 0.2) -> float:
    """Inclination of an oblate disk of intrinsic thickness q0 (Hubble 1926)."""
    cos2 = (axial_ratio**2 - q0**2) / (1.0 - q0**2)
    return float(np.degrees(np.arccos(np.sqrt(np.clip(cos2, 0.0, 1.0)))))
