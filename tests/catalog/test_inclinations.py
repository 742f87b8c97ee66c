"""Inclinations from elsewhere: read from any table, and compared with ours by reference and by inclination."""

from pathlib import Path

import numpy as np
import pytest
from astropy.table import Table

from giz.catalog.formats.inclinations import (
    Outside,
    compared,
    comparison_report,
    distance_modulus_error,
    read_inclinations,
)
from giz.core.errors import Refused

CSV = """pgc,inc,inc_e,reference,q0,definition
1,60,3,Lists,0.2,b/a of the 25 mag isophote
1,64,,Gas,,kinematic
2,70,2,Lists,0.2,b/a of the 25 mag isophote
"""


def test_a_table_names_its_references_with_q0_and_definition(tmp_path: Path) -> None:
    path = tmp_path / "truth.csv"
    path.write_text(CSV)
    found = read_inclinations(path)
    assert [(one.pgc, one.inclination_deg) for one in found] == [(1, 60.0), (1, 64.0), (2, 70.0)]
    assert {one.reference for one in found} == {"Lists, q0 = 0.2, b/a of the 25 mag isophote", "Gas, kinematic"}
    assert found[0].error_deg == 3.0
    assert np.isnan(found[1].error_deg)


@pytest.mark.parametrize("form", ["fits", "votable", "csv"])
def test_every_format_of_the_house_is_read(tmp_path: Path, form: str) -> None:
    path = tmp_path / f"kinematics.{form}"
    table = Table({"pgc": [4, 5], "inclination_deg": [55.5, 80.25]})
    table.write(path, format="ascii.csv" if form == "csv" else form)
    found = read_inclinations(path)
    assert [(one.pgc, one.inclination_deg, one.reference) for one in found] == [
        (4, 55.5, "kinematics"),
        (5, 80.25, "kinematics"),
    ]
    assert read_inclinations(path, name="Atlas, tilted rings")[0].reference == "Atlas, tilted rings"


@pytest.mark.parametrize("wrong", ["pgc,x\n1,2\n", "pgc,inc\n1,91\n", "pgc,inc\nx,60\n", "pgc,inc\n1,60\n1,61\n"])
def test_a_table_that_is_wrong_is_refused(tmp_path: Path, wrong: str) -> None:
    path = tmp_path / "truth.csv"
    path.write_text(wrong)
    with pytest.raises(Refused) as refused:
        read_inclinations(path)
    assert refused.value.code == "bad_table"


def test_bias_scatter_intervals_and_the_common_mode_error() -> None:
    rng = np.random.default_rng(5)
    theirs = rng.uniform(45.0, 89.0, 4000)
    outside = [Outside(number, deg, 1.0, "low" if number % 2 else "high") for number, deg in enumerate(theirs.tolist())]
    scale = np.where(np.arange(4000) % 2 == 1, 3.0, -1.0)
    ours = theirs + scale + rng.normal(0.0, 2.0, 4000)
    ours[7] = np.nan
    widths = np.tile([2.0, 4.0], (4000, 1))
    found = compared(outside, np.arange(4000), ours, widths)
    assert found["all"]["count"] == 3999
    low, high = (next(one for one in found["by_reference"] if one["name"] == name) for name in ("low", "high"))
    assert (low["bias_deg"], high["bias_deg"]) == (pytest.approx(3.0, abs=0.2), pytest.approx(-1.0, abs=0.2))
    assert low["scatter_deg"] == pytest.approx(2.0, abs=0.2)
    assert high["held_68"] > low["held_68"]
    # An interval of ours is widened by the error of theirs: 2° and 1° for differences of 2° about a bias of 1°.
    assert high["held_68"] == pytest.approx(0.68, abs=0.04)
    assert found["sigma_common_deg"] == pytest.approx(np.sqrt((3.0**2 + 1.0**2) / 2), abs=0.1)
    assert sum(one["count"] for one in found["by_inclination"]) == 3999
    text = comparison_report(found, "The network").as_text()
    assert "Common-mode error: 2.2" in text


def test_too_few_galaxies_state_no_common_mode_error() -> None:
    few = compared([Outside(1, 60.0, reference="x")], np.array([1]), np.array([61.0]), None)
    assert few["sigma_common_deg"] is None
    assert few["all"]["held_68"] is None
    none = compared([Outside(1, 60.0)], np.array([2]), np.array([61.0]), None)
    assert none["all"] is None
    assert "No galaxy" in comparison_report(none, "The network").as_text()


def test_an_error_of_the_inclination_costs_magnitudes() -> None:
    # The derivative of 9 log10(sin i), by differences.
    for deg in (45.0, 60.0, 80.0):
        by_difference = 9.0 * np.log10(np.sin(np.radians(deg + 0.05)) / np.sin(np.radians(deg - 0.05))) / 0.1
        assert distance_modulus_error(deg, 1.0) == pytest.approx(by_difference, rel=1e-3)
    assert distance_modulus_error(90.0, 5.0) == pytest.approx(0.0, abs=1e-9)
