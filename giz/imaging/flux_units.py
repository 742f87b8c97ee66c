"""Convert the unit of a frame to nanomaggies, by BUNIT and the zero points that surveys write."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from giz.imaging.errors import FitsError

# AB: 0 mag is 3631 Jy (Oke & Gunn 1983, ApJ 266, 713), so a nanomaggy (22.5 mag) is 3.631 microjansky.
JY_PER_NMGY = 3.631e-6
MJY_PER_NMGY = JY_PER_NMGY * 1e3
ARCSEC2_PER_SR = (180.0 * 3600.0 / math.pi) ** 2

_NMGY = {"nanomaggy", "nanomaggies", "nmgy", "nanomgy"}
_JANSKY = {"jy": 1.0, "mjy": 1e-3, "ujy": 1e-6, "µjy": 1e-6, "μjy": 1e-6, "microjy": 1e-6, "njy": 1e-9}
_COUNTS = {"", "adu", "adus", "count", "counts", "ct", "dn", "electron", "electrons", "e-", "e", "data numbers", "none"}
_ZERO_POINTS = ("MAGZP", "MAGZERO", "MAGZPT", "PHOTZP", "ZEROPT", "ZP", "ZPT", "MAG0")


def nmgy_per_unit(header: Mapping[str, Any], pixel_scale_arcsec: float, name: str) -> float | None:
    """Return the factor from the frame's unit to nanomaggies per pixel; None for counts without a zero point.

    Raises
    ------
    FitsError
        ``bad_unit`` for a unit other than flux: magnitudes, kelvin or velocities can't be added or resampled.
    """
    raw = str(header.get("BUNIT") or "").strip()
    unit = "".join(raw.lower().replace("beam", "BEAM").split())
    for suffix in ("/pixel", "/pix", "pixel-1", "pix-1", "/s", "s-1", ".s-1"):
        unit = unit.removesuffix(suffix)
    if unit in _NMGY:
        return 1.0
    if unit in ("mjy/sr", "mjysr-1", "mjy.sr-1"):
        # In FITS "MJy/sr" is mega; millijansky per steradian is not used.
        return 1e6 / JY_PER_NMGY * pixel_scale_arcsec**2 / ARCSEC2_PER_SR
    if unit in _JANSKY:
        mega = raw.startswith("MJy")
        return (1e6 if mega else _JANSKY[unit]) / JY_PER_NMGY
    if unit in _COUNTS:
        for key in _ZERO_POINTS:
            value = header.get(key)
            if isinstance(value, int | float) and not isinstance(value, bool) and value != 0:
                return nmgy_of_zero_point(float(value), name)
        return None
    raise FitsError(
        "bad_unit",
        f"{name} is in {raw[:40]!r}, which is not a flux per pixel. Possible are: nanomaggies, Jy, mJy, µJy, MJy/sr, "
        "or counts "
        "with a zero point (MAGZP).",
    )


def nmgy_of_zero_point(zero_point_mag: float, name: str) -> float:
    """Return the nanomaggies of one unit with this AB magnitude."""
    if not (math.isfinite(zero_point_mag) and 0.0 < zero_point_mag < 50.0):
        raise FitsError("bad_unit", f"{name}: a zero point of {zero_point_mag:.6g} mag can't be right.")
    return float(10.0 ** (0.4 * (22.5 - zero_point_mag)))
