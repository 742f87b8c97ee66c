"""FITS files for tests: a blob of light with known flux and place on cameras of any kind."""

import numpy as np
from astropy.io import fits
from astropy.wcs import WCS


def camera(shape=(120, 160), scale_arcsec=0.5, turn_deg=0.0, ra=150.0, dec=2.0, crpix=None):
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval = [ra, dec]
    wcs.wcs.crpix = crpix or [(shape[1] + 1) / 2, (shape[0] + 1) / 2]
    turn = np.radians(turn_deg)
    wcs.wcs.cd = scale_arcsec / 3600 * np.array([[-np.cos(turn), -np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    wcs.wcs.set()
    return wcs


def blob(wcs, shape, ra=150.0, dec=2.0, sigma_arcsec=3.0, flux=1000.0, scale_arcsec=0.5):
    """A round Gaussian of the given total flux."""
    x0, y0 = wcs.all_world2pix([[ra, dec]], 0)[0]
    y, x = np.indices(shape)
    sigma = sigma_arcsec / scale_arcsec
    light = np.exp(-((x - x0) ** 2 + (y - y0) ** 2) / (2 * sigma**2)) * flux / (2 * np.pi * sigma**2)
    return light.astype(np.float32)


def write(path, data, wcs=None, *, compressed=False, first=(), **cards):
    """Write one image; `first` are HDUs that come before it."""
    header = wcs.to_header() if wcs is not None else fits.Header()
    header.update({key.replace("_", "-"): value for key, value in cards.items()})
    if compressed:
        hdus = [fits.PrimaryHDU(), *first, fits.CompImageHDU(data, header, compression_type="GZIP_1")]
    elif first:
        hdus = [*first, fits.ImageHDU(data, header)]
    else:
        hdus = [fits.PrimaryHDU(data, header)]
    fits.HDUList(hdus).writeto(path, overwrite=True)
    return path
