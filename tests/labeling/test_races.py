"""Many people at once on real PostgreSQL: the quota holds exactly, nothing is doubled, nothing is lost."""

import random
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.db.models import Count, F

from giz.core.errors import Refused
from labeling.models import Campaign, Target, Task, Vote
from labeling.services.consensus import consensus_refresh
from labeling.services.tasks import leases_release_expired, task_lease, task_skip
from labeling.services.votes import vote_record, vote_undo
from tests.labeling.sky import make_campaign, make_volunteer, trace_to

pytestmark = pytest.mark.django_db(transaction=True)

THREADS = 64
GALAXIES = 30
QUOTA = 3


def at_once(count: int, work: Callable[[int], None]) -> None:
    """Run ``work`` in threads that begin together; raises the first failure."""
    begin = threading.Barrier(count)
    failures: list[BaseException] = []

    def run(number: int) -> None:
        try:
            begin.wait()
            work(number)
        except BaseException as error:  # noqa: BLE001 - told by the main thread
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def patiently(call: Callable[[], Any]) -> Any:
    """As the page does where the server is busy (503): the same request again."""
    for _attempt in range(100):
        try:
            return call()
        except OperationalError:
            time.sleep(0.05)
    raise AssertionError("the database never answered")


class Person:
    """Labels until all is done; about one answer in four gets lost on the way, so the same request is sent again."""

    def __init__(self, campaign: Campaign, volunteer: Any, seed: int, *, skips: float = 0.05) -> None:
        self._campaign = campaign.name
        self._volunteer = volunteer
        self._rng = random.Random(seed)
        self._skips = skips

    def label_all(self) -> None:
        while (task := self._lease()) is not None:
            if self._rng.random() < self._skips:
                patiently(lambda: task_skip(volunteer=self._volunteer, task_id=task.id))
                continue
            self._vote(task)

    def _lease(self) -> Any:
        try:
            task, _is_new = patiently(lambda: task_lease(volunteer=self._volunteer, campaign=self._campaign))
            if self._rng.random() < 0.25:
                again, is_new = patiently(lambda: task_lease(volunteer=self._volunteer, campaign=self._campaign))
                assert (again.id, is_new) == (task.id, False)
        except Refused as refused:
            if refused.code != "all_done":
                raise
            return None
        return task

    def _vote(self, task: Any) -> None:
        body: dict[str, Any] = {
            "volunteer": self._volunteer,
            "key": uuid.uuid4(),
            "task_id": task.id,
            "trace": trace_to(45.5 + self._rng.randrange(45)),
            "verdict": "accepted",
        }
        vote = patiently(lambda: vote_record(**body))
        if self._rng.random() < 0.25:
            again = patiently(lambda: vote_record(**body))
            assert again.is_replayed
            assert again.inclination_deg == vote.inclination_deg
        if self._rng.random() < 0.05:
            patiently(lambda: vote_undo(volunteer=self._volunteer, key=body["key"]))
            patiently(lambda: vote_record(**{**body, "key": uuid.uuid4()}))


def test_sixty_four_people_race_for_the_last_slots_of_thirty_galaxies() -> None:
    campaign = make_campaign(targets=GALAXIES, overlap=QUOTA)
    people = [make_volunteer(number) for number in range(THREADS)]
    # Most slots are gone already, so that everybody wants the same few.
    for number, volunteer in enumerate(people[:2]):
        Person(campaign, volunteer, 1000 + number).label_all()
    at_once(THREADS - 2, lambda number: Person(campaign, people[number + 2], number).label_all())
    # What the last one in the race skipped is free again, and nobody was left to take it.
    at_once(THREADS - 2, lambda number: Person(campaign, people[number + 2], 500 + number, skips=0).label_all())

    assert set(Target.objects.values_list("vote_count", "lease_count")) == {(QUOTA, 0)}
    counted = Vote.objects.filter(standing="counted")
    assert set(counted.values("target").annotate(n=Count("id")).values_list("n", flat=True)) == {QUOTA}
    pairs = Counter(counted.values_list("target_id", "volunteer_id"))
    assert max(pairs.values()) == 1
    assert counted.count() == GALAXIES * QUOTA
    assert not Vote.objects.exclude(standing__in=["counted", "superseded"]).exists()
    assert not Task.objects.filter(state="leased").exists()


def test_consensus_and_returning_leases_do_not_disturb_the_race() -> None:
    campaign = make_campaign(targets=GALAXIES, overlap=QUOTA)
    people = [make_volunteer(number) for number in range(12)]
    is_over = threading.Event()

    def work(number: int) -> None:
        if number < 2:
            while not is_over.is_set():
                consensus_refresh(campaign=campaign)
                leases_release_expired()
            return
        try:
            Person(campaign, people[number], number).label_all()
        finally:
            running[number] = False
            if not any(running.values()):
                is_over.set()

    running = dict.fromkeys(range(2, 12), True)
    at_once(12, work)
    # A vote in the first second after the lease has no weight: the consensus may have asked one more person for it.
    over = Target.objects.exclude(quota__gte=F("vote_count") + F("lease_count"))
    assert not over.exists()
    counted = Counter(Vote.objects.filter(standing="counted").values_list("target_id", flat=True))
    assert all(counted[target.pk] == target.vote_count for target in Target.objects.all())
    assert not Task.objects.filter(state="leased").exists()


def test_one_key_sent_fifty_times_at_once_is_one_vote() -> None:
    campaign = make_campaign(targets=1)
    alice = make_volunteer()
    task, _is_new = task_lease(volunteer=alice, campaign=campaign.name)
    key = uuid.uuid4()
    answers: list[bool] = []
    body: dict[str, Any] = {"key": key, "task_id": task.id, "trace": trace_to(60.5), "verdict": "accepted"}
    at_once(50, lambda _n: answers.append(patiently(lambda: vote_record(volunteer=alice, **body)).is_replayed))
    assert Counter(answers) == {False: 1, True: 49}
    assert Target.objects.get().vote_count == 1


def test_fifty_keys_at_once_on_one_galaxy_are_one_vote() -> None:
    campaign = make_campaign(targets=1)
    alice = make_volunteer()
    task, _is_new = task_lease(volunteer=alice, campaign=campaign.name)
    codes: list[str] = []

    def vote(_number: int) -> None:
        body: dict[str, Any] = {"key": uuid.uuid4(), "trace": trace_to(60.5), "verdict": "accepted"}
        try:
            patiently(lambda: vote_record(volunteer=alice, task_id=task.id, **body))
            codes.append("stored")
        except Refused as refused:
            codes.append(refused.code)

    at_once(50, vote)
    assert Counter(codes) == {"stored": 1, "already_voted": 49}
    assert Vote.objects.count() == 1


def test_fifty_people_ask_for_one_slot_and_one_gets_it() -> None:
    campaign = make_campaign(targets=1, overlap=1)
    people = [make_volunteer(number) for number in range(50)]
    codes: list[str] = []

    def ask(number: int) -> None:
        try:
            patiently(lambda: task_lease(volunteer=people[number], campaign=campaign.name))
            codes.append("leased")
        except Refused as refused:
            codes.append(refused.code)

    at_once(50, ask)
    assert Counter(codes) == {"leased": 1, "all_done": 49}
    assert Target.objects.get().lease_count == 1


def test_ten_tabs_of_one_person_never_hold_more_than_the_limit() -> None:
    campaign = make_campaign(targets=GALAXIES)
    alice = make_volunteer()
    codes: list[str] = []

    def ask(_number: int) -> None:
        known = list(Task.objects.values_list("id", flat=True))
        try:
            patiently(lambda: task_lease(volunteer=alice, campaign=campaign.name, held=known))
            codes.append("leased")
        except Refused as refused:
            codes.append(refused.code)

    for _round in range(3):
        at_once(10, ask)
    assert Task.objects.filter(state="leased").count() <= 4
    assert set(codes) <= {"leased", "too_many_leases"}
