"""Survey looks and turned corners: what is seen changes, the galaxy and its truth do not."""

import numpy as np
import pytest

from giz.imaging.greys import sky_level_and_sigma
from giz.synthetic import display_images, make_galaxy, make_reject
from giz.synthetic.looks import PANSTARRS, SDSS, Corners, beyond_corners, paint_corners
from giz.synthetic.observe import sky_sigma_nmgy


def test_the_same_galaxy_seen_by_another_survey_keeps_its_light_and_truth() -> None:
    one, two = (make_galaxy("Sbc", 62.0, 9, size_px=128, survey=name) for name in ("sdss", "panstarrs"))
    assert one.inclination_deg == two.inclination_deg == 62.0
    assert one.noise_free is not None
    assert two.noise_free is not None
    assert one.noise_free.sum() == pytest.approx(two.noise_free.sum(), rel=0.02)
    assert one.frames.sum() == pytest.approx(two.frames.sum(), rel=0.1)
    assert two.seeing_arcsec == pytest.approx(0.91 * one.seeing_arcsec)
    assert one.frames.tobytes() != two.frames.tobytes()


def test_noise_and_sky_colour_are_those_of_the_survey() -> None:
    for look in (SDSS, PANSTARRS):
        galaxy = make_galaxy("Sbc", 80.0, 3, size_px=128, clean=True, survey=look.name)
        scale = galaxy.pixel_scale_arcsec
        wanted = sky_sigma_nmgy(scale, galaxy.parameters["noise_offset_mag"], look) * look.native_scale_arcsec / scale
        measured = [sky_level_and_sigma(frame)[1] for frame in galaxy.frames]
        np.testing.assert_allclose(measured, wanted, rtol=0.15)
        sky = np.median(display_images(galaxy)["gri"][:30].reshape(-1, 3), axis=0)
        np.testing.assert_allclose(sky, look.sky_rgb, atol=3)


def test_rejects_have_looks_too_and_an_unknown_one_is_answered_with_those_there_are() -> None:
    assert make_reject("faint", 3, size_px=64, survey="panstarrs").look is PANSTARRS
    with pytest.raises(ValueError, match="Unknown survey 'hst'; choose one of sdss, panstarrs"):
        make_galaxy("Sbc", 50.0, 1, size_px=64, survey="hst")


@pytest.mark.parametrize("angle_deg", [15.0, 45.0, 75.0])
@pytest.mark.parametrize("reach", [0.75, 1.2])
def test_corners_are_cut_alike_and_spare_the_galaxy(angle_deg: float, reach: float) -> None:
    mask = beyond_corners(Corners(angle_deg, reach, 255, False), 128)
    assert mask.any()
    np.testing.assert_array_equal(mask, np.rot90(mask))
    y, x = np.indices(mask.shape) - 63.5
    assert not mask[np.hypot(x, y) < 0.74 * 64].any()


@pytest.mark.parametrize("is_colour_only", [True, False])
def test_corners_are_painted_white_or_black_in_the_pictures_that_have_them(is_colour_only: bool) -> None:
    pictures = {"r": np.full((64, 64), 100, np.uint8), "gri": np.full((64, 64, 3), 100, np.uint8)}
    corners = Corners(45.0, 1.0, 0, is_colour_only)
    paint_corners(pictures, corners)
    mask = beyond_corners(corners, 64)
    assert (pictures["gri"][mask] == 0).all()
    assert (pictures["gri"][~mask] == 100).all()
    assert (pictures["r"][mask] == (100 if is_colour_only else 0)).all()
