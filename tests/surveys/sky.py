"""A piece of sky with one synthetic galaxy on it, and exposures of it by any camera: the truth behind the servers.

Positions are turned into offsets along and across the major axis by astropy's spherical geometry, not by the code under
test, so that orientation and parity are checked against something else.
"""

import io
from functools import cache

import numpy as np
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.wcs import WCS
from astropy.wcs.utils import proj_plane_pixel_scales
from scipy import ndimage

from giz.imaging.greys import sky_level_and_sigma
from giz.synthetic import make_galaxy

BANDS = ("g", "r", "i")
SEEING_ARCSEC = 1.3
# A third of what an SDSS exposure has, so that one percent of flux speaks of the code and not of the noise.
NOISE_NMGY_ARCSEC2 = {"g": 0.04, "r": 0.07, "i": 0.12}


class Sky:
    """One galaxy at a place and a position angle; light in nanomaggies."""

    def __init__(self, ra_deg=183.4, dec_deg=21.7, position_angle_deg=37.0, *, tilt_deg=68.0, seed=5, size_px=512):
        galaxy = make_galaxy("Sbc", tilt_deg, seed, size_px=size_px, clean=True)
        self.place = SkyCoord(ra_deg, dec_deg, unit="deg")
        self.position_angle_deg = position_angle_deg
        self.d25_arcsec = galaxy.d25_arcsec
        self.scale_arcsec = galaxy.pixel_scale_arcsec
        sigma_px = SEEING_ARCSEC / 2.3548 / self.scale_arcsec
        self.truth = {
            band: ndimage.gaussian_filter(frame.astype(float), sigma_px)
            for band, frame in zip(BANDS, galaxy.noise_free, strict=True)
        }
        self._offsets = {}
        # What the servers have drawn of it and packed, which takes a second a file.
        self.frame_files = {}
        # Coefficients of a cubic spline in surface brightness, so that any camera may sample it.
        self._spline = {
            band: ndimage.spline_filter(frame / self.scale_arcsec**2, order=3) for band, frame in self.truth.items()
        }

    def expose(self, wcs, shape, band, *, pedestal=0.0, noise=1.0, seed=0):
        """Flux per pixel (nanomaggies) on a camera; noise only around the galaxy, so that files stay small."""
        scale = float(np.prod(proj_plane_pixel_scales(wcs))) ** 0.5 * 3600
        frame = np.full(shape, pedestal, np.float32)
        centre = wcs.world_to_pixel(self.place)
        if not np.isfinite(centre).all():
            return frame  # the galaxy is on the other side of the sky
        reach = 1.5 * self.d25_arcsec / scale
        rows = slice(max(0, int(centre[1] - reach)), max(0, min(shape[0], int(centre[1] + reach))))
        columns = slice(max(0, int(centre[0] - reach)), max(0, min(shape[1], int(centre[0] + reach))))
        y, x = np.mgrid[rows, columns]
        if x.size == 0:
            return frame
        key = wcs.to_header_string(), shape
        if key not in self._offsets:
            self._offsets[key] = self._offsets_arcsec(wcs.pixel_to_world(x.ravel(), y.ravel()))
        along, across = self._offsets[key]
        size = self.truth[band].shape[0]
        # The truth's rows go down from the top; its left is where the position angle points.
        where = [(size - 1) / 2 - across / self.scale_arcsec, (size - 1) / 2 - along / self.scale_arcsec]
        light = ndimage.map_coordinates(self._spline[band], where, order=3, mode="constant", prefilter=False)
        rng = np.random.default_rng([seed, ord(band)])
        light = light.reshape(x.shape) * scale**2
        light += rng.standard_normal(x.shape) * noise * NOISE_NMGY_ARCSEC2[band] * scale * 0.396
        frame[rows, columns] += light.astype(np.float32)
        return frame

    def _offsets_arcsec(self, places):
        """Along the major axis (towards the position angle) and across it (up when the former points left)."""
        separation = self.place.separation(places).to_value(u.arcsec)
        angle = self.place.position_angle(places).to_value(u.rad) - np.radians(self.position_angle_deg)
        return separation * np.cos(angle), -separation * np.sin(angle)

    def flux_of_truth(self, band):
        return aperture_flux(self.truth[band], self.scale_arcsec, self.d25_arcsec)


@cache
def shared_sky(**options):
    """The sky that every module with these options shares, with the files made of it so far."""
    return Sky(**options)


def tangent_wcs(ra_deg, dec_deg, scale_arcsec, shape, *, turn_deg=0.0):
    """A plain TAN camera: north `turn_deg` counter-clockwise of up, east left of north."""
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval = [ra_deg, dec_deg]
    wcs.wcs.crpix = [(shape[1] + 1) / 2, (shape[0] + 1) / 2]
    turn = np.radians(turn_deg)
    wcs.wcs.cd = scale_arcsec / 3600 * np.array([[-np.cos(turn), -np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    wcs.wcs.set()
    return wcs


def fits_bytes(data, wcs=None, *, extension=False, **cards):
    """A FITS file of one image (in the first extension if asked)."""
    header = wcs.to_header() if wcs is not None else fits.Header()
    header.update({key.replace("_", "-"): value for key, value in cards.items()})
    hdu = (fits.ImageHDU if extension else fits.PrimaryHDU)(data, header=header)
    out = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), hdu] if extension else [hdu]).writeto(out)
    return out.getvalue()


def aperture_flux(frame, scale_arcsec, d25_arcsec):
    """Flux within a circle of 0.8 D25 about the centre; the sky is the mean of everything beyond 0.97 D25."""
    y, x = (np.indices(frame.shape) - (np.array(frame.shape) - 1)[:, None, None] / 2) * scale_arcsec
    radius = np.hypot(x, y) / d25_arcsec
    return float(np.where(radius < 0.8, frame - np.mean(frame[radius > 0.97], dtype=float), 0.0).sum())


def shape_of(frame, scale_arcsec, d25_arcsec):
    """Centroid (x, y from the centre, pixels) and angle of the major axis from the horizontal, degrees; by moments."""
    level, sigma = sky_level_and_sigma(frame)
    y, x = np.indices(frame.shape) - (np.array(frame.shape) - 1)[:, None, None] / 2
    smooth = ndimage.gaussian_filter(np.nan_to_num(frame - level), 1.5 / scale_arcsec)
    light = np.where((np.hypot(x, y) * scale_arcsec < 0.55 * d25_arcsec) & (smooth > 2 * sigma), smooth, 0.0)
    total = light.sum()
    cx, cy = (light * x).sum() / total, (light * y).sum() / total
    xx, yy = (light * (x - cx) ** 2).sum(), (light * (y - cy) ** 2).sum()
    xy = (light * (x - cx) * (y - cy)).sum()
    return cx, cy, float(np.degrees(0.5 * np.arctan2(2 * xy, xx - yy)))
