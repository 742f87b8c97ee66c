"""The integration along the line of sight."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import quad

from giz.synthetic.galaxy import galaxy_scales
from giz.synthetic.parameters import draw_parameters
from giz.synthetic.projection import ray_grid, sech2_mean


def test_the_vertical_profile_is_averaged_exactly_over_a_step() -> None:
    for near, far in ((-3.0, 1.0), (0.2, 0.5), (4.0, 9.0)):
        exact = quad(lambda z: 1.0 / np.cosh(z / 1.7) ** 2 / 3.4, near, far)[0] / (far - near)
        assert sech2_mean(np.array([near]), np.array([far]), 1.7)[0] == pytest.approx(exact, rel=1e-6)


def test_a_step_of_no_height_takes_the_profile_at_its_middle() -> None:
    assert sech2_mean(np.array([0.8]), np.array([0.8]), 2.0)[0] == pytest.approx(1 / np.cosh(0.4) ** 2 / 4.0)


@pytest.mark.parametrize("tilt", [0.0, 40.0, 70.0, 80.0, 89.9, 90.0])
def test_a_ray_through_the_centre_meets_all_of_the_disk_once(tilt: float) -> None:
    p = replace(draw_parameters("Sbc", tilt, 3), tau_r=1.0)
    rays = ray_grid(p, np.array([0.0]), galaxy_scales(p, 256))
    assert (np.diff(rays.edges_px, axis=0) >= 0.0).all()
    if tilt < 80.0:
        crossed = rays.weights[:, :, 0].sum(axis=1) * np.cos(np.radians(tilt))
        np.testing.assert_allclose(crossed, [1.0, 1.0, 1.4], rtol=0.02)
    assert np.isfinite(rays.weights).all()
