"""The draw of a galaxy's parameters."""

import json
from dataclasses import asdict

import pytest

from giz.synthetic import GALAXY_TYPES
from giz.synthetic.parameters import draw_parameters
from giz.synthetic.types import TYPE_TABLE


@pytest.mark.parametrize("name", GALAXY_TYPES)
def test_draws_stay_within_the_table_of_the_type(name: str) -> None:
    table = TYPE_TABLE[name]
    for seed in range(60):
        p = draw_parameters(name, 60.0, seed)
        for field in ("bulge_to_total", "sersic_index", "thickness_h", "pitch_deg", "young_fraction", "tau_r", "r25_h"):
            low, high = getattr(table, field)
            assert low <= getattr(p, field) <= high, field
        assert table.arm_count[0] <= p.arm_count <= table.arm_count[1]
        assert p.lopsidedness <= 0.25
        assert p.ellipticity <= 0.20


def test_every_sbb_has_a_bar_and_about_one_sbc_in_seven() -> None:
    def share(name: str) -> float:
        return sum(draw_parameters(name, 60.0, seed).bar_length_h > 0 for seed in range(400)) / 400

    assert share("SBb") == 1.0
    assert share("Sbc") == pytest.approx(0.15, abs=0.06)


def test_tilting_a_galaxy_changes_nothing_else_about_it() -> None:
    lying, standing = (asdict(draw_parameters("Scd", tilt, 9)) for tilt in (10.0, 85.0))
    assert {key for key in lying if lying[key] != standing[key]} == {"inclination_deg"}


def test_a_tilted_galaxy_looks_larger() -> None:
    assert draw_parameters("Sbc", 88.0, 2).d25_arcsec > draw_parameters("Sbc", 0.0, 2).d25_arcsec


def test_parameters_survive_json() -> None:
    written = draw_parameters("Sab", 71.5, 3).as_json()
    assert json.loads(json.dumps(written)) == written
    assert written["d25_arcsec"] > 0
