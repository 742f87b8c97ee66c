"""Accounts that do not look: found by the refit, without weight, given back by staff."""

import uuid
from typing import Any

import pytest
from django.test import Client

from giz.core.jobs import run_job
from giz.core.models import AuditEvent
from labeling.jobs import refit_job
from labeling.models import Campaign, Consensus, Target, Vote
from labeling.services.tasks import task_lease
from labeling.services.votes import vote_record
from tests.labeling.sky import age_task, make_campaign, make_volunteer, trace_to

pytestmark = pytest.mark.django_db


def vote(volunteer: Any, inclination_deg: float, *, seconds: float = 60) -> None:
    task, _is_new = task_lease(volunteer=volunteer, campaign="sky")
    age_task(task.id, seconds)
    trace = trace_to(inclination_deg)
    vote_record(volunteer=volunteer, key=uuid.uuid4(), task_id=task.id, trace=trace, verdict="accepted")


@pytest.fixture
def robot(db: None) -> Any:
    """An account that has put 25 galaxies into one slot, and an honest one beside it."""
    make_campaign(targets=40, overlap=4)
    person, robot = make_volunteer(1), make_volunteer(2)
    for number in range(25):
        vote(person, 46.5 + number * 1.7 // 1)
        vote(robot, 62.5)
    return robot


def refit() -> None:
    run_job(refit_job(campaign=Campaign.objects.get()))


def weightless(volunteer: Any) -> int:
    return Vote.objects.filter(volunteer=volunteer, flags__contains=["implausible"]).count()


def test_the_refit_finds_who_always_takes_the_same_slot_and_asks_others_instead(robot: Any) -> None:
    refit()
    assert weightless(robot) == 25
    assert Vote.objects.filter(flags__contains=["implausible"]).count() == 25
    assert not any(
        set(ids) & set(Vote.objects.filter(volunteer=robot).values_list("id", flat=True))
        for ids in Consensus.objects.filter(is_current=True).values_list("vote_ids", flat=True)
    )
    event = AuditEvent.objects.get(action="votes_discounted")
    assert (event.detail["reasons"], event.detail["votes"]) == (["same_slot"], 25)


def test_what_a_robot_votes_afterwards_has_no_weight_either(robot: Any) -> None:
    refit()
    vote(robot, 71.5)
    refit()
    assert weightless(robot) == 26


def test_votes_under_a_second_are_found() -> None:
    make_campaign(targets=40)
    hasty = make_volunteer(2)
    for number in range(21):
        vote(hasty, 46.5 + 2 * number, seconds=0)
    refit()
    assert weightless(hasty) == 21


def test_staff_gives_the_votes_back_for_good_and_can_take_them_again(robot: Any, bob_client: Client) -> None:
    refit()
    page = f"/staff/labeling/volunteer/{robot.pk}/change/"
    assert "Count the votes again" in bob_client.get(page).content.decode()
    listed = bob_client.get("/staff/labeling/volunteer/?weight=implausible").content.decode()
    assert robot.public_name in listed
    said = bob_client.post(page.replace("change", "press/restore"), follow=True).content.decode()
    assert "25 votes" in said
    for _number in range(5):
        vote(robot, 62.5)
    refit()
    assert weightless(robot) == 0, "staff's word stands for the votes that come, too"
    assert Target.objects.filter(stale_since__isnull=False).count() == 0
    bob_client.post(page.replace("change", "press/discount"))
    assert weightless(robot) == 30
    assert Target.objects.filter(stale_since__isnull=False).count() >= 25
    assert set(AuditEvent.objects.values_list("action", flat=True)) >= {"votes_restored", "votes_discounted"}


def test_a_volunteer_can_not_give_weight(robot: Any, alice_client: Client) -> None:
    page = f"/staff/labeling/volunteer/{robot.pk}/press/restore/"
    assert alice_client.post(page).status_code in (302, 403, 404)
    assert not AuditEvent.objects.filter(action="votes_restored").exists()
