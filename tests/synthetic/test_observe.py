"""Seeing and noise."""

import numpy as np
import pytest

from giz.synthetic.observe import add_noise, blur, moffat_kernel, sky_sigma_nmgy


def test_the_psf_has_unit_sum_and_the_asked_width() -> None:
    kernel = moffat_kernel(6.0, 3.0, 128)
    assert kernel.sum() == pytest.approx(1.0, rel=1e-5)
    assert kernel[0, 3] == pytest.approx(kernel[0, 0] / 2.0, rel=1e-4)


def test_blurring_keeps_flux_and_widens_blue_light_most() -> None:
    frames = np.zeros((3, 96, 96), np.float32)
    frames[:, 48, 48] = 100.0
    blurred = blur(frames, 3.0)
    np.testing.assert_allclose(blurred.sum(axis=(1, 2)), 100.0, rtol=0.02)
    assert blurred[0, 48, 48] < blurred[1, 48, 48] < blurred[2, 48, 48]


def test_light_at_one_edge_does_not_come_back_at_the_other() -> None:
    frames = np.zeros((3, 64, 64), np.float32)
    frames[:, 0, 32] = 1000.0
    assert blur(frames, 2.0)[:, -1].max() < 0.5


@pytest.mark.parametrize("scale_arcsec", [0.2, 0.396, 1.2])
def test_the_noise_is_that_of_the_survey_at_any_pixel_scale(scale_arcsec: float) -> None:
    frames = np.zeros((3, 256, 256), np.float32)
    add_noise(frames, np.random.default_rng(1), scale_arcsec, 0.0)
    expected = sky_sigma_nmgy(scale_arcsec, 0.0) * min(0.396 / scale_arcsec, 1.0)
    np.testing.assert_allclose(frames.std(axis=(1, 2)), expected, rtol=0.13)
    assert np.abs(frames.mean(axis=(1, 2)) / expected).max() < 0.1


def test_interpolated_frames_have_correlated_noise() -> None:
    frames = np.zeros((3, 256, 256), np.float32)
    add_noise(frames, np.random.default_rng(1), 0.15, 0.0)
    neighbours = np.corrcoef(frames[1, :, :-1].ravel(), frames[1, :, 1:].ravel())[0, 1]
    assert neighbours > 0.5


def test_bright_light_is_noisier_than_the_sky() -> None:
    frames = np.zeros((3, 128, 128), np.float32)
    frames[:, :64] = 20.0
    add_noise(frames, np.random.default_rng(1), 0.396, 0.0)
    assert (frames[:, :64].std(axis=(1, 2)) > 1.5 * frames[:, 64:].std(axis=(1, 2))).all()


def test_a_deeper_image_has_less_noise() -> None:
    assert (sky_sigma_nmgy(0.5, 0.5) < sky_sigma_nmgy(0.5, 0.0)).all()
