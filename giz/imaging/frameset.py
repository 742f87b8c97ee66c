"""The frames of one galaxy on disk: one FITS file, an extension a band, all on the picture's grid."""

from __future__ import annotations

import hashlib
import io
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from giz.imaging.fits_structure import FitsError, check_structure
from giz.imaging.flux_units import MJY_PER_NMGY
from giz.imaging.grid import SkyGrid
from giz.imaging.mosaic import Mosaic

if TYPE_CHECKING:
    from astropy.io.fits import Header

BANDS = ("g", "r", "i")
AB_ZERO_POINT_NMGY = 22.5


@dataclass(frozen=True)
class FrameSet:
    """Bands of a galaxy on one grid, and where they came from.

    bands : mosaics by band name; a band that the survey lacks is not there.
    survey : name of the survey; `is_calibrated` says whether flux is in nanomaggies.
    request : hash of what was asked for (position, field, survey order): another request needs another set.
    sources : names of the frames that went in.
    """

    grid: SkyGrid
    bands: Mapping[str, Mosaic]
    survey: str
    is_calibrated: bool
    request: str
    sources: tuple[str, ...] = ()


def write_frame_set(path: Path, frames: FrameSet) -> str:
    """Write the set whole or not at all and return the SHA-256 of the file; the same set gives the same bytes."""
    from astropy.io import fits

    primary = fits.PrimaryHDU()
    _describe(primary.header, frames)
    hdus = [primary]
    for band in BANDS:
        made = frames.bands.get(band)
        if made is not None:
            hdu = fits.ImageHDU(np.ascontiguousarray(made.flux), header=frames.grid.wcs.to_header(), name=band.upper())
            _describe_band(hdu.header, made, band, frames.is_calibrated)
            hdus.append(hdu)
    out = io.BytesIO()
    fits.HDUList(hdus).writeto(out)
    data = out.getvalue()
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
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


def read_frame_set_request(path: Path) -> str | None:
    """The request that a set on disk answers; None where there is no readable set."""
    try:
        return str(_read_header(path).get("REQUEST", "")) or None
    except FitsError:
        return None


def read_frame_set_survey(path: Path) -> str:
    """The survey that a set on disk came from; empty where there is no readable set."""
    try:
        return str(_read_header(path).get("SURVEY", ""))
    except FitsError:
        return ""


def read_frame_set(path: Path) -> FrameSet:
    """Read a set that `write_frame_set` wrote.

    Raises
    ------
    FitsError
        ``bad_fits`` if the file is missing, damaged or none of ours.
    """
    from astropy.io import fits

    header = _read_header(path)
    try:
        grid = SkyGrid(
            float(header["OBJRA"]),
            float(header["OBJDEC"]),
            int(header["SIDE"]),
            float(header["PIXSCALE"]),
            float(header["POSANGLE"]),
        )
        bands = {}
        with fits.open(path, memmap=False) as hdus:
            for hdu in hdus[1:]:
                flux: npt.NDArray[np.float32] = hdu.data.astype(np.float32)
                if flux.shape != (grid.side_px, grid.side_px):
                    raise FitsError("bad_fits", f"{path.name}: a band has the wrong shape {flux.shape}.")
                bands[str(hdu.header["FILTER"])] = Mosaic(
                    flux, (), float(hdu.header["SKYLEVEL"]), float(hdu.header["SKYSIGMA"])
                )
        sources = tuple(str(header[f"SRC{number:03d}"]) for number in range(1, min(int(header["NSOURCE"]), 999) + 1))
    except (KeyError, TypeError, ValueError, OSError) as error:
        if isinstance(error, FitsError):
            raise
        raise FitsError("bad_fits", f"{path.name} is damaged ({type(error).__name__}).") from None
    return FrameSet(grid, bands, str(header["SURVEY"]), bool(header["CALIBRAT"]), str(header["REQUEST"]), sources)


def _read_header(path: Path) -> dict[str, Any]:
    from astropy.io import fits

    try:
        check_structure(path, path.name)
        header = fits.getheader(path, 0)
    except OSError as error:
        raise FitsError("bad_fits", f"{path.name} can't be read ({error.strerror or type(error).__name__}).") from None
    if header.get("ORIGIN") != "GIZ" or "REQUEST" not in header:
        raise FitsError("bad_fits", f"{path.name} is no set of frames made here.")
    return dict(header)


def set_pictures(frames: FrameSet) -> dict[str, npt.NDArray[np.uint8]]:
    """Pictures of a set, first row on top: a grey for each band, and "gri" where all three bands are there."""
    from giz.imaging.colour import lupton_rgb
    from giz.imaging.greys import asinh_grey

    upright = {band: frames.bands[band].flux[::-1] for band in BANDS if band in frames.bands}
    pictures = {
        band: asinh_grey(flux, sky_level=frames.bands[band].sky_level, sky_sigma=frames.bands[band].sky_sigma)
        for band, flux in upright.items()
    }
    if frames.is_calibrated and len(upright) == len(BANDS):
        pictures["gri"] = lupton_rgb(np.stack([upright[band] for band in BANDS]), frames.grid.scale_arcsec)
    return pictures
