"""Survey frames out of FITS files somebody else made: structure checked first, pixels read in sections, units in words.

Astropy reads the pixels, but only after the file's skeleton (headers and the sizes that they state) has been walked
and measured against the file: a header that promises a terapixel costs nothing here.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from giz.imaging.fits_structure import FitsError, check_structure, unpacked
from giz.imaging.flux_units import nmgy_per_unit

if TYPE_CHECKING:
    from astropy.wcs import WCS

__all__ = ["FitsError", "Frame", "open_frame"]

FloatImage = npt.NDArray[np.float32]
ZeroPoint = Callable[[Mapping[str, Any]], float]
# Beyond this no detector counts and no calibrated frame goes: BZERO, BSCALE or the data lie.
MAX_ABS_VALUE = 1e30


@dataclass
class Frame:
    """One image of a FITS file, open for reading in sections.

    shape : (ny, nx), row 0 at the bottom, as FITS has it.
    nmgy_per_unit : factor that makes nanomaggies per pixel of the stored values; None where the file does not say.
    zero_point_mag : AB magnitude of one stored unit (22.5 - 2.5 lg nmgy_per_unit), or None.
    """

    name: str
    shape: tuple[int, int]
    wcs: WCS
    header: dict[str, Any]
    nmgy_per_unit: float | None
    pixel_scale_arcsec: float
    _hdu: Any = field(repr=False)
    _asinh: tuple[float, float] | None = field(default=None, repr=False)

    @property
    def zero_point_mag(self) -> float | None:
        return None if self.nmgy_per_unit is None else 22.5 - 2.5 * math.log10(self.nmgy_per_unit)

    def section(self, rows: slice, columns: slice) -> FloatImage:
        """Pixels of a part of the frame as float32 in nanomaggies (or the stored unit); NaN where there is no data.

        Raises
        ------
        FitsError
            ``bad_fits`` if the pixels can't be read or their values can't be a flux.
        """
        try:
            with np.errstate(all="ignore"), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                values = np.asarray(self._hdu.section[rows, columns])
                # A copy always: what comes may be a read-only view of the file, in the file's byte order.
                values = values.astype(np.float64 if self._asinh else np.float32)
        except Exception as error:  # noqa: BLE001 - damaged data make astropy's readers raise anything
            raise FitsError("bad_fits", f"{self.name}: the pixels can't be read ({type(error).__name__}).") from None
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
    path: Path,
    *,
    extension: str | int | None = None,
    zero_point_mag: ZeroPoint | None = None,
    needs_sky: bool = True,
) -> Iterator[Frame]:
    """Open one image of a FITS file (plain, gzip, bzip2 or tile-compressed) for reading; close it at the end.

    Parameters
    ----------
    path : the file; what it is compressed with is seen from its content.
    extension : name or number of the extension; None takes the first one that is an image with sky coordinates.
    zero_point_mag : gives the AB magnitude of one stored unit from the header, where a survey has a rule of its own.
    needs_sky : False also takes an image without sky coordinates: as it is stored, a pixel counting as an arcsec.

    Raises
    ------
    FitsError
        ``bad_fits``: damaged, cut off, lying or no image with sky coordinates; ``fits_too_large``; ``bad_unit``.
    OSError
        Where there is no room to unpack it: as of `unpacked`.
    """
    from astropy.io import fits

    with unpacked(path) as plain:
        check_structure(plain, path.name)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                hdus = fits.open(plain, mode="readonly", memmap=False, lazy_load_hdus=True, ignore_missing_simple=False)
        except Exception as error:  # noqa: BLE001 - a damaged header makes astropy raise anything
            raise FitsError("bad_fits", f"{path.name} is no readable FITS file ({type(error).__name__}).") from None
        with hdus:
            yield _frame_of(hdus, path.name, extension, zero_point_mag, needs_sky)


def _frame_of(
    hdus: Any, name: str, extension: str | int | None, zero_point_mag: ZeroPoint | None, needs_sky: bool
) -> Frame:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            candidates = [hdus[extension]] if extension is not None else list(hdus)
    except (KeyError, IndexError):
        raise FitsError("bad_fits", f"{name} has no extension {extension!r}.") from None
    except Exception as error:  # noqa: BLE001 - astropy parses extensions here, hostile ones included
        raise FitsError("bad_fits", f"{name} has a damaged extension ({type(error).__name__}).") from None
    for hdu in candidates:
        shape = getattr(hdu, "shape", None)
        if not getattr(hdu, "is_image", False) or not shape or len(shape) < 2:
            continue
        if any(size != 1 for size in shape[:-2]):
            raise FitsError("bad_fits", f"{name}: an image with {len(shape)} axes {shape}; two are needed.")
        wcs = _celestial(hdu.header, hdus, name)
        size = int(shape[-2]), int(shape[-1])
        if wcs is not None:
            return _described(_flat(hdu), wcs, size, name, zero_point_mag)
        if not needs_sky:
            return Frame(name, size, _no_sky(), {"FILTER": hdu.header.get("FILTER")}, None, 1.0, _flat(hdu))
    raise FitsError(
        "bad_fits", f"{name} holds no image with sky coordinates (a WCS with right ascension, declination)."
    )


def _no_sky() -> WCS:
    from astropy.wcs import WCS

    return WCS(naxis=2)


def _flat(hdu: Any) -> Any:
    """An image with further axes of length one, seen through two axes."""
    return hdu if len(hdu.shape) == 2 else _LeadingAxesDropped(hdu)


class _LeadingAxesDropped:
    def __init__(self, hdu: Any) -> None:
        self._hdu = hdu
        self.header = hdu.header
        self.section = self

    def __getitem__(self, key: tuple[slice, slice]) -> Any:
        return self._hdu.section[(*(0 for _ in self._hdu.shape[:-2]), *key)]


def _celestial(header: Any, hdus: Any, name: str) -> WCS | None:
    from astropy.wcs import WCS

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            wcs = WCS(header, hdus).celestial
    except Exception as error:  # noqa: BLE001 - wcslib and its Python side raise many kinds on damaged headers
        raise FitsError("bad_fits", f"{name}: the sky coordinates can't be read ({type(error).__name__}).") from None
    return wcs if wcs.naxis == 2 and wcs.has_celestial else None


def _described(hdu: Any, wcs: WCS, shape: tuple[int, int], name: str, zero_point_mag: ZeroPoint | None) -> Frame:
    from astropy.wcs.utils import proj_plane_pixel_scales

    try:
        scales = proj_plane_pixel_scales(wcs) * 3600.0
        scale_arcsec = float(np.sqrt(scales[0] * scales[1]))
    except Exception:  # noqa: BLE001 - a singular matrix or an unknown projection
        scale_arcsec = math.nan
    if not (math.isfinite(scale_arcsec) and 1e-4 < scale_arcsec < 3600):
        raise FitsError("bad_fits", f"{name}: the pixel scale can't be right ({scale_arcsec:.3g} arcsec).")
    header = {key: hdu.header.get(key) for key in ("BUNIT", "EXPTIME", "FILTER", "RUN", "CAMCOL", "FRAME")}
    factor = nmgy_per_unit(hdu.header, scale_arcsec, name, zero_point_mag(hdu.header) if zero_point_mag else None)
    softening, offset = hdu.header.get("BSOFTEN"), hdu.header.get("BOFFSET", 0.0)
    asinh = None
    if isinstance(softening, int | float) and isinstance(offset, int | float) and math.isfinite(softening + offset):
        asinh = (float(offset), float(softening))
    return Frame(name, shape, wcs, header, factor, scale_arcsec, hdu, asinh)
