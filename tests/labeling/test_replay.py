"""Any stored vote replays: seed, set version and trace give the inclination that stands in its row."""

import random
import uuid
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from labeling.comparison import replay, round_at_random
from labeling.models import Campaign, Task, Vote
from labeling.services.leases import task_lease
from labeling.services.votes import vote_record
from standards import grid
from standards.selectors import read_set_standards
from tests.labeling.player import Player
from tests.labeling.sky import make_campaign, make_set, make_volunteer

pytestmark = pytest.mark.django_db

SAID = {"A": "accepted", "F": "face_on"}


@pytest.fixture
def gappy(db: None) -> Campaign:
    """A campaign on a set with empty bins, the first and the last among them."""
    bins = [bin_deg for bin_deg in grid.GRID_BINS if bin_deg not in {45, 50, 51, 52, 53, 54, 66, 67, 90}]
    standard_set = make_set("gappy", bins=bins, per_bin=2)
    return make_campaign("gappy", targets=3, standard_set=standard_set)


@pytest.fixture
def full(db: None) -> Campaign:
    return make_campaign("full", targets=3)


def check(campaign: Campaign, number: int, chance: int) -> None:
    volunteer = make_volunteer(number)
    leased, _is_new = task_lease(volunteer=volunteer, campaign=campaign.name)
    shown = read_set_standards(leased.standard_set_id).for_target(leased.galaxy_id)
    player = Player(shown.sources, shown.orders(leased.seed), random.Random(chance))
    verdict, inclination_deg = player.play()
    key = uuid.uuid4()
    answer = vote_record(volunteer=volunteer, key=key, task_id=leased.id, trace=player.trace, verdict=SAID[verdict])
    assert (answer.verdict, answer.inclination_deg) == (verdict, inclination_deg)

    stored = Vote.objects.select_related("task", "target").get(key=key)
    task: Any = stored.task
    assert isinstance(task, Task)
    again = read_set_standards(stored.standard_set_id or 0).for_target(stored.target.galaxy_id)
    read = replay(stored.trace, again.sources, again.orders(task.seed), rule=stored.rule_version)
    assert (read.verdict, read.inclination_deg) == (stored.verdict, stored.inclination_deg)
    if stored.inclination_deg is not None:
        assert stored.inclination_rounded_deg == round_at_random(stored.inclination_deg, stored.rounding_seed or 0)


def property_of(campaign: Campaign) -> None:
    numbers = iter(range(10_000))
    campaign.targets.update(quota=500)

    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.integers(0, 2**32))
    def any_vote(chance: int) -> None:
        check(campaign, next(numbers), chance)

    any_vote()


def test_any_vote_on_a_full_grid_replays_from_its_row(full: Campaign) -> None:
    property_of(full)


def test_any_vote_on_a_grid_with_empty_bins_replays_from_its_row(gappy: Campaign) -> None:
    property_of(gappy)
