"""Read images from untrusted FITS files: structure checked first, pixels read in sections, units converted.

Astropy reads the pixels, but only after all headers and the sizes that they state were compared with the file: a header
that claims a terapixel costs nothing. Files from outside are read in a separate process (`giz.imaging.decoder`), since
astropy and wcslib are not hardened against hostile files.
"""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, BinaryIO

import numpy as np
import numpy.typing as npt

from giz.imaging.errors import FitsError
from giz.imaging.fits_structure import SURVEY, Limits, check_file, unpacked
from giz.imaging.flux_units import nmgy_per_unit

if TYPE_CHECKING:
    from astropy.wcs import WCS

__all__ = ["FitsError", "Frame", "open_frame"]

FloatImage = npt.NDArray[np.float32]
# No detector or calibrated frame has larger values: BZERO, BSCALE or the data are wrong.
MAX_ABS_VALUE = 1e30
# Words in the names of extensions that are not images of the sky.
_AUXILIARY = frozenset(
    [
        *(
            "dq",
            "mask",
            "msk",
            "badpix",
            "bpm",
            "flag",
            "flags",
            "quality",
            "wht",
            "weight",
            "weights",
            "wgt",
            "expmap",
        ),
        *(
            "expmap",
            "exposure",
            "exptime",
            "time",
            "coverage",
            "cov",
            "nimage",
            "con",
            "ctx",
            "context",
            "samp",
            "area",
            "psf",
        ),
        *("err", "error", "errors", "rms", "sigma", "unc", "uncert", "uncertainty", "std", "stddev", "stdev", "noise"),
        *("var", "variance", "ivar", "invvar", "background", "bkg", "preview", "thumb", "thumbnail", "quicklook"),
    ]
)


@dataclass
class Frame:
    """One image of a FITS file, open for reading in sections.

    shape : (ny, nx), row 0 at the bottom, as in FITS.
    wcs : sky coordinates; None if they were not asked for.
    nmgy_per_unit : factor from stored values to nanomaggies per pixel; None if the file does not state it.
    zero_point_mag : AB magnitude of one stored unit (22.5 - 2.5 lg nmgy_per_unit), or None.
    """

    name: str
    shape: tuple[int, int]
    wcs: WCS | None
    header: dict[str, Any]
    nmgy_per_unit: float | None
    pixel_scale_arcsec: float
    _hdu: Any = field(repr=False)
    _asinh: tuple[float, float] | None = field(default=None, repr=False)

    @property
    def zero_point_mag(self) -> float | None:
        return None if self.nmgy_per_unit is None else 22.5 - 2.5 * math.log10(self.nmgy_per_unit)

    def section(self, rows: slice, columns: slice) -> FloatImage:
        """Read a section (ny, nx) of the frame as float32, nanomaggies (or the stored unit); NaN without data.

        Raises
        ------
        FitsError
            ``bad_fits`` if the pixels can't be read or their values can't be a flux.
        """
        try:
            with np.errstate(all="ignore"), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                values = np.asarray(self._hdu.section[rows, columns])
                # Always a copy: it may be a read-only view of the file, in the file's byte order.
                values = values.astype(np.float64 if self._asinh else np.float32)
        except Exception as error:  # noqa: BLE001 - astropy may raise anything on damaged data
            raise _unreadable(f"{self.name}: the pixels can't be read", error) from None
        if self._asinh is not None:
            offset, softening = self._asinh
            # PS1 stores asinh magnitudes (Lupton et al. 1999; Waters et al. 2020, ApJS 251, 4, section 6).
            values = offset + 2.0 * softening * np.sinh(np.clip(values / 1.0857362048, -80.0, 80.0))
        if values.size:
            with np.errstate(all="ignore"):
                low, high = values.min(), values.max()
                if not np.isfinite(low + high):
                    values[~np.isfinite(values)] = np.nan
                    low, high = np.fmin.reduce(values, axis=None), np.fmax.reduce(values, axis=None)
            if max(-low, high) > MAX_ABS_VALUE:
                raise FitsError("bad_fits", f"{self.name}: values beyond {MAX_ABS_VALUE:.0e} can't be a flux.")
        if self.nmgy_per_unit is not None:
            values *= self.nmgy_per_unit
        return np.asarray(values, np.float32)


@contextmanager
def open_frame(
    source: Path | BinaryIO,
    *,
    name: str = "",
    extension: str | int | None = None,
    needs_sky: bool = True,
    has_own_unit: bool = False,
    limits: Limits = SURVEY,
    scratch: IO[bytes] | None = None,
) -> Iterator[Frame]:
    """Open an image of a FITS file (plain, gzip, bzip2, xz or tile-compressed) for reading.

    Parameters
    ----------
    source : the file, or its path; its compression is detected from its content.
    name : its name in errors; by default the file's name.
    extension : name or number of the extension; None for the best (`_order`).
    needs_sky : whether it must have sky coordinates. Otherwise they are ignored, and a pixel counts as one arcsec.
    has_own_unit : the survey has its own rule for the unit, so BUNIT is ignored and nothing is converted.
    scratch : a file to unpack into, instead of a temporary one.

    Raises
    ------
    FitsError
        ``bad_fits``: damaged, truncated, inconsistent or without a usable image; ``fits_too_large``; ``bad_unit``.
    OSError
        If there is no space to unpack it, as in `unpacked`.
    """
    from astropy.io import fits

    with _opened(source) as file, unpacked(file, name := name or _name(source), scratch) as plain:
        check_file(plain, name, limits)
        plain.seek(0)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                hdus = fits.open(plain, mode="readonly", memmap=False, lazy_load_hdus=True, ignore_missing_simple=False)
        except Exception as error:  # noqa: BLE001 - astropy may raise anything on a damaged header
            raise _unreadable(f"{name} is not a readable FITS file", error) from None
        with hdus:
            try:
                frame = _frame_of(hdus, name, extension, needs_sky, has_own_unit)
            except FitsError:
                raise
            except Exception as error:  # noqa: BLE001 - astropy parses cards on access, and may fail
                raise _unreadable(f"{name} has a damaged header", error) from None
            yield frame


NO_SKY = "{name} holds no image with sky coordinates (a WCS with right ascension, declination)."


def _opened(source: Path | BinaryIO) -> AbstractContextManager[BinaryIO]:
    if not isinstance(source, Path):
        return nullcontext(source)
    try:
        return source.open("rb")
    except FileNotFoundError as error:
        raise FitsError("bad_fits", f"{source.name} can't be read ({error.strerror}).") from None


def _name(source: Path | BinaryIO) -> str:
    return source.name if isinstance(source, Path) else "The file"


def _unreadable(words: str, error: Exception) -> FitsError:
    """Return a failure of astropy as our error; out of memory means that the file unpacks to too much."""
    if isinstance(error, MemoryError):
        return FitsError("fits_too_large", f"{words}: it would take too much memory.")
    return FitsError("bad_fits", f"{words} ({type(error).__name__}).")


def _frame_of(hdus: Any, name: str, extension: str | int | None, needs_sky: bool, has_own_unit: bool) -> Frame:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        hdu = _chosen(hdus, name, extension, needs_sky)
        wcs = _celestial(hdu.header, hdus, name) if needs_sky else None
        if needs_sky and wcs is None:
            raise FitsError("bad_fits", NO_SKY.format(name=name))
        return _described(hdu, wcs, name, has_own_unit)


def _chosen(hdus: Any, name: str, extension: str | int | None, needs_sky: bool) -> Any:
    """Return the image to read: two axes (besides any of length one), the best by `_order`."""
    try:
        candidates = [hdus[extension]] if extension is not None else list(hdus)
    except Exception as error:  # noqa: BLE001 - astropy parses extensions here, which may be hostile
        if extension is not None and isinstance(error, KeyError | IndexError):
            raise FitsError("bad_fits", f"{name} has no extension {extension!r}.") from None
        raise _unreadable(f"{name} has a damaged extension", error) from None
    images = [hdu for hdu in candidates if getattr(hdu, "is_image", False) and len(getattr(hdu, "shape", ())) > 1]
    flat = [hdu for hdu in images if all(size == 1 for size in hdu.shape[:-2])]
    used = [hdu for hdu in flat if extension is not None or not _is_auxiliary(hdu.header)]
    if needs_sky:
        used = [hdu for hdu in used if _says_sky(hdu.header)]
    if used:
        return max(used, key=_order)
    if images and not flat:
        shape = images[0].shape
        raise FitsError("bad_fits", f"{name}: an image with {len(shape)} axes {shape}; two are needed.")
    if needs_sky and images:
        raise FitsError("bad_fits", NO_SKY.format(name=name))
    if images:
        raise FitsError("bad_fits", f"{name} holds only masks, weights or previews, no image of the sky.")
    raise FitsError("bad_fits", f"{name} holds no image.")


def _order(hdu: Any) -> tuple[bool, bool, int, bool]:
    """Return a sort key, higher for better images: sky coordinates, named SCI, larger, floats; then the first."""
    is_science = str(hdu.header.get("EXTNAME", "")).strip().upper().startswith("SCI")
    return _says_sky(hdu.header), is_science, int(hdu.shape[-2] * hdu.shape[-1]), int(hdu.header.get("BITPIX", 8)) < 0


def _says_sky(header: Any) -> bool:
    """Whether the header names a longitude and a latitude on the sky; nothing is computed."""
    axes = {str(header.get(f"CTYPE{axis}", ""))[:4].rstrip("-").upper() for axis in range(1, 7)}
    return {"RA", "DEC"} <= axes or any(axis.endswith(("LON", "LN")) for axis in axes)


def _is_auxiliary(header: Any) -> bool:
    """Whether an image is a mask, a weight, an error or a preview, by its header."""
    words = " ".join(str(header.get(key, "")) for key in ("EXTNAME", "HDUNAME", "EXTTYPE", "IMTYPE", "PRODTYPE"))
    return not _AUXILIARY.isdisjoint(re.split(r"[^a-z]+", words.lower()))


class _LeadingAxesDropped:
    """A two-dimensional view of an image with further axes of length one."""

    def __init__(self, hdu: Any) -> None:
        self._hdu = hdu
        self.section = self

    def __getitem__(self, key: tuple[slice, slice]) -> Any:
        return self._hdu.section[(*(0 for _ in self._hdu.shape[:-2]), *key)]


def _celestial(header: Any, hdus: Any, name: str) -> WCS | None:
    from astropy.wcs import WCS

    try:
        wcs = WCS(header, hdus).celestial
    except Exception as error:  # noqa: BLE001 - wcslib and astropy raise many kinds on damaged headers
        raise FitsError("bad_fits", f"{name}: the sky coordinates can't be read ({type(error).__name__}).") from None
    return wcs if wcs.naxis == 2 and wcs.has_celestial else None


def _described(hdu: Any, wcs: WCS | None, name: str, has_own_unit: bool) -> Frame:
    header = {key: hdu.header.get(key) for key in ("BUNIT", "EXPTIME", "FILTER", "RUN", "CAMCOL", "FRAME")}
    scale_arcsec = 1.0 if wcs is None else _pixel_scale(wcs, name)
    factor = None if has_own_unit else nmgy_per_unit(hdu.header, scale_arcsec, name)
    softening, offset = hdu.header.get("BSOFTEN"), hdu.header.get("BOFFSET", 0.0)
    asinh = None
    if isinstance(softening, int | float) and isinstance(offset, int | float) and math.isfinite(softening + offset):
        asinh = (float(offset), float(softening))
    shape = int(hdu.shape[-2]), int(hdu.shape[-1])
    pixels = hdu if len(hdu.shape) == 2 else _LeadingAxesDropped(hdu)
    return Frame(name, shape, wcs, header, factor, scale_arcsec, pixels, asinh)


def _pixel_scale(wcs: WCS, name: str) -> float:
    from astropy.wcs.utils import proj_plane_pixel_scales

    try:
        scales = proj_plane_pixel_scales(wcs) * 3600.0
        scale_arcsec = float(np.sqrt(scales[0] * scales[1]))
    except Exception:  # noqa: BLE001 - a singular matrix or an unknown projection
        scale_arcsec = math.nan
    if not (math.isfinite(scale_arcsec) and 1e-4 < scale_arcsec < 3600):
        raise FitsError("bad_fits", f"{name}: the pixel scale can't be right ({scale_arcsec:.3g} arcsec).")
    return scale_arcsec
