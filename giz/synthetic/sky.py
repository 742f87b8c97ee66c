"""What else is in the field: stars with spikes and halos, and galaxies of the background."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from giz.synthetic.bulge import sersic_b
from giz.synthetic.knots import deposit
from giz.synthetic.photometry import FloatArray, band_ratios, flux_nmgy

F = np.float32
DoubleArray = npt.NDArray[np.float64]
STAR_MAG, STAR_SLOPE = (12.5, 21.8), 0.18
BACKGROUND_MAG, BACKGROUND_SLOPE, BACKGROUND_PER_ARCMIN2 = (17.2, 22.3), 0.35, 3.0
SPIKED_R_MAG = 14.6
# Long wavelengths scatter inside the detector: bright stars sit in a reddish glow.
HALO_G_R_I = (0.9, 1.5, 3.4)
STAMP_HALF_PX = (3, 6, 12, 24, 48)


@dataclass(frozen=True, slots=True)
class Sources:
    """Positions as fractions of the field (0..1 from its corner), r magnitude and flux (3, n) in g, r, i nMgy."""

    x: DoubleArray
    y: DoubleArray
    r_mag: DoubleArray
    flux: FloatArray

    def brighter_than(self, r_mag: float) -> Sources:
        keep = self.r_mag < r_mag
        return Sources(self.x[keep], self.y[keep], self.r_mag[keep], self.flux[:, keep])


def _magnitudes(rng: np.random.Generator, count: int, limits: tuple[float, float], slope: float) -> DoubleArray:
    """Magnitudes with counts growing as 10^(slope m) between the limits."""
    low, high = (10.0 ** (slope * limit) for limit in limits)
    return np.asarray(np.log10(low + rng.random(count) * (high - low)) / slope)


def draw_stars(rng: np.random.Generator, field_arcmin: float) -> Sources:
    """Foreground stars; their surface density varies from field to field, faint ones are more often red dwarfs."""
    count = int(rng.poisson(rng.lognormal(0.7, 0.45) * field_arcmin**2))
    r_mag = _magnitudes(rng, count, STAR_MAG, STAR_SLOPE)
    is_red = rng.random(count) < np.interp(r_mag, [13.0, 16.0, 21.0], [0.12, 0.30, 0.60])
    g_r = np.where(is_red, rng.normal(1.35, 0.12, count), rng.normal(0.50, 0.17, count))
    r_i = np.where(is_red, rng.uniform(0.45, 1.2, count), rng.normal(0.17, 0.06, count))
    flux = flux_nmgy(r_mag).astype(F) * band_ratios(g_r, r_i)
    return Sources(rng.random(count), rng.random(count), r_mag, flux)


def add_points(frames: FloatArray, sources: Sources) -> None:
    """Add point sources, before the PSF, in place."""
    size_px = frames.shape[-1]
    for band in range(3):
        deposit(frames[band], sources.x * size_px - 0.5, sources.y * size_px - 0.5, sources.flux[band])


def add_background_galaxies(
    frames: FloatArray, rng: np.random.Generator, scale_arcsec: float, field_arcmin: float
) -> None:
    """Add small distant galaxies (Sersic 1 and 2.5) in place, as many as a field of this side has."""
    size_px = frames.shape[-1]
    count = int(rng.poisson(BACKGROUND_PER_ARCMIN2 * field_arcmin**2))
    r_mag = _magnitudes(rng, count, BACKGROUND_MAG, BACKGROUND_SLOPE)
    re_px = 10.0 ** (-0.16 * (r_mag - 18.5)) * rng.lognormal(0.45, 0.30, count) / scale_arcsec
    np.maximum(re_px, 0.4, out=re_px)
    ratio, angle = rng.uniform(0.25, 1.0, count), rng.uniform(0.0, math.pi, count)
    index = np.where(rng.random(count) < 2.0 / 3.0, 1.0, 2.5)
    flux = flux_nmgy(r_mag) * band_ratios(rng.uniform(0.4, 1.5, count), rng.uniform(0.15, 0.6, count))
    x, y = rng.random(count) * size_px - 0.5, rng.random(count) * size_px - 0.5
    bucket = np.searchsorted(STAMP_HALF_PX[:-1], np.minimum(5.0 * re_px + 1.0, STAMP_HALF_PX[-1]))
    for number, half in enumerate(STAMP_HALF_PX):
        some = np.flatnonzero(bucket == number)
        if some.size:
            stamps = _sersic_stamps(half, x[some], y[some], re_px[some], ratio[some], angle[some], index[some])
            _add_stamps(frames, stamps, np.rint(x[some]).astype(int), np.rint(y[some]).astype(int), flux[:, some])


def _sersic_stamps(
    half: int,
    x: DoubleArray,
    y: DoubleArray,
    re_px: DoubleArray,
    ratio: DoubleArray,
    angle: DoubleArray,
    index: DoubleArray,
) -> FloatArray:
    """Unit-flux images (n, 2 half + 1, 2 half + 1) around the pixel nearest to each centre."""
    offsets = np.arange(-half, half + 1, dtype=F)
    dx = offsets[None, None, :] - (x - np.rint(x)).astype(F)[:, None, None]
    dy = offsets[None, :, None] - (y - np.rint(y)).astype(F)[:, None, None]
    cos_a, sin_a = np.cos(angle).astype(F)[:, None, None], np.sin(angle).astype(F)[:, None, None]
    along = dx * cos_a + dy * sin_a
    across = (dy * cos_a - dx * sin_a) / ratio.astype(F)[:, None, None]
    m = np.sqrt(along * along + across * across + F(0.1)) / re_px.astype(F)[:, None, None]
    b_n = np.where(index == 1.0, sersic_b(1.0), sersic_b(2.5)).astype(F)
    stamps = np.exp(-b_n[:, None, None] * m ** (1.0 / index).astype(F)[:, None, None])
    stamps /= stamps.sum(axis=(1, 2), keepdims=True)
    return np.asarray(stamps, F)


def _add_stamps(
    frames: FloatArray, stamps: FloatArray, x: npt.NDArray[np.int_], y: npt.NDArray[np.int_], flux: DoubleArray
) -> None:
    size_px, half = frames.shape[-1], stamps.shape[-1] // 2
    for stamp, column, row, light in zip(stamps, x, y, flux.T, strict=True):
        x0, x1 = max(column - half, 0), min(column + half + 1, size_px)
        y0, y1 = max(row - half, 0), min(row + half + 1, size_px)
        part = stamp[y0 - row + half : y1 - row + half, x0 - column + half : x1 - column + half]
        frames[:, y0:y1, x0:x1] += light[:, None, None].astype(F) * part


def add_spikes(frames: FloatArray, stars: Sources, angle: float, scale_arcsec: float, sky_sigma: FloatArray) -> None:
    """Add diffraction spikes and scattered-light halos of bright stars, after the PSF, in place.

    `angle` is that of one pair of arms (radians): the frame was turned to bring the major axis level.
    `sky_sigma` (3,) in nMgy per pixel tells how far out the faint wings matter.
    """
    size_px = frames.shape[-1]
    bright = stars.brighter_than(SPIKED_R_MAG)
    for star in range(bright.r_mag.size):
        x, y = bright.x[star] * size_px - 0.5, bright.y[star] * size_px - 0.5
        flux = bright.flux[:, star] * F(scale_arcsec**2)
        length_px = min(26.0 * 10.0 ** (-0.13 * (bright.r_mag[star] - 13.0)), 70.0) / scale_arcsec
        core_px = 3.5 / scale_arcsec
        contrast = float((2.4e-4 * flux * np.array(HALO_G_R_I) / (0.05 * sky_sigma)).max())
        reach = int(max(2.0 * length_px, core_px * max(contrast, 1.0) ** (1.0 / 2.7))) + 2
        x0, x1 = max(int(x) - reach, 0), min(int(x) + reach + 1, size_px)
        y0, y1 = max(int(y) - reach, 0), min(int(y) + reach + 1, size_px)
        dx, dy = (np.arange(x0, x1) - x).astype(F)[None, :], (np.arange(y0, y1) - y).astype(F)[:, None]
        arms = _cross(dx, dy, angle, length_px, max(0.6 / scale_arcsec, 0.75)) * F(6e-4)
        halo = (F(1.0) + (dx * dx + dy * dy) * F(1.0 / core_px**2)) ** F(-1.35) * F(2.4e-4)
        for band in range(3):
            frames[band, y0:y1, x0:x1] += flux[band] * (arms + halo * F(HALO_G_R_I[band]))


def _cross(dx: FloatArray, dy: FloatArray, angle: float, length_px: float, width_px: float) -> FloatArray:
    cos_a, sin_a = F(math.cos(angle)), F(math.sin(angle))
    u, v = dx * cos_a + dy * sin_a, dy * cos_a - dx * sin_a
    cross = np.zeros(u.shape, F)
    for along, across in ((np.abs(u), v), (np.abs(v), u)):
        arm = np.exp(along * F(-1.0 / (0.30 * length_px)) - F(0.5 / width_px**2) * across * across)
        cross += arm * np.clip(F(1.0) - along * F(0.5 / length_px), F(0.0), F(1.0))
    return cross
