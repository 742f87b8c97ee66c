"""Which galaxies need another vote most, and how often one of known answer is mixed in."""

import pytest

from labeling.aggregation.need import BEGUN, FRESH, NEAR, UNSURE, need_of, probe_rate
from labeling.aggregation.retirement import Progress, adaptive, first_quota, fixed


@pytest.mark.parametrize(
    ("rule", "count", "is_split", "sigma_deg", "need"),
    [
        ("fixed", 0, False, None, FRESH),
        ("fixed", 1, False, 5.0, BEGUN),
        ("fixed", 2, False, 5.0, NEAR),
        ("fixed", 3, True, 5.0, UNSURE),
        ("adaptive", 0, False, None, FRESH),
        ("adaptive", 1, False, None, NEAR),
        ("adaptive", 1, False, 2.5, BEGUN),
        ("adaptive", 2, False, None, NEAR),
        ("adaptive", 2, True, 2.1, UNSURE),
        ("adaptive", 2, False, 3.6, NEAR),
        ("adaptive", 2, False, 4.5, UNSURE),
        ("adaptive", 3, False, 2.2, NEAR),
        ("adaptive", 5, True, 6.0, NEAR),
    ],
)
def test_galaxies_near_retirement_come_first_and_unsure_ones_next(
    rule: str, count: int, is_split: bool, sigma_deg: float | None, need: int
) -> None:
    assert need_of(rule, Progress(count, 3, is_split, sigma_deg)) == need
    assert NEAR < UNSURE < BEGUN < FRESH


def test_the_rate_of_known_galaxies_falls_with_experience_and_gives_twenty_soon() -> None:
    rates = [probe_rate(votes) for votes in range(0, 1000, 10)]
    assert rates == sorted(rates, reverse=True)
    assert (rates[0], rates[-1]) == (0.25, 0.02)
    assert 15 < sum(probe_rate(votes) for votes in range(200)) < 20


def test_people_asked_for_by_staff_keep_a_galaxy_open_whatever_the_rule() -> None:
    assert adaptive(Progress(2, 3, False, 1.0, asked=4)) == "open"
    assert adaptive(Progress(4, 3, False, 1.0, asked=4)) == "retired"
    assert fixed(Progress(3, 3, False, 1.0, asked=4)) == "open"
    assert fixed(Progress(4, 3, False, 1.0, asked=4)) == "retired"


def test_at_the_cap_a_supervisor_ends_it() -> None:
    assert adaptive(Progress(6, 3, False, 5.0)) == "expert"
    assert adaptive(Progress(7, 3, False, 5.0, is_decided=True)) == "retired"
    assert adaptive(Progress(3, 3, False, 5.0, is_decided=True)) == "open"


def test_the_adaptive_rule_asks_two_people_first() -> None:
    assert (first_quota("adaptive", 5), first_quota("fixed", 5)) == (2, 5)
