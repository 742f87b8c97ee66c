"""Every galaxy finishes: split for ever, judged by throw-away accounts, planned for too few people."""

import uuid
from typing import Any

import pytest

from giz.core.errors import Refused
from labeling.models import Campaign, Consensus, Target
from labeling.services.consensus import consensus_rebuild, consensus_refresh
from labeling.services.leases import task_lease
from labeling.services.targets import target_reopen, targets_make_calibration
from labeling.services.votes import vote_record
from tests.labeling.sky import age_task, make_campaign, make_volunteer, trace_to
from tests.refusals import refuses

pytestmark = [pytest.mark.django_db, pytest.mark.finding("review 4.8")]


def judge(volunteer: Any, inclination_deg: float | None, *, seconds: float = 60) -> None:
    """The volunteer judges the next galaxy of the campaign; None rejects it. The worker follows at once."""
    task, _is_new = task_lease(volunteer=volunteer, campaign="sky")
    age_task(task.id, seconds)
    said: dict[str, Any] = {"verdict": "rejected", "reasons": ["disturbed"], "trace": None}
    if inclination_deg is not None:
        said = {"verdict": "accepted", "trace": trace_to(inclination_deg)}
    vote_record(volunteer=volunteer, key=uuid.uuid4(), task_id=task.id, **said)
    consensus_refresh()


def the_target() -> Target:
    return Target.objects.get()


@pytest.mark.parametrize(("overlap", "people"), [(3, 12), (14, 24)])
def test_a_galaxy_on_which_all_disagree_waits_for_a_supervisor(overlap: int, people: int) -> None:
    """Split with every second vote, until nine more than planned (or one more than that) have judged it."""
    make_campaign(targets=1, overlap=overlap, retirement="fixed")
    for number in range(people):
        assert the_target().state in ("open", "retired")
        if the_target().state == "retired":
            # The odd vote in between decides for a moment; staff asks on, as if it had been split all the time.
            target_reopen(target=the_target())
        judge(make_volunteer(number), 60.5 if number % 2 else None)
    assert Consensus.objects.get(is_current=True, estimator="median").status == "expert"
    assert the_target().state == "expert"
    with pytest.raises(Refused) as refusal:
        judge(make_volunteer(90), 60.5)
    assert refusal.value.code == "all_done"
    judge(make_volunteer(91, role="supervisor", supervisor_rank=1), 60.5)
    assert (the_target().state, Consensus.objects.get(is_current=True, estimator="median").verdict) == ("retired", "A")


def test_twelve_throw_away_accounts_do_not_keep_a_galaxy_from_being_finished() -> None:
    make_campaign(targets=1, overlap=3)
    for number in range(15):
        judge(make_volunteer(number), 85.5, seconds=0)
    assert (the_target().state, the_target().vote_count) == ("open", 15)
    for number in range(3):
        judge(make_volunteer(100 + number), 60.5)
    assert (the_target().state, the_target().vote_count) == ("retired", 18)
    assert Consensus.objects.get(is_current=True, estimator="median").inclination_deg == 60.5


@pytest.mark.parametrize("overlap", [1, 2, 12, 20])
def test_one_vote_without_weight_more_or_less_a_galaxy_is_done_when_enough_people_agree(overlap: int) -> None:
    make_campaign(targets=1, overlap=overlap)
    judge(make_volunteer(0), 85.5, seconds=0)
    for number in range(max(overlap, 3)):
        assert the_target().state == "open"
        judge(make_volunteer(1 + number), 60.5)
    assert the_target().state == "retired"
    with pytest.raises(Refused) as refusal:
        judge(make_volunteer(90), 60.5)
    assert refusal.value.code == "all_done"


def test_staff_may_ask_one_more_about_an_open_galaxy_whose_places_are_all_taken() -> None:
    """As the rule of before left them: open, full and served to nobody."""
    make_campaign(targets=1)
    judge(make_volunteer(0), 60.5)
    with refuses("wrong_state"):
        target_reopen(target=the_target())
    Target.objects.update(quota=1)
    target_reopen(target=the_target())
    assert (the_target().quota, the_target().state) == (2, "open")
    judge(make_volunteer(1), 60.5)
    judge(make_volunteer(2), 60.5)
    assert the_target().state == "retired"


def test_a_full_galaxy_that_the_rule_of_before_had_given_up_is_served_again_after_the_next_fit() -> None:
    campaign = make_campaign(targets=1)
    for number in range(2):
        judge(make_volunteer(number), 60.5)
    Target.objects.update(quota=2)
    consensus_rebuild(campaign=campaign)
    assert (the_target().quota, the_target().state) == (3, "open")


@pytest.fixture
def probe(db: None) -> Campaign:
    """A campaign whose one galaxy everybody judges."""
    campaign = make_campaign(targets=1)
    targets_make_calibration(campaign=campaign, target_ids=[the_target().pk])
    consensus_refresh()
    return campaign


@pytest.mark.finding("review 4.6")
def test_the_history_of_a_galaxy_that_everybody_judges_does_not_grow_with_its_votes(probe: Campaign) -> None:
    rows = Consensus.objects.count()
    for number in range(12):
        judge(make_volunteer(number), 60.5 + number % 3)
    assert Consensus.objects.count() == rows, "no row a vote"
    consensus_rebuild(campaign=probe)
    found = Consensus.objects.get(is_current=True, estimator="robust")
    assert (found.volunteer_count, found.vote_ids) == (12, []), "a fit counts all of them and lists none"
    assert found.inclination_deg == pytest.approx(61.5, abs=1)
    assert the_target().state == "open"


@pytest.mark.finding("review 4.6")
def test_what_people_remark_on_a_galaxy_that_everybody_judges_is_not_collected_for_ever(probe: Campaign) -> None:
    for number in range(30):
        volunteer = make_volunteer(number)
        task, _is_new = task_lease(volunteer=volunteer, campaign="sky")
        age_task(task.id, 60)
        vote_record(
            volunteer=volunteer,
            key=uuid.uuid4(),
            task_id=task.id,
            verdict="accepted",
            trace=trace_to(60.5),
            comment=f"remark {number}",
        )
    consensus_rebuild(campaign=probe)
    note = Consensus.objects.get(is_current=True, estimator="robust").note
    assert "remark 29" in note
    assert note.count("remark") == 20
