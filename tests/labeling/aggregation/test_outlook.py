"""How many votes are still to come: by the rule, by the error so far, and by where the network sees the galaxy."""

from typing import Any

import pytest

from labeling.aggregation.doubt import NetworkEstimate
from labeling.aggregation.outlook import votes_to_go
from labeling.aggregation.retirement import Progress
from labeling.aggregation.robust_model import prior_crowd


def to_go(rule: str, count: int, *, sigma_deg: float | None = None, people_deg: float | None = None,
          said: NetworkEstimate | None = None, **changes: Any) -> float:  # fmt: skip
    values = {"volunteer_count": count, "overlap": 3, "is_split": False, "sigma_deg": sigma_deg, **changes}
    return votes_to_go(rule, Progress(**values), inclination_deg=people_deg, prediction=said, crowd=prior_crowd())


def test_a_fixed_number_is_what_is_left_of_it_and_one_more_where_people_are_split() -> None:
    assert [to_go("fixed", count) for count in range(4)] == [3, 2, 1, 0]
    assert to_go("fixed", 3, is_split=True) == 1
    assert to_go("fixed", 3, asked=5) == 2


def test_a_fresh_galaxy_needs_three_votes_for_an_inclination_however_sharply_people_see_it() -> None:
    edge_on = NetworkEstimate(inclination_deg=88, sigma_deg=0.5, rejection=0)
    inclined = NetworkEstimate(inclination_deg=60, sigma_deg=1, rejection=0)
    assert to_go("adaptive", 0, said=edge_on) == to_go("adaptive", 0, said=inclined) == 3


def test_where_the_network_doubts_that_it_will_be_accepted_the_figure_lies_between() -> None:
    doubted = NetworkEstimate(inclination_deg=76, sigma_deg=8, rejection=0.5)
    assert 2 < to_go("adaptive", 0, said=doubted) < 3


def test_without_a_network_a_fresh_galaxy_is_expected_to_be_accepted() -> None:
    assert to_go("adaptive", 0) == pytest.approx(3)


def test_what_will_be_rejected_takes_two() -> None:
    assert to_go("adaptive", 0, said=NetworkEstimate(inclination_deg=60, sigma_deg=0.5, rejection=1)) == 2


@pytest.mark.parametrize(("sigma_deg", "votes"), [(2.0, 1), (4.0, 1), (4.2, 2), (9.0, 3)])
def test_precisions_add_up_to_the_error_that_ends_it(sigma_deg: float, votes: int) -> None:
    assert to_go("adaptive", 2, sigma_deg=sigma_deg, people_deg=65) == votes


def test_an_open_galaxy_needs_one_at_least_and_no_more_than_the_cap_allows() -> None:
    assert to_go("adaptive", 1, sigma_deg=2.0, people_deg=88) == 2
    assert to_go("adaptive", 3, sigma_deg=3.6, people_deg=88) == 1
    assert to_go("adaptive", 5, sigma_deg=9.0, people_deg=65) == 1
    assert to_go("adaptive", 2, sigma_deg=2.0, people_deg=65, is_split=True) == 1


def test_what_staff_asked_for_is_counted() -> None:
    assert to_go("adaptive", 2, sigma_deg=2.5, people_deg=65, asked=8) == 6


def test_one_has_rejected_so_a_second_is_asked() -> None:
    assert to_go("adaptive", 1) == 1


def test_the_network_has_no_say_once_people_have_voted() -> None:
    """Whatever it claims: only how far votes are from sure counts."""
    claims = [
        None,
        NetworkEstimate(inclination_deg=88, sigma_deg=0.1, rejection=0),
        NetworkEstimate(inclination_deg=50, sigma_deg=20, rejection=0.9),
    ]
    assert len({to_go("adaptive", 1, sigma_deg=5.0, people_deg=65, said=said) for said in claims}) == 1
