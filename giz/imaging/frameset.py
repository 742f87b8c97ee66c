"""The frames of one galaxy on disk: one FITS file, an extension a band, all on the picture's grid."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from giz.core.machine import write_whole
from giz.core.vocabulary import GREYS
from giz.imaging.errors import FitsError
from giz.imaging.fits_structure import check_structure
from giz.imaging.flux_units import MJY_PER_NMGY
from giz.imaging.grid import SkyGrid
from giz.imaging.mosaic import Mosaic

if TYPE_CHECKING:
    from astropy.io.fits import Header

AB_ZERO_POINT_NMGY = 22.5


@dataclass(frozen=True)
class FrameSet:
    """Bands of a galaxy on one grid, and their origin.

    bands : mosaics by band name, without bands that the survey lacks.
    survey : name of the survey; `is_calibrated` says whether flux is in nanomaggies.
    request : hash of what was asked for (position, field, survey order): another request needs another set.
    sources : names of the frames that were combined.
    """

    grid: SkyGrid
    bands: Mapping[str, Mosaic]
    survey: str
    is_calibrated: bool
    request: str
    sources: tuple[str, ...] = ()


def write_frame_set(path: Path, frames: FrameSet) -> str:
    """Write the set, completely or not at all, and return the SHA-256 of the file; equal sets give equal bytes."""
    from astropy.io import fits

    primary = fits.PrimaryHDU()
    _describe(primary.header, frames)
    hdus = [primary]
    for band in GREYS:
        made = frames.bands.get(band)
        if made is not None:
            hdu = fits.ImageHDU(np.ascontiguousarray(made.flux), header=frames.grid.wcs.to_header(), name=band.upper())
            _describe_band(hdu.header, made, band, frames.is_calibrated)
            hdus.append(hdu)
    out = io.BytesIO()
    fits.HDUList(hdus).writeto(out)
    data = out.getvalue()
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, data)
    return hashlib.sha256(data).hexdigest()


def _describe(header: Header, frames: FrameSet) -> None:
    header["ORIGIN"] = ("GIZ", "Galaxy Inclination Zoo")
    header["SURVEY"] = (frames.survey, "where the frames came from")
    header["REQUEST"] = (frames.request, "hash of position, field and rules")
    header["OBJRA"] = (frames.grid.ra_deg, "[deg] centre, ICRS")
    header["OBJDEC"] = (frames.grid.dec_deg, "[deg] centre, ICRS")
    header["POSANGLE"] = (frames.grid.position_angle_deg, "[deg] north through east; points left")
    header["SIDE"] = (frames.grid.side_px, "[pixel] side of the square")
    header["PIXSCALE"] = (frames.grid.scale_arcsec, "[arcsec/pixel]")
    header["CALIBRAT"] = (frames.is_calibrated, "flux in nanomaggies")
    header["NSOURCE"] = (len(frames.sources), "frames that went in")
    for number, source in enumerate(frames.sources[:999], start=1):
        header[f"SRC{number:03d}"] = source[:60]


def _describe_band(header: Header, made: Mosaic, band: str, is_calibrated: bool) -> None:
    header["FILTER"] = band
    header["BUNIT"] = ("nanomaggy" if is_calibrated else "adu", "per pixel")
    if is_calibrated:
        header["MAGZP"] = (AB_ZERO_POINT_NMGY, "[mag] AB magnitude of 1 nanomaggy")
        header["NMGY2MJY"] = (MJY_PER_NMGY, "[mJy] in 1 nanomaggy")
    header["SKYLEVEL"] = (made.sky_level, "per pixel, not subtracted")
    header["SKYSIGMA"] = (made.sky_sigma, "1 sigma per pixel")
    header["COVERED"] = (made.covered_fraction, "share of pixels with data")


def read_frame_set(path: Path) -> FrameSet:
    """Read a set that `write_frame_set` wrote.

    Raises
    ------
    FitsError
        ``bad_fits`` if the file is missing, damaged or not a set of frames.
    """
    from astropy.io import fits

    try:
        check_structure(path, path.name)
    except OSError as error:
        raise FitsError("bad_fits", f"{path.name} can't be read ({error.strerror or type(error).__name__}).") from None
    try:
        with fits.open(path, memmap=False) as hdus:
            header = hdus[0].header
            if header.get("ORIGIN") != "GIZ" or "REQUEST" not in header:
                raise FitsError("bad_fits", f"{path.name} is not a set of frames made here.")
            return FrameSet(
                grid := SkyGrid(
                    float(header["OBJRA"]),
                    float(header["OBJDEC"]),
                    int(header["SIDE"]),
                    float(header["PIXSCALE"]),
                    float(header["POSANGLE"]),
                ),
                {str(hdu.header["FILTER"]): _read_band(hdu, grid, path.name) for hdu in hdus[1:]},
                str(header["SURVEY"]),
                bool(header["CALIBRAT"]),
                str(header["REQUEST"]),
                tuple(str(header[f"SRC{number:03d}"]) for number in range(1, min(int(header["NSOURCE"]), 999) + 1)),
            )
    except FitsError:
        raise
    except (KeyError, TypeError, ValueError, OSError) as error:
        raise FitsError("bad_fits", f"{path.name} is damaged ({type(error).__name__}).") from None


def _read_band(hdu: Any, grid: SkyGrid, name: str) -> Mosaic:
    flux: npt.NDArray[np.float32] = hdu.data.astype(np.float32)
    if flux.shape != (grid.side_px, grid.side_px):
        raise FitsError("bad_fits", f"{name}: a band has the wrong shape {flux.shape}.")
    return Mosaic(flux, (), float(hdu.header["SKYLEVEL"]), float(hdu.header["SKYSIGMA"]))


def set_pictures(frames: FrameSet) -> dict[str, npt.NDArray[np.uint8]]:
    """Make the pictures of a set, uint8, first row on top: greys (S, S), and "gri" (S, S, 3) if all bands are there.

    A band with the same value everywhere, as in some sets of earlier versions, gives no picture.
    """
    from giz.imaging.colour import lupton_rgb
    from giz.imaging.greys import asinh_grey

    upright = {band: frames.bands[band].flux[::-1] for band in GREYS if band in frames.bands}
    upright = {band: flux for band, flux in upright.items() if not _is_even(flux)}
    pictures = {
        band: asinh_grey(flux, sky_level=frames.bands[band].sky_level, sky_sigma=frames.bands[band].sky_sigma)
        for band, flux in upright.items()
    }
    if frames.is_calibrated and len(upright) == len(GREYS):
        pictures["gri"] = lupton_rgb(np.stack([upright[band] for band in GREYS]), frames.grid.scale_arcsec)
    return pictures


def _is_even(flux: npt.NDArray[np.float32]) -> bool:
    seen = flux[np.isfinite(flux)]
    return seen.size == 0 or bool(seen.min() == seen.max())
