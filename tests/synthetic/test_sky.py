"""Stars, background galaxies and spikes."""

import numpy as np
import pytest

from giz.synthetic.knots import deposit
from giz.synthetic.sky import Sources, add_background_galaxies, add_points, add_spikes, draw_stars
from giz.synthetic.streams import stream

SIGMA = np.array([0.05, 0.05, 0.05], np.float32)


def star(r_mag: float, x: float = 0.5, y: float = 0.5) -> Sources:
    flux = np.full((3, 1), 10 ** (0.4 * (22.5 - r_mag)), np.float32)
    return Sources(np.array([x]), np.array([y]), np.array([r_mag]), flux)


def test_a_deposited_point_keeps_its_flux_and_its_place() -> None:
    image = np.zeros((20, 30), np.float32)
    deposit(image, np.array([12.3]), np.array([7.8]), np.array([5.0]))
    assert image.sum() == pytest.approx(5.0)
    rows, columns = np.indices(image.shape)
    assert (image * columns).sum() / 5.0 == pytest.approx(12.3)
    assert (image * rows).sum() / 5.0 == pytest.approx(7.8)


def test_points_beyond_the_edge_are_lost_without_harm() -> None:
    image = np.zeros((10, 10), np.float32)
    deposit(image, np.array([-3.0, 9.5, 50.0]), np.array([4.0, 4.0, 4.0]), np.ones(3))
    assert image.sum() == pytest.approx(0.5)


def test_there_are_more_faint_stars_than_bright_ones_within_the_limits() -> None:
    stars = draw_stars(stream(3, "stars"), 30.0)
    assert stars.r_mag.min() >= 12.5
    assert stars.r_mag.max() <= 21.8
    assert (stars.r_mag > 19.0).sum() > 2 * (stars.r_mag < 17.0).sum()
    assert 0.5 < stars.r_mag.size / 30.0**2 < 8.0


def test_stars_keep_their_flux_on_the_frame() -> None:
    frames = np.zeros((3, 64, 64), np.float32)
    add_points(frames, star(17.5))
    np.testing.assert_allclose(frames.sum(axis=(1, 2)), 100.0, rtol=1e-4)


def test_background_galaxies_are_finite_positive_and_few_are_bright() -> None:
    frames = np.zeros((3, 200, 200), np.float32)
    add_background_galaxies(frames, stream(2, "background"), 1.2, 4.0)
    assert np.isfinite(frames).all()
    assert frames.min() >= 0.0
    assert frames.sum() > 0.0


def test_only_bright_stars_have_spikes_and_the_arms_lie_at_the_given_angle() -> None:
    faint = np.zeros((3, 128, 128), np.float32)
    add_spikes(faint, star(16.0), 0.0, 0.8, SIGMA)
    assert faint.max() == 0.0
    bright = np.zeros((3, 128, 128), np.float32)
    add_spikes(bright, star(11.0), 0.0, 0.8, SIGMA)
    level, diagonal = bright[1, 63:65, 84:88].mean(), bright[1, 78:80, 78:80].mean()
    assert level > 3.0 * diagonal
    turned = np.zeros((3, 128, 128), np.float32)
    add_spikes(turned, star(11.0), np.pi / 4, 0.8, SIGMA)
    assert turned[1, 78:80, 78:80].mean() > 3.0 * turned[1, 63:65, 84:88].mean()


def test_a_spiked_star_at_or_beyond_the_corner_does_no_harm() -> None:
    frames = np.zeros((3, 64, 64), np.float32)
    for x, y in ((0.0, 0.0), (0.999, 0.001)):
        add_spikes(frames, star(12.6, x, y), 0.4, 0.8, SIGMA)
    assert np.isfinite(frames).all()
    assert frames[:, 0, 0].min() > 0.0
