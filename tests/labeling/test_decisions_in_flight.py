"""What is decided while something else is on its way: erasing beside votes and consensuses, suspicions in a refit."""

import threading
import time
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models.functions import Now

from giz.accounts.erasure import account_erase, account_erasing
from giz.accounts.models import User
from giz.dashboard.jobs import report_keep
from labeling.models import Consensus, Suspicion, Target, Vote
from labeling.reports import REPORTS
from labeling.services.consensus import consensus_refresh
from labeling.services.leases import task_lease
from labeling.services.plausibility import suspicion_dismiss, suspicions_find, volunteer_discount
from labeling.services.votes import vote_record
from tests.labeling.sky import age_task, make_campaign, make_volunteer
from tests.labeling.test_races import Meanwhile, at_once

pytestmark = pytest.mark.django_db(transaction=True)

REMARK = "canary remark: a warp at the northern edge"
LONGEST_S = 20


def judge(volunteer: User, *, comment: str = "", task: Any = None) -> None:
    task = task or task_lease(volunteer=volunteer, campaign="sky")[0]
    age_task(task.id, 60)
    said: dict[str, Any] = {"verdict": "rejected", "reasons": ["disturbed"], "trace": None, "comment": comment}
    vote_record(volunteer=volunteer, key=uuid.uuid4(), task_id=task.id, **said)


def until(is_so: Callable[[], bool]) -> None:
    ends = time.monotonic() + LONGEST_S
    while not is_so():
        assert time.monotonic() < ends, "it never came to that"
        time.sleep(0.02)


def someone_waits_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")
        return bool(cursor.fetchone()[0])


@pytest.mark.finding("security S6", "review 4.5", "review 13")
@pytest.mark.parametrize("is_held", [True, False], ids=["leased", "expired"])
def test_a_vote_on_its_way_is_counted_and_its_remark_erased(is_held: bool) -> None:
    make_campaign(targets=3)
    alice = make_volunteer()
    judge(alice, comment=REMARK)
    task, _is_new = task_lease(volunteer=alice, campaign="sky")
    if not is_held:
        age_task(task.id, 3600)
    is_stored = threading.Event()

    def work(number: int) -> None:
        if number == 0:
            with transaction.atomic():
                judge(alice, comment=f"{REMARK} again", task=task)
                is_stored.set()
                until(someone_waits_for_a_lock)
        else:
            assert is_stored.wait(LONGEST_S)
            account_erase(user=alice)

    at_once(2, work)
    assert list(Vote.objects.values_list("standing", "comment")) == [("counted", "")] * 2


@pytest.mark.finding("security S6", "review 4.5")
def test_a_vote_that_comes_while_its_author_is_erased_leaves_no_remark() -> None:
    make_campaign(targets=3)
    alice = make_volunteer()
    task, _is_new = task_lease(volunteer=alice, campaign="sky")
    is_erasing = threading.Event()

    def wait_for_the_vote(**_: Any) -> None:
        is_erasing.set()
        until(someone_waits_for_a_lock)

    def work(number: int) -> None:
        if number == 0:
            account_erase(user=alice)
        else:
            assert is_erasing.wait(LONGEST_S)
            judge(alice, comment=REMARK, task=task)

    account_erasing.connect(wait_for_the_vote)
    try:
        at_once(2, work)
    finally:
        account_erasing.disconnect(wait_for_the_vote)
    assert [vote.comment for vote in Vote.objects.all()] == [""]


@pytest.mark.finding("security S6", "review 4.5", "abuse A30")
def test_a_consensus_that_is_being_computed_does_not_bring_an_erased_remark_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make_campaign(targets=2)
    alice = make_volunteer()
    judge(alice, comment=REMARK)
    meanwhile = Meanwhile(monkeypatch, lambda batch: account_erase(user=alice) and None if batch == 1 else None)
    consensus_refresh()
    consensus_refresh()
    assert meanwhile.batches == 2
    notes = list(Consensus.objects.filter(volunteer_count=1).values_list("note", flat=True))
    assert notes
    assert not any("canary" in note for note in notes)
    assert not Target.objects.exclude(stale_since=None).exists()


@pytest.mark.finding("review 4.2", "review 13")
def test_whom_staff_declare_honest_during_a_refit_keeps_the_weight() -> None:
    campaign = make_campaign(targets=6, overlap=8)
    first, second = make_volunteer(1), make_volunteer(2)
    for volunteer in (first, second):
        judge(volunteer)
        volunteer_discount(volunteer=volunteer)
        judge(volunteer)
        # The other judges other galaxies: a decision about one person waits for galaxies that both have judged.
        judged = Target.objects.filter(pk__in=Vote.objects.values("target"))
        judged.update(state=Target.State.RETIRED, retired_at=Now())
    spared: list[Any] = []

    def dismiss_the_other(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        done = execute(sql, params, many, context)
        if "array_append(flags" in sql and not spared:
            flagged = Vote.objects.filter(id__in=params["votes"]).values_list("volunteer_id", flat=True)
            spared.append(Suspicion.objects.exclude(volunteer__in=list(flagged)).get())
            at_once(1, lambda _number: suspicion_dismiss(suspicion=spared[0]))
        return done

    with connection.execute_wrapper(dismiss_the_other):
        suspicions_find(campaign=campaign)
    (honest,) = spared
    weightless = Vote.objects.filter(flags__contains=["implausible"])
    assert set(weightless.values_list("volunteer_id", flat=True)) == {first.pk, second.pk} - {honest.volunteer_id}
    assert weightless.count() == 2


@pytest.mark.finding("security S6", "abuse A30")
def test_a_report_made_while_somebody_is_erased_does_not_name_the_old_number(monkeypatch: pytest.MonkeyPatch) -> None:
    campaign = make_campaign(targets=2)
    alice = make_volunteer()
    judge(alice)
    make, made = REPORTS["volunteers"], []

    def then_erase(chosen: Any) -> Any:
        report = make(chosen)
        made.append(report)
        if len(made) == 1:
            at_once(1, lambda _number: account_erase(user=alice))
        return report

    monkeypatch.setitem(REPORTS, "volunteers", then_erase)
    kept = report_keep(campaign=campaign, name="volunteers")
    assert alice.public_name in str(made[0].rows)
    assert alice.public_name not in kept.content
    assert User.objects.get(pk=alice.pk).public_name in kept.content
