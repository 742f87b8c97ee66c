"""Physics of the noise-free galaxy."""

from dataclasses import replace

import numpy as np
import pytest

from giz.synthetic import GALAXY_TYPES
from giz.synthetic.galaxy import pixel_scale_arcsec, render_noise_free
from giz.synthetic.parameters import GalaxyParameters, draw_parameters

from .shape import inclination_deg, isophote

SIZE_PX = 128
INCLINATIONS_DEG = (0.0, 12.0, 30.0, 45.0, 60.0, 66.0, 72.0, 75.0, 82.0, 87.0, 89.9, 90.0)


def flux(p: GalaxyParameters, seed: int) -> np.ndarray:
    return render_noise_free(p, seed, SIZE_PX).sum(axis=(1, 2), dtype=np.float64)


def mean_flux(name: str, tilt: float, *, with_dust: bool) -> np.ndarray:
    total = np.zeros(3)
    for seed in range(3):
        p = draw_parameters(name, tilt, seed)
        total += flux(p if with_dust else replace(p, tau_r=0.0), seed)
    return total


@pytest.mark.parametrize("name", GALAXY_TYPES)
def test_light_is_finite_and_never_negative_at_any_inclination(name: str) -> None:
    for tilt in INCLINATIONS_DEG:
        frames = render_noise_free(draw_parameters(name, tilt, 11), 11, SIZE_PX)
        assert frames.shape == (3, SIZE_PX, SIZE_PX)
        assert np.isfinite(frames).all()
        assert frames.min() >= 0.0
        assert frames.max() > 0.0


@pytest.mark.parametrize("name", GALAXY_TYPES)
def test_without_dust_a_tilt_changes_no_flux(name: str) -> None:
    fluxes = np.array([mean_flux(name, tilt, with_dust=False)[1] for tilt in (0.0, 45.0, 70.0, 84.0, 90.0)])
    np.testing.assert_allclose(fluxes / fluxes[0], 1.0, atol=0.08)


def test_dust_dims_and_reddens_an_edge_on_sbc() -> None:
    face_on, edge_on = (mean_flux("Sbc", tilt, with_dust=True) for tilt in (0.0, 90.0))
    bare_face_on, bare_edge_on = (mean_flux("Sbc", tilt, with_dust=False) for tilt in (0.0, 90.0))
    extinction = -2.5 * np.log10((edge_on / bare_edge_on) / (face_on / bare_face_on))
    assert extinction[1] == pytest.approx(0.78, abs=0.25)
    assert extinction[0] > extinction[1] > extinction[2]
    reddening = -2.5 * np.log10((edge_on[0] / edge_on[1]) / (face_on[0] / face_on[1]))
    assert reddening == pytest.approx(0.10, abs=0.05)


def test_late_types_are_bluer_than_early_ones() -> None:
    colours = [-2.5 * np.log10(f[0] / f[1]) for f in (mean_flux(name, 50.0, with_dust=True) for name in GALAXY_TYPES)]
    assert colours[0] > colours[1] > colours[3] > colours[4]


def test_the_isophote_tells_the_inclination_as_well_as_the_design_says() -> None:
    rng = np.random.default_rng(21)
    errors, radii = [], []
    for seed in range(120):
        tilt = float(rng.uniform(45.0, 90.0))
        p = draw_parameters(GALAXY_TYPES[seed % len(GALAXY_TYPES)], tilt, seed)
        g_frame = render_noise_free(p, seed, SIZE_PX)[0]
        radius_px, ratio = isophote(g_frame, pixel_scale_arcsec(p, SIZE_PX))
        errors.append(inclination_deg(ratio) - tilt)
        radii.append(radius_px / (SIZE_PX / 4.0))
    assert abs(np.median(errors)) < 3.5
    assert np.std(errors) < 5.0
    assert np.mean(np.abs(errors) < 5.0) > 0.70
    assert np.median(radii) == pytest.approx(0.99, abs=0.04)
    low, high = np.percentile(radii, [5, 95])
    assert 0.80 < low < high < 1.18


def test_the_major_axis_is_level_but_for_the_catalogues_error() -> None:
    angles = []
    for seed in range(12):
        p = draw_parameters("Sbc", 78.0, seed)
        g_frame = render_noise_free(p, seed, SIZE_PX)[0]
        y, x = np.nonzero(g_frame > np.percentile(g_frame, 93))
        _, vectors = np.linalg.eigh(np.cov(x, y))
        angles.append(np.degrees(np.arctan(vectors[1, 1] / vectors[0, 1])))
    assert np.abs(np.mean(angles)) < 2.0
    assert np.max(np.abs(angles)) < 8.0


def test_the_position_angle_error_turns_the_galaxy_by_that_angle() -> None:
    level = replace(
        draw_parameters("Sab", 80.0, 6), position_angle_error_deg=0.0, warp_r25=0.0, lopsidedness=0.0, mirrored=False
    )
    turned = replace(level, position_angle_error_deg=10.0)

    def angle_deg(p: GalaxyParameters) -> float:
        light = render_noise_free(p, 6, SIZE_PX)[1].astype(np.float64)
        axis = np.arange(SIZE_PX) - (SIZE_PX - 1) / 2
        xy, xx, yy = ((light * m).sum() for m in (np.outer(axis, axis), axis[None, :] ** 2, axis[:, None] ** 2))
        return float(np.degrees(0.5 * np.arctan2(2 * xy, xx - yy)))

    assert abs(angle_deg(turned) - angle_deg(level)) == pytest.approx(10.0, abs=0.7)


def test_dust_dims_the_near_side_of_the_bulge() -> None:
    p = replace(
        draw_parameters("Sab", 75.0, 4),
        mirrored=False, warp_r25=0.0, position_angle_error_deg=0.0, lopsidedness=0.0, ellipticity=0.0, tau_r=1.2,
    )  # fmt: skip
    image = render_noise_free(p, 4, 256)[0]
    middle = image[:, 116:140].sum(axis=1)
    near, far = middle[118:127].sum(), middle[129:138].sum()
    assert near < 0.93 * far


@pytest.mark.parametrize("name", ["Sbc", "Scd"])
def test_another_size_shows_the_same_galaxy(name: str) -> None:
    p = draw_parameters(name, 50.0, 13)
    small = render_noise_free(p, 13, 128)
    large = render_noise_free(p, 13, 256).reshape(3, 128, 2, 128, 2).sum(axis=(2, 4))
    assert small.sum() == pytest.approx(large.sum(), rel=0.03)
    blocks = [frames.reshape(3, 32, 4, 32, 4).sum(axis=(2, 4)) for frames in (small, large)]
    assert np.abs(blocks[0] - blocks[1]).sum() / blocks[1].sum() < 0.06
