"""Accounts that do not look: suspected by the refit, without weight by staff's word; honest people are left alone."""

import importlib
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.test import Client

from giz.core.jobs import run_job
from giz.core.models import AuditEvent
from labeling.jobs import refit_job
from labeling.models import Campaign, Consensus, Suspicion, Target, Vote
from labeling.services.leases import task_lease
from labeling.services.plausibility import suspicion_dismiss
from labeling.services.votes import vote_record
from tests.history import history_unlocked
from tests.labeling.sky import age_task, make_campaign, make_volunteer, trace_to

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
# What the page sends with a rejection: the panels as drawn, and the galaxy where it stood at first.
UNTOUCHED = {"version": 1, "steps": [{"step": "A", "draws": [0] * 9, "slot": 5}]}


def vote(volunteer: Any, inclination_deg: float, *, seconds: float = 60) -> None:
    task, _is_new = task_lease(volunteer=volunteer, campaign="sky")
    age_task(task.id, seconds)
    trace = trace_to(inclination_deg)
    vote_record(volunteer=volunteer, key=uuid.uuid4(), task_id=task.id, trace=trace, verdict="accepted")


def reject(volunteer: Any) -> None:
    task, _is_new = task_lease(volunteer=volunteer, campaign="sky")
    age_task(task.id, 60)
    said: dict[str, Any] = {"verdict": "rejected", "reasons": ["disturbed"], "trace": UNTOUCHED}
    vote_record(volunteer=volunteer, key=uuid.uuid4(), task_id=task.id, **said)


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
    run_job(refit_job(campaign=Campaign.objects.get(name="sky")))


def weightless(volunteer: Any) -> int:
    return Vote.objects.filter(volunteer=volunteer, flags__contains=["implausible"]).count()


def press(client: Client, suspicion: Suspicion, button: str) -> str:
    page = f"/staff/labeling/suspicion/{suspicion.pk}/press/{button}/"
    return client.post(page, follow=True).content.decode()


@pytest.mark.finding("review 4.2", "ux B15")
def test_the_refit_suspects_who_always_gives_the_same_answer_and_staff_decide(robot: Any, bob_client: Client) -> None:
    refit()
    suspicion = Suspicion.objects.get()
    assert (suspicion.volunteer, suspicion.reasons, suspicion.state) == (robot, ["same_answer"], "open")
    assert weightless(robot) == 0, "nobody loses weight by a rule"
    assert AuditEvent.objects.filter(action="votes_suspected").count() == 1
    assert "1</b> suspected" in bob_client.get("/staff/dashboard/").content.decode()
    page = bob_client.get(f"/staff/labeling/suspicion/{suspicion.pk}/change/").content.decode()
    assert "25 of 25 answers are 62.5°" in page
    assert robot.public_name in bob_client.get("/staff/labeling/suspicion/").content.decode()
    assert robot.public_name in bob_client.get("/staff/labeling/volunteer/?weight=open").content.decode()
    assert "25 votes" in press(bob_client, suspicion, "confirm")
    assert weightless(robot) == Vote.objects.filter(flags__contains=["implausible"]).count() == 25
    refit()
    assert not any(
        set(ids) & set(Vote.objects.filter(volunteer=robot).values_list("id", flat=True))
        for ids in Consensus.objects.filter(is_current=True).values_list("vote_ids", flat=True)
    )
    event = AuditEvent.objects.get(action="votes_discounted")
    assert (event.detail["reasons"], event.detail["votes"]) == (["same_answer"], 25)
    assert event.actor_number is not None
    assert robot.public_name in bob_client.get("/staff/labeling/volunteer/?weight=none").content.decode()


def test_what_a_robot_votes_afterwards_has_no_weight_either(robot: Any, bob_client: Client) -> None:
    refit()
    press(bob_client, Suspicion.objects.get(), "confirm")
    vote(robot, 71.5)
    refit()
    assert weightless(robot) == 26
    assert Suspicion.objects.get().state == "confirmed"


@pytest.mark.finding("review 4.2")
def test_weight_is_lost_in_the_campaign_alone(robot: Any, bob_client: Client) -> None:
    other = make_campaign("other", targets=1, standard_set=Campaign.objects.get(name="sky").standard_set)
    task, _is_new = task_lease(volunteer=robot, campaign=other.name)
    age_task(task.id, 60)
    vote_record(volunteer=robot, key=uuid.uuid4(), task_id=task.id, trace=trace_to(62.5), verdict="accepted")
    refit()
    press(bob_client, Suspicion.objects.get(), "confirm")
    assert weightless(robot) == 25


def test_votes_under_a_second_are_found_and_shown_among_those_without_weight(bob_client: Client) -> None:
    make_campaign(targets=40)
    hasty = make_volunteer(2)
    for number in range(21):
        vote(hasty, 46.5 + 2 * number, seconds=0)
    refit()
    assert Suspicion.objects.get().reasons == ["too_fast"]
    assert hasty.public_name in bob_client.get("/staff/labeling/volunteer/?weight=none").content.decode()


@pytest.mark.finding("review 4.2")
def test_a_few_hasty_votes_cost_their_own_weight_only(bob_client: Client) -> None:
    make_campaign(targets=40)
    person = make_volunteer(2)
    for number in range(21):
        vote(person, 46.5 + 2 * number, seconds=0 if number < 8 else 60)
    refit()
    assert not Suspicion.objects.exists()
    assert Vote.objects.exclude(flags=[]).count() == 8


@pytest.mark.finding("review 4.2")
def test_the_same_evidence_does_not_come_back_but_new_evidence_does(robot: Any, bob_client: Client) -> None:
    refit()
    suspicion = Suspicion.objects.get()
    press(bob_client, suspicion, "dismiss")
    for _number in range(5):
        vote(robot, 62.5)
    refit()
    suspicion.refresh_from_db()
    assert (suspicion.state, weightless(robot)) == ("dismissed", 0)
    for _number in range(10):
        vote(robot, 62.5)
    # In one transaction all that happens has one time.
    Suspicion.objects.update(decided_at=Vote.objects.order_by("-id")[14].created_at)
    with history_unlocked():
        Vote.objects.filter(pk__in=Vote.objects.order_by("-id").values("pk")[:15]).update(created_at=Now() + HOUR)
    refit()
    suspicion.refresh_from_db()
    assert (suspicion.state, suspicion.evidence["vote_count"], weightless(robot)) == ("open", 15, 0)


def test_staff_gives_the_votes_back_and_can_take_them_again(robot: Any, bob_client: Client) -> None:
    refit()
    page = f"/staff/labeling/volunteer/{robot.pk}/change/"
    press(bob_client, Suspicion.objects.get(), "confirm")
    assert "Count the votes again" in bob_client.get(page).content.decode()
    said = bob_client.post(page.replace("change", "press/restore"), follow=True).content.decode()
    assert "25 votes" in said
    refit()
    assert weightless(robot) == 0
    assert Target.objects.filter(stale_since__isnull=False).count() == 0
    bob_client.post(page.replace("change", "press/discount"))
    assert weightless(robot) == 25
    assert Target.objects.filter(stale_since__isnull=False).count() >= 25
    assert set(AuditEvent.objects.values_list("action", flat=True)) >= {"votes_restored", "votes_discounted"}


@pytest.mark.finding("review 4.2")
def test_a_supervisor_who_rejects_twenty_five_galaxies_is_not_suspected() -> None:
    make_campaign(targets=40, overlap=4)
    supervisor = make_volunteer(1, role="supervisor", supervisor_rank=1)
    people = [make_volunteer(number) for number in (2, 3)]
    for number in range(30):
        reject(supervisor) if number < 25 else vote(supervisor, 62.5)
        for person in people:
            vote(person, 50.5 + number)
    refit()
    assert not Suspicion.objects.exists()
    assert not Vote.objects.exclude(flags=[]).exists()


@pytest.mark.finding("review 4.2")
def test_an_ordinary_person_who_rejects_with_the_page_s_untouched_panel_is_not_suspected() -> None:
    make_campaign(targets=40, overlap=4)
    person = make_volunteer(1)
    for number in range(30):
        reject(person) if number < 25 else vote(person, 46.5 + 8 * (number - 25))
    refit()
    assert not Suspicion.objects.exists()


@pytest.mark.finding("review 4.2")
def test_who_rejects_all_that_everybody_else_measures_is_shown_to_staff() -> None:
    make_campaign(targets=25, overlap=3)
    odd, *others = [make_volunteer(number) for number in range(3)]
    for number in range(25):
        reject(odd)
        for person in others:
            vote(person, 50.5 + number)
    refit()
    assert [(one.volunteer, one.reasons) for one in Suspicion.objects.all()] == [(odd, ["rejects_all"])]


@pytest.mark.finding("review 4.2")
def test_flags_of_before_are_kept_as_decided_and_can_be_taken_back(robot: Any) -> None:
    migration = importlib.import_module("labeling.migrations.0010_suspicions_and_figures")
    honest = Vote.objects.exclude(volunteer=robot).first()
    assert honest is not None
    Vote.objects.filter(volunteer=robot).update(flags=["implausible"])
    Vote.objects.filter(pk=honest.pk).update(flags=["plausible"])
    with connection.schema_editor(atomic=False) as editor:
        migration.keep_decisions(None, editor)
    states = dict(Suspicion.objects.values_list("volunteer_id", "state"))
    assert states == {robot.pk: "confirmed", honest.volunteer_id: "dismissed"}
    assert suspicion_dismiss(suspicion=Suspicion.objects.get(volunteer=robot)) == 25
    refit()
    assert weightless(robot) == 0


def test_a_volunteer_can_not_give_weight(robot: Any, alice_client: Client) -> None:
    page = f"/staff/labeling/volunteer/{robot.pk}/press/restore/"
    assert alice_client.post(page).status_code in (302, 403, 404)
    assert not AuditEvent.objects.filter(action="votes_restored").exists()
