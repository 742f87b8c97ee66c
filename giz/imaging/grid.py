"""The square of sky in a picture: centred on the galaxy, major axis horizontal, 2 x D25 wide."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from astropy.wcs import WCS

FIELD_D25 = 2.0
# Only the Magellanic Clouds, which are not targets, are larger.
MAX_D25_ARCSEC = 36_000.0
SURVEY_SCALE_ARCSEC = 0.4
MIN_SIDE_PX, MAX_SIDE_PX = 32, 2048


@dataclass(frozen=True)
class SkyGrid:
    """A gnomonic grid of side_px x side_px pixels about a position (degrees, ICRS), turned by a position angle.

    The direction of `position_angle_deg` (north through east) points left, so that at 90 degrees nothing is turned:
    north is up, east left. Row 0 is at the bottom, as in FITS; the parity is that of the sky.
    """

    ra_deg: float
    dec_deg: float
    side_px: int
    scale_arcsec: float
    position_angle_deg: float

    @property
    def field_arcsec(self) -> float:
        return self.side_px * self.scale_arcsec

    @property
    def north_from_up_deg(self) -> float:
        """Angle from up to north in the picture, counter-clockwise (towards the left)."""
        return 90.0 - self.position_angle_deg

    @cached_property
    def wcs(self) -> WCS:
        """The grid's world coordinates, centred on the middle of the square."""
        from astropy.wcs import WCS

        wcs = WCS(naxis=2)
        wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
        wcs.wcs.cunit = ["deg", "deg"]
        wcs.wcs.radesys = "ICRS"
        wcs.wcs.crval = [self.ra_deg, self.dec_deg]
        wcs.wcs.crpix = [(self.side_px + 1) / 2.0] * 2
        wcs.wcs.cd = self.cd_matrix()
        wcs.wcs.set()
        return wcs

    def cd_matrix(self) -> npt.NDArray[np.float64]:
        """Return degrees east and north (rows) per pixel right and up (columns), (2, 2)."""
        scale_deg = self.scale_arcsec / 3600.0
        turn = math.radians(self.north_from_up_deg)
        cos_t, sin_t = math.cos(turn), math.sin(turn)
        # North lies `turn` counter-clockwise of up, east another 90 degrees counter-clockwise of north.
        return scale_deg * np.array([[-cos_t, -sin_t], [-sin_t, cos_t]])

    def corners_deg(self) -> npt.NDArray[np.float64]:
        """Return the positions of the corners, degrees (4, 2)."""
        low, high = -0.5, self.side_px - 0.5
        pixels = np.array([[low, low], [high, low], [high, high], [low, high]])
        return np.asarray(self.wcs.all_pix2world(pixels, 0))


def galaxy_grid(
    ra_deg: float,
    dec_deg: float,
    d25_arcsec: float,
    position_angle_deg: float | None,
    *,
    scale_arcsec: float = SURVEY_SCALE_ARCSEC,
    max_side_px: int = MAX_SIDE_PX,
) -> SkyGrid:
    """Return the grid of 2 x D25 around a galaxy, at the survey scale or, for very large ones, coarser.

    Parameters
    ----------
    d25_arcsec : diameter of the 25 mag/arcsec^2 isophote.
    position_angle_deg : of the major axis, north through east; None (as for round galaxies) for no turn.
    max_side_px : most pixels a side; larger fields get larger pixels.

    Raises
    ------
    ValueError
        For a position outside the sky, or a D25 that is not between 0 and ten degrees.
    """
    if not (0.0 <= ra_deg < 360.0 and -90.0 <= dec_deg <= 90.0):
        raise ValueError(f"No position on the sky: right ascension {ra_deg}, declination {dec_deg} degrees.")
    if not (math.isfinite(d25_arcsec) and 0.0 < d25_arcsec < MAX_D25_ARCSEC):
        raise ValueError(
            f"D25 must be above 0 and below {MAX_D25_ARCSEC:,.0f} arcsec (ten degrees); got {d25_arcsec:g}."
        )
    angle = 90.0 if position_angle_deg is None else float(position_angle_deg) % 180.0
    field_arcsec = FIELD_D25 * d25_arcsec
    side_px = max(MIN_SIDE_PX, round(field_arcsec / scale_arcsec))
    if side_px > max_side_px:
        side_px, scale_arcsec = max_side_px, field_arcsec / max_side_px
    elif side_px == MIN_SIDE_PX:
        scale_arcsec = field_arcsec / side_px
    return SkyGrid(float(ra_deg), float(dec_deg), side_px, scale_arcsec, angle)
