"""Populations reach further than one table and one stretch, and keep to the scale of the real standards."""

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from giz.synthetic.breadth import as_json, broadened, draw_stretch, draw_structure, stretched, with_plain_middle
from giz.synthetic.galaxy import render_noise_free
from giz.synthetic.make import make_galaxy
from giz.synthetic.parameters import draw_parameters
from giz.synthetic.types import GALAXY_TYPES

Q0 = 0.2
OUTER_SHARE = 0.02  # of the peak: near the edge of what a deep picture shows


def tilt_by_axial_ratio(light: np.ndarray) -> float:
    """Degrees from the axial ratio of an outer isophote, as the real standards have it (SCIENCE.md, section 1)."""
    parts, _ = ndimage.label(light > OUTER_SHARE * np.percentile(light, 99.65))
    middle = light.shape[0] // 2
    y, x = np.nonzero(parts == parts[middle, middle])
    small, large = np.linalg.eigvalsh(np.cov(np.stack([x, y])))
    squared = (small / large - Q0**2) / (1 - Q0**2)
    return float(np.degrees(np.arccos(np.sqrt(np.clip(squared, 0, 1)))))


@pytest.mark.parametrize("galaxy_type", GALAXY_TYPES)
def test_the_axial_ratio_of_a_populations_disks_tells_their_tilt_on_the_scale_of_the_standards(
    galaxy_type: str,
) -> None:
    errors = []
    for seed in range(16):
        tilt_deg = 50.0 + 2.0 * seed
        p = broadened(draw_parameters(galaxy_type, tilt_deg, seed), draw_structure(galaxy_type, seed))
        plain = replace(p, ellipticity=0.0, lopsidedness=0.0, position_angle_error_deg=0.0, warp_r25=0.0)
        light = ndimage.gaussian_filter(render_noise_free(plain, seed, 128)[1], 1.0)
        errors.append(tilt_by_axial_ratio(light) - tilt_deg)
    assert abs(np.median(errors)) < 2.5


def test_disks_differ_in_thickness_and_some_are_smooth() -> None:
    drawn = [draw_structure("Sbc", seed) for seed in range(400)]
    thickness = [structure.thickness for structure in drawn]
    assert np.std(np.log(thickness)) == pytest.approx(0.12, abs=0.02)
    assert 0.18 < np.mean([structure.arms <= 0.5 for structure in drawn]) < 0.32


def test_some_middles_are_rounder_and_brighter_and_can_be_left_out() -> None:
    plain = draw_parameters("Sbc", 60.0, 1)
    drawn = [draw_structure("Sbc", seed) for seed in range(400)]
    rounder = [one for one in drawn if one.middle_light > 0]
    assert 0.38 < len(rounder) / len(drawn) < 0.52
    for one in rounder:
        made, without = broadened(plain, one), broadened(plain, with_plain_middle(one))
        assert made.bulge_to_total - without.bulge_to_total == pytest.approx(one.middle_light)
        assert without.bulge_axis_ratio < made.bulge_axis_ratio <= 0.95
        assert made.bulge_re_h >= without.bulge_re_h == plain.bulge_re_h


def test_the_same_seed_draws_the_same_and_json_holds_it() -> None:
    structure, stretch = draw_structure("Scd", 9), draw_stretch(9)
    assert (structure, stretch) == (draw_structure("Scd", 9), draw_stretch(9))
    drawn = as_json(structure, stretch)
    assert json.loads(json.dumps(drawn)) == drawn
    assert drawn["structure"]["thickness"] == structure.thickness


@pytest.mark.parametrize("seed", range(4))
def test_the_sky_has_the_grey_that_was_drawn_and_colour_the_glow(seed: int) -> None:
    galaxy = make_galaxy("Sbc", 70.0, seed, size_px=128, clean=True)
    stretch = replace(draw_stretch(seed), sky_glow=1.0)
    pictures = stretched(galaxy.frames, galaxy.pixel_scale_arcsec, (17, 23, 35), stretch)
    for band in "gri":
        assert np.median(pictures[band][:20]) == pytest.approx(stretch.sky_grey, abs=2.0)
    np.testing.assert_allclose(np.median(pictures["gri"][:20], axis=(0, 1)), (17, 23, 35), atol=3)
