"""When people and network disagree: both errors count, and a network that is not at home raises no doubt."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from labeling.aggregation.doubt import NO_RECORD, NetworkEstimate, TrackRecord, doubt_of, track_record_of

AT_HOME = TrackRecord(compared=100, bias_deg=0.0, error_scale=1.0, verdicts=100, agreement=0.97)
NETWORK = NetworkEstimate(inclination_deg=80.0, sigma_deg=2.0, rejection=0.05)


def doubt(verdict: str = "A", people_deg: float | None = 80.0, sigma_deg: float | None = 2.0, **changes: Any) -> str:
    said = replace(NETWORK, **{name: changes.pop(name) for name in list(changes) if hasattr(NETWORK, name)})
    standing = replace(AT_HOME, **changes)
    return doubt_of(verdict=verdict, inclination_deg=people_deg, sigma_deg=sigma_deg, prediction=said, record=standing)


def test_who_agrees_raises_no_doubt() -> None:
    assert doubt() == ""


def test_more_than_three_errors_of_both_raise_a_doubt_that_says_by_how_much() -> None:
    assert doubt(people_deg=80 - 3.1 * 8**0.5) == ("People say 71.2° ± 2.0, the network 80.0° ± 2.0: 3.1 errors apart.")
    assert doubt(people_deg=80 - 2.9 * 8**0.5) == ""


@pytest.mark.parametrize("wider", [{"sigma_deg": 6.0}, {"spread_deg": 6.0}, {"error_scale": 3.0}])
def test_a_wide_error_of_either_takes_the_doubt_away(wider: dict[str, float]) -> None:
    assert doubt(people_deg=70.0)
    if "sigma_deg" in wider:
        assert doubt(people_deg=70.0, sigma_deg=6.0) == ""
    else:
        assert doubt(people_deg=70.0, **wider) == ""


def test_what_is_sharp_to_both_must_still_differ_by_five_degrees() -> None:
    sharp = NetworkEstimate(inclination_deg=85.0, sigma_deg=0.5, rejection=0.0)
    values = [
        doubt_of(verdict="A", inclination_deg=85 - d, sigma_deg=0.5, prediction=sharp, record=AT_HOME)
        for d in (4.9, 5.1)
    ]
    assert [bool(value) for value in values] == [False, True]


def test_a_bias_common_to_the_campaign_is_no_doubt_about_each_galaxy() -> None:
    assert doubt(people_deg=68.0)
    assert doubt(people_deg=68.0, bias_deg=-12.0) == ""
    assert "corrected for its bias here, +12.0°" in doubt(people_deg=80.0, bias_deg=-12.0)
    assert "corrected for its bias here, −12.0°" in doubt(people_deg=56.0, bias_deg=12.0)


def test_verdicts_raise_a_doubt_only_where_the_network_is_sure() -> None:
    assert doubt(rejection=0.99) == "People accept it; the network rejects it with a probability of 99.0%."
    assert doubt(rejection=0.9) == ""
    assert doubt(verdict="J", people_deg=None, sigma_deg=None, rejection=0.01) == (
        "People call it rejected; the network accepts it with a probability of 99.0%."
    )
    assert "face-on" in doubt(verdict="F", people_deg=None, sigma_deg=None, rejection=0.01)
    assert doubt(verdict="J", people_deg=None, sigma_deg=None, rejection=0.3) == ""


def test_a_network_that_rejects_what_people_accept_in_general_raises_no_doubt_by_verdict() -> None:
    assert doubt(rejection=0.99, agreement=0.8) == ""


def test_before_twenty_galaxies_can_be_compared_there_is_no_doubt() -> None:
    far = {"verdict": "A", "inclination_deg": 50.0, "sigma_deg": 1.0, "prediction": NETWORK}
    assert doubt_of(**far, record=NO_RECORD) == ""  # type: ignore[arg-type]
    assert doubt_of(**far, record=replace(AT_HOME, compared=19, verdicts=19)) == ""  # type: ignore[arg-type]


def standing(people_deg: Any, network_deg: Any, **changes: Any) -> TrackRecord:
    count = len(people_deg)
    values = {
        "people_deg": np.asarray(people_deg, dtype=float),
        "people_sigma_deg": np.full(count, 2.0),
        "network_deg": np.asarray(network_deg, dtype=float),
        "network_error_deg": np.full(count, 2.0),
        "people_accept": np.full(count, True),
        "rejection": np.full(count, 0.1),
    }
    return track_record_of(**{**values, **changes})


def test_bias_and_width_are_measured_without_the_few_that_are_plainly_wrong() -> None:
    rng = np.random.default_rng(3)
    truth = rng.uniform(50, 85, 2000)
    people, network = truth + rng.normal(0, 2, 2000), truth - 3 + rng.normal(0, 6, 2000)
    network[:40] = 90 - network[:40] / 2
    found = standing(people, network)
    assert found.compared == 2000
    assert abs(found.bias_deg - 3) < 0.5
    assert abs(found.error_scale - 40**0.5 / 8**0.5) < 0.15, "the network's real error is three times the stated one"


def test_errors_stated_too_wide_are_not_made_narrower() -> None:
    assert standing([60.0] * 30, [60.1] * 30).error_scale == 1.0


def test_rejected_galaxies_count_for_verdicts_alone() -> None:
    accept = np.array([True] * 3 + [False] * 2)
    found = standing(
        [60, 61, 62, np.nan, np.nan],
        [60, 61, 62, 50, 50],
        people_accept=accept,
        rejection=np.array([0.1, 0.2, 0.7, 0.9, 0.9]),
    )
    assert (found.compared, found.verdicts, found.agreement) == (3, 5, 0.8)


def test_nothing_compared_is_no_standing() -> None:
    assert standing([], []) == NO_RECORD
