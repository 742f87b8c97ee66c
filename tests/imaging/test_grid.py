"""The square of sky: centre, size, turn and parity."""

import numpy as np
import pytest
from astropy.coordinates import SkyCoord

from giz.imaging.grid import MAX_SIDE_PX, galaxy_grid


def direction_deg(grid, dx, dy):
    """Position angle of a step on the grid, from north through east."""
    middle = (grid.side_px - 1) / 2
    here, there = (
        SkyCoord(*grid.wcs.wcs_pix2world([[middle + k * dx, middle + k * dy]], 0)[0], unit="deg") for k in (0, 5)
    )
    return here.position_angle(there).deg


@pytest.mark.parametrize("angle", [0.0, 37.0, 90.0, 135.0, 179.0])
def test_the_position_angle_points_left_and_the_sky_is_not_mirrored(angle):
    grid = galaxy_grid(150.0, 2.0, 60.0, angle)
    assert direction_deg(grid, -1, 0) == pytest.approx(angle, abs=0.01)
    # Seen from inside the sphere, position angles grow counter-clockwise: a quarter turn from left leads down.
    assert direction_deg(grid, 0, -1) == pytest.approx((angle + 90) % 360, abs=0.01)


def test_the_field_is_twice_d25_at_the_survey_scale():
    grid = galaxy_grid(10.0, -5.0, 95.0, 12.0)
    assert (grid.side_px, grid.scale_arcsec, grid.field_arcsec) == (475, 0.4, 190.0)
    centre = grid.wcs.wcs_pix2world([[237.0, 237.0]], 0)[0]
    np.testing.assert_allclose(centre, [10.0, -5.0], atol=1e-9)


def test_very_large_and_very_small_galaxies_keep_their_field():
    for d25 in (10_700.0, 4.0):
        grid = galaxy_grid(10.7, 41.3, d25, 35.0)
        assert grid.field_arcsec == pytest.approx(2 * d25)
        assert grid.side_px <= MAX_SIDE_PX


def test_a_galaxy_without_position_angle_stands_north_up():
    assert galaxy_grid(1.0, 1.0, 60.0, None).north_from_up_deg == 0.0


@pytest.mark.parametrize("values", [(360.0, 0.0, 60.0), (0.0, 91.0, 60.0), (0.0, 0.0, 0.0), (0.0, 0.0, float("nan"))])
def test_places_and_sizes_that_cannot_be_are_refused(values):
    with pytest.raises(ValueError, match=r"No position|D25 must"):
        galaxy_grid(*values, 0.0)
