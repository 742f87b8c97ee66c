"""The pure rules that turn votes into a published row, one by one."""

import math
import random
from typing import Any

import pytest

from labeling.aggregation.judgements import Judgement, Opinion, UnknownRule, opinions, verdict_of
from labeling.aggregation.median import measured_scatter, median_inclination
from labeling.aggregation.published import note_of, published_inclination, published_row
from labeling.aggregation.retirement import Progress, retirement_rule


def opinion(volunteer: int, inclination_deg: float | None, verdict: Any = None, rank: int = 0) -> Opinion:
    return Opinion(volunteer, verdict or ("J" if inclination_deg is None else "A"), inclination_deg, rank)


def vote(number: int, volunteer: int, verdict: Any, inclination_deg: float | None = None) -> Judgement:
    return Judgement(number, volunteer, verdict, inclination_deg)


@pytest.mark.parametrize(
    ("votes", "verdict", "inclination_deg"),
    [
        ([vote(1, 1, "A", 60.0)], "A", 60.0),
        ([vote(1, 1, "A", 60.0), vote(2, 1, "A", 70.0)], "A", 65.0),
        ([vote(1, 1, "A", 60.0), vote(2, 1, "A", 70.0), vote(3, 1, "J")], "A", 65.0),
        ([vote(1, 1, "A", 60.0), vote(2, 1, "J")], "J", None),
        ([vote(1, 1, "J"), vote(2, 1, "A", 60.0)], "A", 60.0),
        ([vote(1, 1, "F"), vote(2, 1, "J"), vote(3, 1, "F")], "F", None),
    ],
)
def test_a_person_counts_once(votes: list[Judgement], verdict: str, inclination_deg: float | None) -> None:
    (found,) = opinions(votes)
    assert (found.verdict, found.inclination_deg) == (verdict, inclination_deg)


def test_the_newest_voter_stands_last() -> None:
    found = opinions([vote(1, 1, "A", 60.0), vote(2, 2, "A", 61.0), vote(3, 1, "A", 62.0)])
    assert [entry.volunteer_id for entry in found] == [2, 1]


@pytest.mark.parametrize(
    ("given", "verdict", "is_split"),
    [
        ([], None, False),
        ([opinion(1, 60.0)], "A", False),
        ([opinion(1, 60.0), opinion(2, None)], None, True),
        ([opinion(1, 60.0), opinion(2, None), opinion(3, None, "F")], None, True),
        ([opinion(1, 60.0), opinion(2, None), opinion(3, 61.0)], "A", False),
        ([opinion(1, 60.0), opinion(2, 60.0), opinion(3, None, "F", rank=1)], "F", False),
        ([opinion(1, None, "F", rank=2), opinion(2, 60.0, rank=1), opinion(3, 61.0)], "F", False),
        ([opinion(1, None, "F", rank=1), opinion(2, 60.0, rank=1)], "A", False),
    ],
)
def test_the_majority_decides_and_the_latest_highest_supervisor_overrides(
    given: list[Opinion], verdict: str | None, is_split: bool
) -> None:
    found = verdict_of(given)
    assert (found.verdict, found.is_split) == (verdict, is_split)


def test_the_median_leaves_rejections_out() -> None:
    assert median_inclination([opinion(1, 60.0), opinion(2, None), opinion(3, 70.0)])[0] == 65.0
    assert median_inclination([opinion(1, None)]) == (None, None)


def test_the_scatter_is_the_measured_one_and_linear_between() -> None:
    assert [measured_scatter(value) for value in (45, 65, 77.5, 86.5, 89, 90)] == [5.0, 5.0, 3.9, 2.1, 1.2, 1.2]
    assert measured_scatter(71.25) == pytest.approx((5.0 + 3.9) / 2)


@pytest.mark.parametrize("count", [3, 5, 9])
def test_the_standard_error_is_that_of_simulated_medians(count: int) -> None:
    """With people who scatter as measured, the stated error is the real one within a few per cent."""
    rng = random.Random(count)
    spread = measured_scatter(60)
    found = [
        median_inclination([opinion(person, rng.gauss(60, spread)) for person in range(count)]) for _ in range(4000)
    ]
    real = math.sqrt(sum((value - 60) ** 2 for value, _sigma in found if value is not None) / len(found))
    stated = math.sqrt(sum(sigma**2 for _value, sigma in found if sigma is not None) / len(found))
    assert stated == pytest.approx(real, rel=0.06)


def test_three_votes_that_agree_by_chance_prove_no_small_error() -> None:
    _value, sigma_deg = median_inclination([opinion(person, 60.0) for person in range(3)])
    assert sigma_deg is not None
    assert sigma_deg > 2


@pytest.mark.parametrize(
    ("count", "overlap", "is_split", "status"),
    [
        (2, 2, False, "open"),
        (3, 2, False, "retired"),
        (3, 3, True, "open"),
        (4, 5, False, "open"),
        (5, 5, False, "retired"),
    ],
)
def test_the_fixed_rule(count: int, overlap: int, is_split: bool, status: str) -> None:
    version, rule = retirement_rule("fixed")
    assert version == "fixed-2"
    assert rule(Progress(count, overlap, is_split, None)) == status


def test_a_rule_that_is_not_there_is_answered_with_those_that_are() -> None:
    with pytest.raises(UnknownRule, match="fixed"):
        retirement_rule("fixd")


@pytest.mark.parametrize(
    ("verdict", "value", "count", "is_published"),
    [("A", 64.5, 3, True), ("A", 64.5, 2, False), ("J", 64.5, 3, False), (None, 64.5, 4, False), ("A", None, 3, False)],
)
def test_a_value_is_published_for_accepted_galaxies_of_three_people(
    verdict: str | None, value: float | None, count: int, is_published: bool
) -> None:
    found = published_inclination(verdict=verdict, inclination_deg=value, volunteer_count=count, campaign_seed=1, pgc=2)
    assert found in (64, 65) if is_published else found is None


def test_the_error_is_rounded_up_and_missing_beside_a_missing_value() -> None:
    common: dict[str, Any] = {"pgc": 2, "volunteer_count": 3, "note": ""}
    row = published_row(verdict="A", inclination_published_deg=64, sigma_deg=2.01, **common)
    assert (row.inc, row.inc_e, row.inc_flg) == (64, 3, 0)
    row = published_row(verdict="F", inclination_published_deg=None, sigma_deg=2.01, **common)
    assert (row.inc, row.inc_e, row.inc_flg) == (None, None, 1)


@pytest.mark.parametrize(
    "comment",
    ["ask me@x.org", "<me.too+tag@sub.example.co.uk>", "mail: ME@X.ORG!", "dotless.ı@exämple.org", "[a@b.cd]"],
)
def test_no_e_mail_address_gets_into_a_note(comment: str) -> None:
    assert "@" not in note_of({}, [comment], [])


def test_a_note_holds_reasons_in_order_and_each_remark_once() -> None:
    note = note_of({"HI": 1, "bad_TF": 2}, ["two arms", " two  arms\n", "", "étoile ☆"], ["bad_TF", "HI", "multiple"])
    assert note == "[bad_TF] [HI] two arms; étoile ☆"
