"""A view is a similarity transform with one resampling: the axis ratio stays, places move as CSS moves them."""

import numpy as np
import pytest
from PIL import Image

from giz.imaging.greys import light_of_grey
from giz.imaging.measure import measure_shape
from giz.inference.view import View, render
from tests.training.discs import COLOUR_SKY, GREY_SKY, disc, pictures


def grey(inclination_deg=65.0, angle_deg=0.0, size_px=512):
    return pictures(disc(inclination_deg, angle_deg, size_px))["r"]


def shape(pixels, zoom=1.0):
    """Smoothed in proportion to the galaxy, so that the measuring itself does not change the axis ratio."""
    return measure_shape(light_of_grey(pixels), level=0.1, smoothing_px=2.0 * zoom)


def test_the_plain_view_is_what_display_files_are_scaled_by():
    picture = grey()
    expected = Image.fromarray(picture).resize((128, 128), Image.Resampling.LANCZOS, reducing_gap=3.0)
    np.testing.assert_array_equal(render(picture, View(), 128), np.asarray(expected))


@pytest.mark.parametrize("size_px", [96, 237, 512, 1000])
@pytest.mark.parametrize(
    "view", [View(30.0), View(angle_deg=-75, zoom=1.4), View(zoom=0.7), View(200, 1.1, (0.05, -0.1))]
)
def test_the_axis_ratio_stays_within_a_percent(size_px, view):
    true = shape(render(grey(size_px=1024), View(), 256)).axial_ratio
    assert shape(render(grey(size_px=size_px), view, 256), view.zoom).axial_ratio == pytest.approx(true, rel=0.01)


def test_it_turns_clockwise_and_moves_right_and_down_after_that():
    seen = shape(render(grey(70), View(angle_deg=30, shift=(0.1, -0.05)), 256))
    assert seen.angle_deg == pytest.approx(30, abs=0.5)  # rows downwards: clockwise is positive
    assert (seen.x_px + 0.5) / 256 == pytest.approx(0.6, abs=0.01)
    assert (seen.y_px + 0.5) / 256 == pytest.approx(0.45, abs=0.01)
    assert View(angle_deg=30, shift=(0.1, -0.05)).place(0.5, 0.5) == pytest.approx((0.6, 0.45))
    right = View(angle_deg=90, zoom=2).place(0.6, 0.5)
    assert right == pytest.approx((0.5, 0.7))


def test_a_quarter_turn_of_the_view_is_a_quarter_turn_of_the_picture():
    picture = grey(70, 20, 256)
    turned = render(picture, View(angle_deg=90), 256).astype(int)
    np.testing.assert_allclose(turned, np.rot90(picture, -1).astype(int), atol=1)


def test_beyond_the_picture_lies_its_own_background():
    made = pictures(disc(60, 0, 256))
    assert render(made["r"], View(zoom=0.5), 64)[0, 0] == pytest.approx(GREY_SKY, abs=1)
    assert render(made["gri"], View(angle_deg=45), 64)[0, 0] == pytest.approx([COLOUR_SKY] * 3, abs=1)


def test_inverting_turns_greys_and_leaves_colour():
    made = pictures(disc(60, 0, 128))
    np.testing.assert_array_equal(render(made["r"], View(is_inverted=True), 128), 255 - made["r"])
    np.testing.assert_array_equal(render(made["gri"], View(is_inverted=True), 128), made["gri"])


def test_noise_is_averaged_not_picked_from():
    noise = np.random.default_rng(0).normal(128, 40, (512, 512)).clip(0, 255).astype(np.uint8)
    assert render(noise, View(angle_deg=10), 64)[8:-8, 8:-8].std() < 10
