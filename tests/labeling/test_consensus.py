"""What becomes of a galaxy after votes: marked, recomputed, retired, asked again; and how a worker is woken."""

import uuid
from typing import Any

import pytest
from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.db.models import F
from django.test import Client
from django.test.utils import CaptureQueriesContext
from kombu.exceptions import OperationalError

from giz.core import tasks as core_tasks
from labeling import tasks
from labeling.models import Campaign, Consensus, Target, Vote
from labeling.services.consensus import consensus_rebuild, consensus_refresh, stale_targets
from labeling.services.leases import task_lease
from labeling.services.votes import vote_record, vote_undo
from tests.labeling.sky import age_task, lease, make_campaign, make_volunteer, post, trace_to, vote_body

pytestmark = pytest.mark.django_db


def judge(volunteer: Any, inclination_deg: float | None, campaign: str = "sky", **changes: Any) -> uuid.UUID:
    """The volunteer judges the next galaxy, in human time; None rejects it. Returns the vote's key."""
    task, _is_new = task_lease(volunteer=volunteer, campaign=campaign)
    age_task(task.id, 60)
    said: dict[str, Any] = {"verdict": "rejected", "reasons": ["disturbed"], "trace": None}
    if inclination_deg is not None:
        said = {"verdict": "accepted", "trace": trace_to(inclination_deg)}
    key = uuid.uuid4()
    vote_record(volunteer=volunteer, key=key, task_id=task.id, **{**said, **changes})
    return key


def current() -> Consensus:
    return Consensus.objects.get(is_current=True, estimator="median")


@pytest.fixture
def one(db: None) -> Campaign:
    """A campaign with one galaxy."""
    return make_campaign(targets=1)


def test_three_people_retire_a_galaxy_with_the_median(one: Campaign) -> None:
    for number, inclination_deg in enumerate((60.5, 64.5, 70.5)):
        judge(make_volunteer(number), inclination_deg)
    assert stale_targets(one) == 1
    assert consensus_refresh(campaign=one) == 1
    found = current()
    assert (found.verdict, found.inclination_deg, found.volunteer_count) == ("A", 64.5, 3)
    assert found.inclination_published_deg in (64, 65)
    assert found.status == "retired"
    assert found.rule_version == "median-1+verdict-1+fixed-2+published-1"
    assert sorted(found.vote_ids) == sorted(Vote.objects.values_list("id", flat=True))
    target = Target.objects.get()
    assert (target.state, target.stale_since) == ("retired", None)
    assert target.retired_at is not None


def test_two_people_are_not_enough_whatever_the_overlap() -> None:
    campaign = make_campaign(targets=1, overlap=2)
    for number in range(2):
        judge(make_volunteer(number), 60.5)
    consensus_refresh(campaign=campaign)
    assert (current().status, current().inclination_published_deg) == ("open", None)
    assert Target.objects.get().state == "open"


def test_a_split_verdict_asks_one_more_person_at_a_time(one: Campaign) -> None:
    judge(make_volunteer(0), 60.5)
    judge(make_volunteer(1), None)
    judge(make_volunteer(2), None, reasons=["face_on"])
    consensus_refresh()
    assert current().is_split
    assert (Target.objects.get().quota, Target.objects.get().state) == (4, "open")
    consensus_rebuild(campaign=one)
    assert Target.objects.get().quota == 4, "one more is asked already"
    judge(make_volunteer(3), 62.5)
    consensus_refresh()
    assert (current().verdict, current().inclination_deg, current().status) == ("A", 61.5, "retired")


def test_a_galaxy_on_which_all_disagree_for_ever_goes_to_a_supervisor(one: Campaign) -> None:
    Target.objects.update(quota=12)
    for number in range(12):
        judge(make_volunteer(number), 60.5 if number % 2 else None)
    consensus_refresh()
    assert current().is_split
    assert (Target.objects.get().state, Target.objects.get().quota) == ("expert", 13)


def test_a_supervisor_decides(one: Campaign) -> None:
    judge(make_volunteer(0), 60.5)
    judge(make_volunteer(1), 61.5)
    judge(make_volunteer(2, role="supervisor", supervisor_rank=1), None)
    consensus_refresh()
    assert (current().verdict, current().inclination_published_deg) == ("J", None)


def test_votes_that_were_too_fast_have_no_weight_and_another_person_is_asked(one: Campaign) -> None:
    for number in range(2):
        judge(make_volunteer(number), 60.5)
    hasty = make_volunteer(2)
    task, _is_new = task_lease(volunteer=hasty, campaign="sky")
    vote_record(volunteer=hasty, key=uuid.uuid4(), task_id=task.id, trace=trace_to(85.5), verdict="accepted")
    consensus_refresh()
    assert (current().volunteer_count, current().inclination_deg) == (2, 60.5)
    assert (Target.objects.get().quota, Target.objects.get().vote_count) == (4, 3)


def test_undoing_reopens_a_retired_galaxy_and_the_old_consensus_stays_as_history(one: Campaign) -> None:
    people = [make_volunteer(number) for number in range(3)]
    keys = [judge(person, 60.5) for person in people]
    consensus_refresh()
    vote_undo(volunteer=people[2], key=keys[2])
    assert consensus_refresh() == 1
    assert (current().volunteer_count, current().status) == (2, "open")
    assert (Target.objects.get().state, Target.objects.get().retired_at) == ("open", None)
    assert Consensus.objects.filter(is_current=False, estimator="median").count() == 1


def test_recomputing_what_is_the_same_makes_no_new_row(one: Campaign) -> None:
    judge(make_volunteer(), 60.5)
    consensus_refresh()
    first = current().pk
    assert consensus_rebuild(campaign=one) == 1
    assert current().pk == first


def test_a_refresh_costs_the_same_statements_for_one_galaxy_and_for_many() -> None:
    campaign = make_campaign(targets=12)
    alice = make_volunteer()
    counts = []
    for galaxies in (1, 10):
        for _number in range(galaxies):
            judge(alice, 60.5)
        with CaptureQueriesContext(connection) as statements:
            assert consensus_refresh(campaign=campaign, max_batches=1) == galaxies
        counts.append(len(statements))
    assert counts[0] == counts[1]


def test_remarks_and_reasons_stand_in_the_note_without_addresses(one: Campaign) -> None:
    judge(make_volunteer(0), 60.5, reasons=["ambiguous", "HI"], comment="ask me@x.org,\n two  arms")
    judge(make_volunteer(1), None, reasons=["bad_TF"], comment="tidal tail")
    consensus_refresh()
    assert current().note == "[bad_TF] [ambiguous] [HI] ask (address removed) two arms; tidal tail"


class Broker:
    """Stands where messages are sent: counts them, or is away."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, is_away: bool = False) -> None:
        self.messages = 0
        self._is_away = is_away
        monkeypatch.setattr(tasks._Woken, "until", 0.0)
        monkeypatch.setattr(core_tasks._Broker, "silent_until", 0.0)
        monkeypatch.setattr(tasks.refresh_stale_consensus, "apply_async", self._send)

    def _send(self, **_options: Any) -> None:
        self.messages += 1
        if self._is_away:
            raise OperationalError("no broker")


def test_many_votes_in_a_second_wake_one_worker(
    campaign: Campaign, alice_client: Client, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    broker = Broker(monkeypatch)
    with django_capture_on_commit_callbacks(execute=True):
        for _number in range(4):
            assert post(alice_client, "votes/", vote_body(lease(alice_client)["id"])).status_code == 201
    assert broker.messages == 1


def test_another_process_that_woke_a_worker_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    broker = Broker(monkeypatch)
    cache.add("consensus-wake", 1, 60)
    tasks.wake_consensus()
    assert broker.messages == 0
    cache.delete("consensus-wake")


def test_without_a_broker_votes_are_stored_and_the_beats_round_does_the_rest(
    campaign: Campaign, alice_client: Client, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    broker = Broker(monkeypatch, is_away=True)
    with django_capture_on_commit_callbacks(execute=True):
        for _number in range(3):
            task = lease(alice_client)
            age_task(task["id"], 60)
            assert post(alice_client, "votes/", vote_body(task["id"])).status_code == 201
    assert broker.messages == 1, "an absent broker is left alone for a while"
    assert tasks.refresh_stale_consensus() == 3
    assert Consensus.objects.filter(is_current=True, estimator="median", volunteer_count=1).count() == 3


def test_the_beat_gives_back_leases_that_ran_out(campaign: Campaign, alice_client: Client) -> None:
    age_task(lease(alice_client)["id"], 3600)
    assert tasks.release_expired_leases() == 1
    assert not Target.objects.exclude(lease_count=0).exists()


def test_the_worker_that_is_woken_listens_to_the_queue_that_votes_go_to() -> None:
    from giz.celery import app

    route = app.amqp.router.route({}, "labeling.tasks.refresh_stale_consensus")
    assert route["queue"].name == settings.VOTES_QUEUE
    assert tasks.refresh_stale_consensus.app is app


def test_a_vote_never_waits_for_the_consensus_of_another_galaxy(campaign: Campaign) -> None:
    """Counters hold without the consensus: it may lag behind for as long as it likes."""
    for number in range(3):
        for _galaxy in range(5):
            judge(make_volunteer(100 * number + _galaxy), 60.5)
    assert not Target.objects.exclude(vote_count=F("quota")).exists()
    assert stale_targets(campaign) == 5
