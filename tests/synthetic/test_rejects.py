"""Each reason to reject does what it says."""

import json

import numpy as np
import pytest

from giz.synthetic import REJECT_REASONS, SyntheticGalaxy, display_images, make_reject

SIZE_PX = 128
SEEDS = range(8)


def rejects(reason: str) -> list[SyntheticGalaxy]:
    return [make_reject(reason, seed, size_px=SIZE_PX) for seed in SEEDS]


def bad_image(defect: str) -> SyntheticGalaxy:
    for seed in range(60):
        galaxy = make_reject("bad_image", seed, size_px=SIZE_PX)
        if galaxy.parameters["defect"] == defect:
            return galaxy
    raise AssertionError(f"No seed below 60 gives {defect}")


@pytest.mark.parametrize("reason", REJECT_REASONS)
def test_a_reject_is_deterministic_named_and_can_be_shown(reason: str) -> None:
    one, two = (make_reject(reason, 6, size_px=SIZE_PX) for _ in range(2))
    assert one.frames.tobytes() == two.frames.tobytes()
    assert one.reject_reason == reason
    assert json.loads(json.dumps(one.parameters)) == one.parameters
    assert display_images(one)["gri"].shape == (SIZE_PX, SIZE_PX, 3)


def test_an_elliptical_has_no_inclination_and_smooth_round_light() -> None:
    for galaxy in rejects("elliptical"):
        assert galaxy.inclination_deg is None
        assert galaxy.galaxy_type == "E"
        assert galaxy.noise_free is not None
        light = galaxy.noise_free[1]
        np.testing.assert_allclose(light, light[::-1, ::-1], rtol=1e-3)


def test_a_face_on_galaxy_lies_below_the_labels_range_and_tells_its_truth() -> None:
    tilts = [galaxy.inclination_deg for galaxy in rejects("face_on")]
    assert all(tilt is not None and tilt < 45.0 for tilt in tilts)
    assert len(set(tilts)) == len(tilts)
    assert all(g.parameters["inclination_deg"] == g.inclination_deg for g in rejects("face_on"))


def test_a_merger_holds_the_light_of_a_second_galaxy_beside_the_first() -> None:
    for galaxy in rejects("merger"):
        assert galaxy.noise_free is not None
        light = galaxy.noise_free[1].astype(np.float64)
        rows, columns = np.indices(light.shape) - (SIZE_PX - 1) / 2
        offset = np.hypot((light * rows).sum(), (light * columns).sum()) / light.sum()
        assert offset > 0.05 * SIZE_PX / 4
        assert galaxy.parameters["companion"]["galaxy_type"]


def test_a_bright_star_outshines_the_galaxy_it_lies_on() -> None:
    for galaxy in rejects("bright_star"):
        assert galaxy.noise_free is not None
        x, y = (int(galaxy.parameters[axis] * SIZE_PX) for axis in ("star_x", "star_y"))
        assert galaxy.frames[1, y, x] > 5.0 * galaxy.noise_free[1, 32:96, 32:96].mean()
        assert abs(x - SIZE_PX / 2) < SIZE_PX / 8
        assert galaxy.parameters["star_r_mag"] <= 11.0
        assert galaxy.frames[1].sum() > 1.3 * galaxy.noise_free[1].sum()


def test_a_faint_galaxy_drowns_in_the_noise() -> None:
    for galaxy in rejects("faint"):
        assert galaxy.noise_free is not None
        assert galaxy.parameters["dimming"] <= 0.10
        noise = 1.48 * np.median(np.abs(galaxy.frames[1] - np.median(galaxy.frames[1])))
        assert np.percentile(galaxy.noise_free[1], 98) < 3.0 * noise


def test_bad_images_have_all_five_defects() -> None:
    seen = {make_reject("bad_image", seed, size_px=64).parameters["defect"] for seed in range(40)}
    assert seen == {"field_edge", "trails", "noise", "off_centre", "bad_seeing"}


def test_a_field_edge_leaves_pixels_without_data_that_show_white_and_black() -> None:
    galaxy = bad_image("field_edge")
    empty = np.isnan(galaxy.frames[1])
    assert 0.2 < empty.mean() < 0.8
    pictures = display_images(galaxy)
    assert (pictures["r"][empty] == 255).all()
    assert (pictures["gri"][empty] == 0).all()


def test_an_off_centre_galaxy_is_far_from_the_middle() -> None:
    galaxy = bad_image("off_centre")
    assert galaxy.noise_free is not None
    expected = galaxy.noise_free[1, 56:72, 56:72].sum()
    assert galaxy.frames[1, 56:72, 56:72].sum() < 0.5 * expected


def test_bad_seeing_is_told_and_several_times_the_usual() -> None:
    galaxy = bad_image("bad_seeing")
    assert galaxy.seeing_arcsec > 3.5


def test_ruinous_noise_hides_the_galaxy() -> None:
    galaxy = bad_image("noise")
    assert galaxy.noise_free is not None
    edge_noise = galaxy.frames[1, :20].std()
    assert np.percentile(galaxy.noise_free[1], 95) < edge_noise


def test_trails_cross_the_whole_field() -> None:
    galaxy = bad_image("trails")
    noise = 1.48 * np.median(np.abs(galaxy.frames[1] - np.median(galaxy.frames[1])))
    rim = np.concatenate([galaxy.frames[1, 0], galaxy.frames[1, -1], galaxy.frames[1, :, 0], galaxy.frames[1, :, -1]])
    assert (rim > 8.0 * noise).sum() >= 2
