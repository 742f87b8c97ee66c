"""Lupton colour of g, r, i frames."""

import numpy as np
import pytest

from giz.imaging.colour import SDSS_SCALE_ARCSEC, lupton_rgb


def frames(size_px: int = 96, light: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> np.ndarray:
    """Noise of SDSS and, in the middle third, uniform light in g, r, i (nMgy per SDSS pixel)."""
    rng = np.random.default_rng(8)
    sky = rng.normal(0.0, 1.0, (3, size_px, size_px)) * np.array([0.02, 0.03, 0.05])[:, None, None]
    third = slice(size_px // 3, 2 * size_px // 3)
    sky[:, third, third] += np.array(light)[:, None, None]
    return sky.astype(np.float32)


def test_the_empty_sky_is_nearly_black() -> None:
    picture = lupton_rgb(frames(), SDSS_SCALE_ARCSEC)
    assert picture.dtype == np.uint8
    assert picture.shape == (96, 96, 3)
    assert 2 <= np.median(picture) <= 8


def test_red_is_i_and_blue_is_g() -> None:
    red = lupton_rgb(frames(light=(0.1, 0.3, 1.0)), SDSS_SCALE_ARCSEC)[48, 48]
    blue = lupton_rgb(frames(light=(1.0, 0.8, 0.7)), SDSS_SCALE_ARCSEC)[48, 48]
    assert red[0] > red[1] > red[2]
    assert blue[2] > blue[0]


def test_bright_light_keeps_its_hue_instead_of_turning_white() -> None:
    def hue(factor: float) -> np.ndarray:
        light = (0.5 * factor, 1.5 * factor, 3.0 * factor)
        colour = lupton_rgb(frames(light=light), SDSS_SCALE_ARCSEC, sky_rgb=(0, 0, 0))[48, 48].astype(float)
        return colour / colour.max()

    np.testing.assert_allclose(hue(1.0), hue(1000.0), atol=0.06)


def test_the_same_surface_brightness_looks_the_same_at_any_pixel_scale() -> None:
    light = (0.4, 0.8, 1.1)
    native = lupton_rgb(frames(light=light), SDSS_SCALE_ARCSEC)[48, 48].astype(int)
    coarse = lupton_rgb(frames(light=light) * 9.0, 3.0 * SDSS_SCALE_ARCSEC)[48, 48].astype(int)
    assert np.abs(native - coarse).max() <= 3


def test_a_sky_left_in_the_frames_is_taken_out() -> None:
    plain = lupton_rgb(frames(), SDSS_SCALE_ARCSEC).astype(int)
    lifted = lupton_rgb(frames() + np.float32(20.0), SDSS_SCALE_ARCSEC)
    assert np.abs(plain - lifted).max() <= 2


def test_pixels_without_data_in_any_band_are_black_and_spoil_no_neighbour() -> None:
    holed = frames(light=(0.4, 0.8, 1.1))
    whole = lupton_rgb(holed, SDSS_SCALE_ARCSEC)
    holed[1, :10] = np.nan
    picture = lupton_rgb(holed, SDSS_SCALE_ARCSEC)
    assert (picture[:10] == 0).all()
    assert np.abs(picture[30:].astype(int) - whole[30:]).max() <= 2


@pytest.mark.parametrize("shape", [(2, 32, 32), (32, 32, 3), (32, 32)])
def test_frames_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="order g, r, i"):
        lupton_rgb(np.zeros(shape, np.float32), 0.4)


@pytest.mark.parametrize("scale", [0.0, -1.0, float("nan"), float("inf")])
def test_a_pixel_scale_that_is_no_positive_number_is_refused(scale: float) -> None:
    with pytest.raises(ValueError, match="pixel_scale_arcsec must be a positive number"):
        lupton_rgb(frames(), scale)
