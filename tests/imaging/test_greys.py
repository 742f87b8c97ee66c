"""The inverted asinh grey of one band."""

import numpy as np
import pytest

from giz.imaging.greys import asinh_grey, sky_level_and_sigma


def field(size_px: int = 128, sky: float = 0.0, sigma: float = 1.0, peak: float = 200.0) -> np.ndarray:
    rng = np.random.default_rng(4)
    axis = np.arange(size_px) - (size_px - 1) / 2
    galaxy = peak * np.exp(-np.hypot(axis[None, :], 2 * axis[:, None]) / (size_px / 12))
    return (sky + galaxy + rng.normal(0.0, sigma, (size_px, size_px))).astype(np.float32)


def test_the_sky_is_light_and_the_centre_dark() -> None:
    grey = asinh_grey(field())
    assert grey.dtype == np.uint8
    assert grey.shape == (128, 128)
    assert 223 <= np.median(grey[:20]) <= 240
    assert grey[60:68, 60:68].max() < 60


def test_a_grey_follows_the_formula_of_the_design_where_sky_and_range_are_known() -> None:
    frame = np.zeros((40, 40), np.float32)
    frame[10:30, 10:30] = 50.0
    frame[0, 0] = 25.0
    grey = asinh_grey(frame, sky_level=0.0, sky_sigma=0.0)
    x = 25.0 / 50.0 + 0.027
    assert grey[0, 0] == int(255 * (1 - np.arcsinh(10 * x) / np.arcsinh(10)) + 0.5)
    assert grey[20, 20] == 0


def test_adding_a_sky_level_or_changing_the_unit_changes_nothing() -> None:
    plain = asinh_grey(field())
    lifted = asinh_grey(field().astype(np.float64) + 1000.0)
    rescaled = asinh_grey(field().astype(np.float64) * 1e-12)
    assert np.abs(plain.astype(int) - lifted).max() <= 1
    assert np.abs(plain.astype(int) - rescaled).max() <= 1


def test_the_sky_is_measured_beside_the_galaxy() -> None:
    level, sigma = sky_level_and_sigma(field(256, sky=7.0, sigma=2.0, peak=500.0))
    assert level == pytest.approx(7.0, abs=0.2)
    assert sigma == pytest.approx(2.0, rel=0.05)


def test_pixels_without_data_are_white_and_change_no_other_pixel_much() -> None:
    frame = field()
    whole = asinh_grey(frame)
    frame[:30, :30] = np.nan
    frame[100, 100] = np.inf
    holed = asinh_grey(frame)
    assert (holed[:30, :30] == 255).all()
    assert holed[100, 100] == 255
    rest = np.isfinite(frame)
    assert np.abs(whole.astype(int) - holed)[rest].max() <= 6


@pytest.mark.parametrize("value", [0.0, 5.0, np.nan])
def test_a_constant_or_empty_frame_is_all_light(value: float) -> None:
    grey = asinh_grey(np.full((32, 32), value, np.float32))
    assert grey.min() >= 200


def test_pure_noise_stays_pale_instead_of_being_stretched_to_black() -> None:
    grey = asinh_grey(field(peak=0.0))
    assert np.percentile(grey, 1) > 100


@pytest.mark.parametrize("shape", [(3, 64, 64), (4, 64), (64,)])
def test_a_frame_of_another_shape_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="two-dimensional and at least 8 x 8"):
        asinh_grey(np.zeros(shape, np.float32))


def test_a_frame_with_data_only_in_its_middle_is_measured_there() -> None:
    frame = np.full((64, 64), np.nan, np.float32)
    frame[20:44] = field(64, sky=3.0)[20:44]
    level, sigma = sky_level_and_sigma(frame)
    assert 2.0 < level < 60.0
    assert sigma > 0.0
