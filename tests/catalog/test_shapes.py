"""Shapes measured on the pictures people see: kept once, again only for another picture; problems are said."""

import numpy as np
import pytest

from giz.catalog.jobs import shapes_measure_job
from giz.catalog.models import Galaxy, GalaxyShape
from giz.catalog.selectors import numbers_to_measure
from giz.catalog.services import image_store
from giz.core.errors import Refused
from giz.core.jobs import run_job
from giz.core.models import JobLogLine
from giz.imaging.greys import asinh_grey, light_of_grey
from giz.synthetic import display_images, make_galaxy
from standards.grid import inclination_from_axial_ratio

pytestmark = pytest.mark.django_db


def _galaxy(pgc, pixels, band="r"):
    galaxy, _ = Galaxy.objects.get_or_create(pgc=pgc)
    image_store(galaxy=galaxy, band=band, pixels=pixels, origin="test")
    return galaxy


def test_a_galaxy_is_measured_on_its_picture_once(tmp_path, settings):
    settings.MEDIA_ROOT = tmp_path
    _galaxy(7, display_images(make_galaxy("Sbc", 65.0, 3, size_px=256, clean=True))["r"])
    assert numbers_to_measure() == [7]
    assert run_job(shapes_measure_job([7])).result == {"measured": 1, "unchanged": 0, "failed": 0}
    shape = GalaxyShape.objects.get()
    assert inclination_from_axial_ratio(shape.axial_ratio) == pytest.approx(65.0, abs=7.0)
    assert shape.semi_major == pytest.approx(0.25, abs=0.04)
    assert abs(shape.x - 0.5) + abs(shape.y - 0.5) < 0.03
    assert numbers_to_measure() == []
    with pytest.raises(Refused, match="already been measured"):
        shapes_measure_job(numbers_to_measure())
    assert run_job(shapes_measure_job([7])).result["unchanged"] == 1


def test_another_picture_is_measured_again_and_a_problem_is_kept_and_said(tmp_path, settings):
    settings.MEDIA_ROOT = tmp_path
    _galaxy(7, display_images(make_galaxy("Sbc", 65.0, 3, size_px=128, clean=True))["r"])
    run_job(shapes_measure_job([7]))
    _galaxy(7, np.full((128, 128), 232, np.uint8))
    assert numbers_to_measure() == [7]
    job = shapes_measure_job([7, 8])
    assert run_job(job).result == {"measured": 0, "unchanged": 0, "failed": 2}
    shape = GalaxyShape.objects.get()
    assert shape.problem
    assert shape.axial_ratio is None
    assert numbers_to_measure() == []
    told = " ".join(JobLogLine.objects.filter(job=job).values_list("text", flat=True))
    assert "PGC 8: no grey picture here" in told


def test_a_picture_that_can_not_be_read_now_is_measured_by_the_next_run(tmp_path, settings):
    settings.MEDIA_ROOT = tmp_path / "here"
    _galaxy(7, display_images(make_galaxy("Sbc", 65.0, 3, size_px=128, clean=True))["r"])
    (tmp_path / "here").rename(tmp_path / "away")
    job = shapes_measure_job([7])
    assert run_job(job).result == {"measured": 0, "unchanged": 0, "failed": 1}
    assert "PGC 7: its picture can't be read now" in JobLogLine.objects.filter(job=job).values_list("text", flat=True)
    assert not GalaxyShape.objects.exists()
    (tmp_path / "away").rename(tmp_path / "here")
    assert numbers_to_measure() == [7]
    assert run_job(shapes_measure_job([7])).result["measured"] == 1


def test_the_stretch_of_a_grey_can_be_undone():
    light = np.linspace(0.0, 0.9, 64 * 64, dtype=np.float32).reshape(64, 64)
    frame = light * 50.0
    undone = light_of_grey(asinh_grey(frame, sky_level=0.0, sky_sigma=0.1))
    scale = float((undone[40] / light[40]).mean())
    np.testing.assert_allclose(undone[4:40], scale * light[4:40], atol=0.02)
