"""The real services, one small galaxy. Only with GIZ_LIVE=1: they need a network, and other people's time."""

import os

import numpy as np
import pytest

from giz.imaging.grid import galaxy_grid
from giz.surveys.assemble import fetch_frame_set
from giz.surveys.observatory import DEFAULT_URLS, Observatory

from .sky import shape_of

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(os.environ.get("GIZ_LIVE") != "1", reason="asks real surveys; run with GIZ_LIVE=1"),
]

# Any inclined spiral that stands alone on its field serves.
PGC = 48332


@pytest.fixture
def observatory(tmp_path):
    return Observatory(tmp_path, DEFAULT_URLS)


@pytest.fixture
def facts(observatory):
    return observatory.catalogue.galaxies([PGC])[PGC]


def test_hyperleda_knows_the_galaxy(facts):
    assert 0 <= facts.ra_deg < 360
    assert 20 < facts.d25_arcsec < 1000
    assert 0 < facts.axial_ratio <= 1


def test_sesame_resolves_a_messier_number(observatory):
    found = observatory.names.resolve("M 101")
    assert (found.ra_deg, found.dec_deg) == pytest.approx((210.802, 54.349), abs=0.01)


@pytest.mark.parametrize("survey", ["sdss", "panstarrs", "hips"])
def test_a_survey_gives_a_level_galaxy(survey, observatory, facts):
    grid = galaxy_grid(facts.ra_deg, facts.dec_deg, facts.d25_arcsec, facts.position_angle_deg)
    frames = fetch_frame_set(grid, observatory.surveys([survey]))
    flux = frames.bands["r"].flux
    assert np.isfinite(flux).mean() > 0.95
    cx, cy, angle = shape_of(np.nan_to_num(flux), grid.scale_arcsec, facts.d25_arcsec)
    assert np.hypot(cx, cy) * grid.scale_arcsec < 6.0
    assert angle == pytest.approx(0.0, abs=8.0)
