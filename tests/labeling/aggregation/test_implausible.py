"""Who is suspected of not looking: robots of several kinds, and no honest person in whatever kind of campaign."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from labeling.aggregation.implausible import Finding, implausible
from labeling.aggregation.robust_model import measured_scatter_deg
from labeling.aggregation.vote_table import ACCEPTED, FACE_ON, REJECTED, VoteTable

pytestmark = pytest.mark.finding("review 4.2")

BINS_DEG = np.arange(45.0, 91.0)
PEOPLE, OVERLAP = 12, 3
SKIES = {
    "edge-on": lambda rng, n: rng.uniform(85, 90, n),
    "edge-on by the hundredth": lambda rng, n: rng.uniform(88.5, 90, n),
    "face-on": lambda rng, n: rng.uniform(20, 47, n),
    "all alike": lambda _rng, n: np.full(n, 62.0),
    "any": lambda rng, n: np.degrees(np.arccos(rng.uniform(0, 0.75, n))),
}


def crowd(
    seed: int,
    sky: str,
    *,
    galaxies: int = 200,
    is_bunched: bool = False,
    sees_badly: bool = False,
    robots: Mapping[int, Any] | None = None,
) -> VoteTable:
    """Votes of people with habits of their own; a robot gives one inclination, or None: a random one.

    In a bunched queue galaxies are sorted, and people come one after the other.
    """
    rng = np.random.default_rng(seed)
    inclinations = SKIES[sky](rng, galaxies)
    if is_bunched:
        inclinations = np.sort(inclinations)
    offset, slope = rng.normal(0, 0.75, PEOPLE), rng.normal(0, 0.05, PEOPLE)
    scale = np.exp(np.abs(rng.normal(0, 0.8, PEOPLE)) if sees_badly else rng.normal(0, 0.25, PEOPLE))
    galaxy, volunteer, seen = [], [], []
    for number, inclination in enumerate(inclinations):
        first = int(number / galaxies * (PEOPLE - OVERLAP)) if is_bunched else 0
        around = np.arange(first, min(first + OVERLAP + 2, PEOPLE)) if is_bunched else np.arange(PEOPLE)
        for person in rng.choice(around, OVERLAP, replace=False).tolist():
            scatter = scale[person] * float(measured_scatter_deg(np.array([inclination]))[0])
            value = inclination + offset[person] + slope[person] * (inclination - 70) + scatter * rng.standard_t(6)
            if robots and person in robots:
                value = rng.uniform(40, 91) if robots[person] is None else robots[person]
            elif rng.random() < 0.01:
                value = rng.uniform(45, 90)
            galaxy.append(number)
            volunteer.append(person)
            seen.append(value)
    values = np.array(seen)
    is_face_on = values < 45
    between = np.where(values >= 90, 90.0, np.floor(values) + 0.5)
    return VoteTable(
        np.array(galaxy),
        np.array(volunteer),
        np.where(is_face_on, FACE_ON, ACCEPTED).astype(np.int8),
        np.where(is_face_on, np.nan, between),
        galaxies,
        PEOPLE,
    )


def found_in(votes: VoteTable, **options: Any) -> dict[int, Finding]:
    is_fast = np.zeros(len(votes), dtype=bool)
    return {one.volunteer: one for one in implausible(votes, is_fast, bins_deg=BINS_DEG, **options)}


@pytest.mark.parametrize("is_bunched", [False, True])
@pytest.mark.parametrize("sky", SKIES)
def test_nobody_honest_is_suspected(sky: str, is_bunched: bool) -> None:
    for seed in range(12):
        assert found_in(crowd(seed, sky, is_bunched=is_bunched)) == {}, f"seed {seed}"


@pytest.mark.parametrize("sky", SKIES)
def test_nor_is_somebody_who_sees_badly(sky: str) -> None:
    for seed in range(12):
        assert found_in(crowd(seed, sky, sees_badly=True)) == {}, f"seed {seed}"


def test_fifty_eight_and_a_half_sixteen_times_is_found() -> None:
    """Out of nineteen votes, of which nobody else has judged a galaxy yet."""
    count = 19
    values = np.where(np.arange(count) < 16, 58.5, 71.5)
    verdict = np.full(count, ACCEPTED, dtype=np.int8)
    alone = VoteTable(np.arange(count), np.zeros(count, dtype=np.int64), verdict, values, count, 1)
    (finding,) = found_in(alone).values()
    assert finding.reasons == ("same_answer",)
    assert (finding.answer_deg, finding.answer_count, finding.answers) == (58.5, 16, 19)


@pytest.mark.parametrize("robot_deg", [47.5, 62.5, 81.5])
def test_one_answer_for_all_is_found(robot_deg: float) -> None:
    for seed in range(6):
        assert list(found_in(crowd(seed, "any", robots={4: robot_deg}))) == [4]


def test_random_clicks_are_found_and_their_honest_neighbours_left_alone() -> None:
    for seed in range(6):
        found = found_in(crowd(seed, "any", galaxies=500, robots={4: None}))
        assert list(found) == [4]
        assert found[4].reasons == ("not_looking",)


def test_a_standard_set_with_few_bins_makes_nobody_suspect() -> None:
    """With a standard every ten degrees many answers are the same."""
    bins = np.arange(45.0, 91.0, 10.0)
    for seed in range(6):
        votes = crowd(seed, "all alike")
        place = np.searchsorted(bins, votes.inclination_deg, side="right")
        coarse = np.where(place < bins.size, (bins[np.minimum(place, 4) - 1] + bins[np.minimum(place, 4)]) / 2, 90.0)
        table = VoteTable(votes.galaxy, votes.volunteer, votes.verdict, coarse, votes.galaxy_count, PEOPLE)
        assert implausible(table, np.zeros(len(table), dtype=bool), bins_deg=bins) == []


def test_exempt_people_and_votes_that_are_no_evidence_count_as_neighbours_only() -> None:
    votes = crowd(1, "any", robots={4: 62.5})
    assert found_in(votes, is_exempt=np.arange(PEOPLE) == 4) == {}
    early = np.flatnonzero(votes.volunteer == 4)[:-5]
    is_evidence = np.ones(len(votes), dtype=bool)
    is_evidence[early] = False
    assert found_in(votes, is_evidence=is_evidence) == {}


def test_rejections_are_no_answers() -> None:
    votes = crowd(1, "any")
    mine = votes.volunteer == 3
    verdict = np.where(mine & (np.cumsum(mine) <= 40), REJECTED, votes.verdict).astype(np.int8)
    value = np.where(verdict == ACCEPTED, votes.inclination_deg, np.nan)
    table = VoteTable(votes.galaxy, votes.volunteer, verdict, value, votes.galaxy_count, PEOPLE)
    assert "same_answer" not in [reason for one in found_in(table).values() for reason in one.reasons]
    assert "not_looking" not in [reason for one in found_in(table).values() for reason in one.reasons]


def test_no_votes_no_findings() -> None:
    nothing = VoteTable(np.zeros(0, int), np.zeros(0, int), np.zeros(0, np.int8), np.zeros(0), 0, 0)
    assert found_in(nothing) == {}
