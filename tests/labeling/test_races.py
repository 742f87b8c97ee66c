"""Many people at once on real PostgreSQL: the quota holds exactly, nothing is doubled, nothing is lost."""

import contextlib
import random
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction
from django.db.models import Count, F
from django.db.models.functions import Now

from giz.core.errors import Refused
from labeling.models import Campaign, Consensus, Target, Task, Vote
from labeling.services import consensus
from labeling.services.consensus import consensus_refresh
from labeling.services.leases import leases_release_expired, task_lease, task_skip
from labeling.services.plausibility import volunteer_discount, volunteer_restore
from labeling.services.votes import vote_record, vote_undo
from tests.labeling.sky import age_task, make_campaign, make_volunteer, trace_to

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
        except Refused as refused:
            if refused.code != "busy":
                raise
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
            assert again.replayed
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


@pytest.mark.finding("fault F19")
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


@pytest.mark.finding("abuse A27", "fault F11")
def test_one_key_sent_fifty_times_at_once_is_one_vote() -> None:
    campaign = make_campaign(targets=1)
    alice = make_volunteer()
    task, _is_new = task_lease(volunteer=alice, campaign=campaign.name)
    key = uuid.uuid4()
    answers: list[bool] = []
    body: dict[str, Any] = {"key": key, "task_id": task.id, "trace": trace_to(60.5), "verdict": "accepted"}
    at_once(50, lambda _n: answers.append(patiently(lambda: vote_record(volunteer=alice, **body)).replayed))
    assert Counter(answers) == {False: 1, True: 49}
    assert Target.objects.get().vote_count == 1


@pytest.mark.finding("abuse A27")
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


@pytest.mark.finding("abuse A27")
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


class Meanwhile:
    """Calls ``work`` in another thread while a batch of consensuses is being computed, and waits for its end."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, work: Callable[[int], None]) -> None:
        self.batches = 0
        self._work = work
        self._compute = consensus._consensuses
        monkeypatch.setattr(consensus, "_consensuses", self._consensuses)

    def _consensuses(self, cases: Any) -> list[Any]:
        computed = list(self._compute(cases))
        self.batches += 1
        at_once(1, lambda _number: self._work(self.batches))
        return computed


def judged_by_two(galaxies: int) -> Campaign:
    campaign = make_campaign(targets=galaxies, overlap=QUOTA)
    for number in range(2):
        Person(campaign, make_volunteer(number), number, skips=0).label_all()
    Vote.objects.update(flags=[])
    consensus_refresh()
    return campaign


def judge_one(volunteer: Any) -> None:
    """Lease and judge one galaxy, which fails at once where its row is held."""
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '2s'")
    task, _is_new = task_lease(volunteer=volunteer, campaign="sky")
    age_task(task.id, 60)
    vote_record(
        volunteer=volunteer, key=uuid.uuid4(), task_id=task.id, trace=None, verdict="rejected", reasons=["disturbed"]
    )


@pytest.mark.finding("review 4.1", "review 4.9")
def test_a_vote_waits_for_no_consensus_and_is_not_lost_to_one_that_did_not_see_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    judged_by_two(1)
    Target.objects.update(stale_since=Now())
    third = make_volunteer(3)
    meanwhile = Meanwhile(monkeypatch, lambda batch: judge_one(third) if batch == 1 else None)
    consensus_refresh()
    assert meanwhile.batches == 1
    assert Target.objects.exclude(stale_since=None).count() == 1, "what it computed is of two votes: not stored"
    consensus_refresh()
    assert set(Consensus.objects.filter(is_current=True).values_list("volunteer_count", flat=True)) == {3}
    assert not Target.objects.exclude(stale_since=None).exists()


@pytest.mark.finding("review 4.1")
def test_a_refit_lets_votes_pass_and_serves_them_before_its_next_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    campaign = judged_by_two(12)
    monkeypatch.setattr(consensus, "BATCH", 4)
    third = make_volunteer(3)
    seen: list[int] = []

    def vote(batch: int) -> None:
        if batch == 1:
            judge_one(third)
        elif batch == 2:
            seen.extend(Target.objects.filter(vote_count=3).exclude(stale_since=None).values_list("pk", flat=True))
        elif batch == 3:
            seen.append(Consensus.objects.filter(is_current=True, volunteer_count=3).count())

    assert Meanwhile(monkeypatch, vote).batches == 0
    assert consensus.consensus_follow_fit(campaign=campaign) == 12
    (judged,) = Target.objects.filter(vote_count=3)
    assert seen == [judged.pk, 2], "the second batch was that of the fresh vote alone; then the refit went on"
    assert not Target.objects.exclude(stale_since=None).exists()
    newest = Consensus.objects.filter(target=judged, is_current=True)
    assert set(newest.values_list("volunteer_count", flat=True)) == {3}


@pytest.mark.finding("review 4.1")
def test_two_workers_and_a_refit_at_once_leave_one_consensus_of_each() -> None:
    campaign = judged_by_two(GALAXIES)
    people = [make_volunteer(10 + number) for number in range(4)]

    def work(number: int) -> None:
        for _round in range(6):
            if number < 4:
                with contextlib.suppress(Refused):
                    patiently(lambda: judge_one(people[number]))
            elif number < 6:
                consensus_refresh()
            else:
                consensus.consensus_follow_fit(campaign=campaign)

    at_once(8, work)
    consensus_refresh()
    assert not Target.objects.exclude(stale_since=None).exists()
    for target in Target.objects.all():
        found = Consensus.objects.get(target=target, estimator="median", is_current=True)
        votes = set(Vote.objects.filter(target=target, standing="counted").values_list("id", flat=True))
        assert set(found.vote_ids) == votes


@pytest.mark.finding("review 13")
def test_weight_taken_and_given_back_beside_votes_undone_and_leases_that_end_makes_no_deadlock() -> None:
    """No request is patient here: a deadlock is an error."""
    campaign = make_campaign(targets=GALAXIES, overlap=8)
    people = [make_volunteer(number) for number in range(4)]
    for volunteer in people:
        for _galaxy in range(12):
            judge_one(volunteer)
    ends = [make_volunteer(50 + number) for number in range(2)]

    def work(number: int) -> None:
        for turn in range(8):
            if number < 4:
                key = Vote.objects.filter(volunteer=people[number], standing="counted").latest("id").key
                task = vote_undo(volunteer=people[number], key=key)
                said: dict[str, Any] = {"verdict": "rejected", "reasons": ["HI"], "trace": None}
                vote_record(volunteer=people[number], key=uuid.uuid4(), task_id=task.id, **said)
            elif number < 6:
                volunteer_discount(volunteer=people[turn % 4]) if number == 4 else volunteer_restore(
                    volunteer=people[turn % 4]
                )
            else:
                with contextlib.suppress(Refused):
                    task, _is_new = task_lease(volunteer=ends[number - 6], campaign=campaign.name)
                    age_task(task.id, 3600)
                leases_release_expired()

    at_once(8, work)
    for volunteer in people:
        volunteer_restore(volunteer=volunteer)
    assert not Vote.objects.filter(flags__contains=["implausible"]).exists()
    volunteer_discount(volunteer=people[0])
    flagged = Vote.objects.filter(flags__contains=["implausible"])
    assert set(flagged.values_list("volunteer", flat=True)) == {people[0].pk}
    assert all(vote.flags.count("implausible") == 1 for vote in flagged)


def test_two_tabs_that_wait_for_the_last_galaxies_hold_no_lease_too_many() -> None:
    make_campaign(targets=5)
    alice = make_volunteer()
    held = [task_lease(volunteer=alice, campaign="sky", held=[])[0].id]
    while len(held) < 3:
        held.append(task_lease(volunteer=alice, campaign="sky", held=held)[0].id)
    unlock = threading.Event()
    locked = threading.Event()

    def hold_the_rest() -> None:
        with transaction.atomic():
            list(Target.objects.select_for_update().filter(lease_count=0).order_by("pk"))
            locked.set()
            unlock.wait(10)
        connection.close()

    holder = threading.Thread(target=hold_the_rest)
    holder.start()
    locked.wait(10)
    timer = threading.Timer(0.5, unlock.set)
    timer.start()
    given: list[uuid.UUID] = []
    at_once(2, lambda _n: given.append(task_lease(volunteer=alice, campaign="sky", held=held)[0].id))
    holder.join()
    assert Task.objects.filter(volunteer=alice, state="leased").count() == 4
    assert len(set(given)) == 1, "the second tab gets the lease that it does not know of"
