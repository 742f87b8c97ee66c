"""Shapes measured on pictures: exact on ellipses, as good as an axial ratio can be on galaxies."""

import csv
import re

import numpy as np
import pytest

from giz.imaging.decode import decode_picture
from giz.imaging.greys import light_of_grey
from giz.imaging.measure import ShapeError, isophote_level_nmgy, measure_shape
from giz.synthetic import GALAXY_TYPES, make_galaxy
from standards.grid import inclination_from_axial_ratio

SIDE = 256


def disk(axial_ratio, angle_deg, *, centre=(4.0, -3.0), noise=0.02, holes=False):
    """An exponential disk, its isophote of level 1 at a semi-major axis of 60 pixels."""
    y, x = np.indices((SIDE, SIDE)) - (SIDE - 1) / 2
    dx, dy = x - centre[0], y - centre[1]
    turn = np.radians(angle_deg)
    radius = np.hypot(dx * np.cos(turn) + dy * np.sin(turn), (dy * np.cos(turn) - dx * np.sin(turn)) / axial_ratio)
    frame = np.exp(3.0 * (1.0 - radius / 60.0)) + noise * np.random.default_rng(0).standard_normal((SIDE, SIDE))
    if holes:
        frame[100:110, 60:90] = np.nan
    return frame + 7.0


@pytest.mark.parametrize("axial_ratio", [0.15, 0.4, 0.8])
@pytest.mark.parametrize("angle_deg", [0.0, 35.0, -80.0])
@pytest.mark.parametrize("holes", [False, True])
def test_an_ellipse_is_found_within_its_errors(axial_ratio, angle_deg, holes):
    shape = measure_shape(disk(axial_ratio, angle_deg, holes=holes), level=1.0, sky_level=7.0)
    assert shape.axial_ratio == pytest.approx(axial_ratio, abs=0.03)
    assert shape.semi_major_px == pytest.approx(60.0, rel=0.03)
    assert (shape.x_px - 127.5, shape.y_px - 127.5) == pytest.approx((4.0, -3.0), abs=1.0)
    assert np.degrees(np.pi) - abs(abs(shape.angle_deg - angle_deg) - 180) < 2 or abs(shape.angle_deg - angle_deg) < 2
    assert 0 < shape.axial_ratio_error < 0.06


def test_stars_and_neighbours_on_the_rim_are_cut_off():
    frame = disk(0.4, 0.0)
    y, x = np.indices(frame.shape)
    for place in ((70, 127), (190, 160), (128, 205)):
        frame += 60.0 * np.exp(-((y - place[0]) ** 2 + (x - place[1]) ** 2) / 18.0)
    shape = measure_shape(frame, level=1.0, sky_level=7.0)
    assert shape.axial_ratio == pytest.approx(0.4, abs=0.06)
    assert shape.angle_deg == pytest.approx(0.0, abs=4.0)


def test_without_a_level_the_isophote_of_half_the_field_is_taken():
    shape = measure_shape(disk(0.5, 20.0), sky_level=7.0)
    assert shape.semi_major_px == pytest.approx(SIDE / 4, rel=0.05)
    assert shape.axial_ratio == pytest.approx(0.5, abs=0.03)


def test_a_finer_picture_gives_the_same_shape():
    fine = measure_shape(np.repeat(np.repeat(disk(0.4, 20.0), 3, axis=0), 3, axis=1), level=1.0, sky_level=7.0)
    assert (fine.axial_ratio, fine.angle_deg) == pytest.approx((0.4, 20.0), rel=0.05)
    assert fine.semi_major_px == pytest.approx(180.0, rel=0.03)
    assert (fine.x_px, fine.y_px) == pytest.approx((127.5 * 3 + 13, 127.5 * 3 - 8), abs=3.0)


def test_a_galaxy_that_runs_out_of_its_frame_is_marked():
    assert measure_shape(disk(0.5, 0.0)[:, 70:186], level=1.0, sky_level=7.0).is_cut
    assert not measure_shape(disk(0.5, 0.0), level=1.0, sky_level=7.0).is_cut


def test_where_there_is_nothing_it_says_so():
    noise = np.random.default_rng(0).standard_normal((SIDE, SIDE))
    with pytest.raises(ShapeError, match="Nothing in the middle"):
        measure_shape(noise, level=8.0)
    with pytest.raises(ShapeError, match="fainter than the sky noise"):
        measure_shape(noise, level=0.01)
    with pytest.raises(ShapeError, match="two dimensions"):
        measure_shape(noise[:10])


def errors_deg(count):
    """Inclination from the axial ratio against the truth, of synthetic spirals from 45 to 90 degrees in g."""
    errors = []
    for number in range(count):
        tilt = 45.0 + 45.0 * (number + 0.5) / count
        galaxy = make_galaxy(GALAXY_TYPES[number % len(GALAXY_TYPES)], tilt, 1000 + number, size_px=256)
        shape = measure_shape(galaxy.frames[0], level=isophote_level_nmgy(galaxy.pixel_scale_arcsec))
        errors.append(inclination_from_axial_ratio(shape.axial_ratio) - tilt)
    return np.array(errors)


def test_inclinations_of_synthetic_galaxies_are_as_good_as_axial_ratios_can_be():
    errors = errors_deg(40)
    assert abs(np.median(errors)) < 3.0
    assert np.mean(np.abs(errors) < 5.0) > 0.7


@pytest.mark.real_data
@pytest.mark.slow
def test_inclinations_of_real_standards_agree_with_the_known_ones(real_data):
    with (real_data / "standards.csv").open() as file:
        known = {int(row["pgc"]): float(row["inc"]) for row in csv.DictReader(file)}
    errors = []
    for path in sorted((real_data / "galaxies").glob("pgc*_d25x2_rot_r.png")):
        pgc = int(re.match(r"pgc(\d+)", path.name)[1])
        if pgc in known:
            light = light_of_grey(decode_picture(path.read_bytes(), "grey"))
            errors.append(inclination_from_axial_ratio(measure_shape(light).axial_ratio) - known[pgc])
    assert len(errors) > 10
    assert abs(np.median(errors)) < 2.0
    assert np.mean(np.abs(errors) < 5.0) > 0.6
