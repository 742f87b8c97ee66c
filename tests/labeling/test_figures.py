"""Public counts: a worker keeps them, requests read them, and they are the truth."""

import threading
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection, transaction
from django.db.models import F
from django.test import Client
from django.test.utils import CaptureQueriesContext

from labeling import tasks
from labeling.models import Figures, Target, Vote, VoteTally
from labeling.rules import SIMULATED_SOURCE
from labeling.selectors import site_stats
from labeling.services.campaigns import campaign_create, campaign_open, targets_add
from labeling.services.figures import _LOCK, figures_count
from labeling.services.leases import task_lease
from labeling.services.refits import campaign_refit, campaigns_to_refit
from labeling.services.votes import vote_record, vote_undo
from tests.history import history_unlocked
from tests.labeling.sky import FIRST_TARGET, age_task, make_campaign, make_galaxies, make_volunteer, trace_to

pytestmark = pytest.mark.finding("review 4.4")


def judge(volunteer: Any, campaign: str = "sky") -> uuid.UUID:
    task, _is_new = task_lease(volunteer=volunteer, campaign=campaign)
    age_task(task.id, 60)
    key = uuid.uuid4()
    vote_record(volunteer=volunteer, key=key, task_id=task.id, trace=trace_to(60.5), verdict="accepted")
    return key


def import_vote(target: Target, volunteer: Any, standing: str = "counted") -> None:
    Vote.objects.create(
        key=uuid.uuid4(), body_hash="0" * 64, target=target, volunteer=volunteer, standing=standing, verdict="J",
        is_imported=True,
    )  # fmt: skip


def ten_minutes_pass() -> None:
    Figures.objects.filter(campaign=None).update(next_since=F("next_since") - timedelta(minutes=11))


def the_truth() -> dict[str, int]:
    """By one look at all votes."""
    counted = Vote.objects.filter(standing="counted").exclude(target__campaign__state="draft")
    counted = counted.exclude(volunteer__import_source=SIMULATED_SOURCE)
    return {
        "volunteers": counted.values("volunteer").distinct().count(),
        "galaxies": counted.values("target__galaxy").distinct().count(),
        "votes": counted.count(),
    }


@pytest.mark.django_db
def test_a_request_reads_what_was_counted_and_never_counts(client: Client) -> None:
    make_campaign(targets=3)
    judge(make_volunteer())
    with CaptureQueriesContext(connection) as asked:
        for path in ("stats/", "campaigns/", "campaigns/sky/"):
            assert client.get(f"/api/v1/{path}").status_code == 200
    assert not [query for query in asked if "labeling_vote " in query["sql"] or "labeling_target" in query["sql"]]
    assert client.get("/api/v1/stats/").json()["votes"] == 0
    tasks.refresh_stale_consensus()
    assert client.get("/api/v1/stats/").json() == {"volunteers": 1, "galaxies": 1, "votes": 1}
    cache.clear()
    (said,) = client.get("/api/v1/campaigns/").json()
    assert (said["votes"], said["galaxies"], said["retired"]) == (1, 3, 0)


@pytest.mark.django_db
def test_the_counts_are_the_truth_however_often_they_are_counted() -> None:
    sky = make_campaign(targets=6)
    other = make_campaign("other", targets=2, standard_set=sky.standard_set)
    hidden = campaign_create(name="hidden", standard_set=sky.standard_set)
    shared = Target.objects.filter(campaign=sky).first()
    assert shared is not None
    (own,) = make_galaxies(FIRST_TARGET + 900, 1)
    targets_add(campaign=hidden, galaxy_ids=[shared.galaxy_id, own.pk])
    people = [make_volunteer(number) for number in range(3)]
    simulated = make_volunteer(9, import_source=SIMULATED_SOURCE, import_name="1-1")
    undone: list[uuid.UUID] = []
    for number in range(8):
        judge(people[number % 3], "sky" if number % 4 else "other")
        if number == 2:
            judge(simulated)
        if number in (3, 5):
            undone.append(judge(people[number % 3]))
        if number == 4:
            for target in Target.objects.filter(campaign=hidden):
                import_vote(target, people[0])
            import_vote(shared, people[1], "repeat")
        if number == 6:
            vote_undo(volunteer=people[5 % 3], key=undone[-1])
        figures_count()
        assert site_stats() == the_truth()
        if number % 3 == 2:
            ten_minutes_pass()
    ten_minutes_pass()
    figures_count()
    ten_minutes_pass()
    figures_count()
    assert site_stats() == the_truth()
    assert VoteTally.objects.exists()
    by_campaign = dict(Figures.objects.exclude(campaign=None).values_list("campaign__name", "votes"))
    for campaign in (sky, other, hidden):
        counted = Vote.objects.filter(target__campaign=campaign, standing="counted")
        assert by_campaign[campaign.name] == counted.count()
        people_here = counted.values("volunteer").distinct().count()
        assert Figures.objects.get(campaign=campaign).people == people_here
    campaign_open(campaign=hidden)
    figures_count()
    assert site_stats() == the_truth(), "votes imported into a draft are public once it is open"


@pytest.mark.django_db(transaction=True)
def test_while_one_process_counts_the_others_do_not() -> None:
    make_campaign(targets=1)
    said: list[bool] = []

    def count() -> None:
        try:
            said.append(figures_count())
        finally:
            connection.close()

    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        thread = threading.Thread(target=count)
        thread.start()
        thread.join(timeout=60)
    assert said == [False]


@pytest.mark.django_db
@pytest.mark.finding("review 24")
def test_votes_without_weight_do_not_make_a_campaign_be_fitted_again_and_again() -> None:
    campaign = make_campaign(targets=40)
    for number in range(2):
        person = make_volunteer(number)
        for _galaxy in range(30):
            judge(person)
    Vote.objects.filter(volunteer=person).update(flags=["implausible"])
    assert campaigns_to_refit() == [campaign]
    campaign_refit(campaign=campaign)
    assert campaigns_to_refit() == []


@pytest.mark.django_db
@pytest.mark.finding("review 24")
def test_whether_a_fit_is_due_is_asked_without_looking_at_votes_of_before() -> None:
    campaign = make_campaign(targets=4)
    judge(make_volunteer())
    for _time in range(2):
        figures_count()
        ten_minutes_pass()
    figures_count()
    newest = Vote.objects.order_by("-pk").values_list("pk", flat=True).first()
    assert Figures.objects.get(campaign=None).tallied_to == newest
    with history_unlocked():
        Vote.objects.filter(pk=newest).update(standing="surplus")
    figures_count()
    assert Figures.objects.get(campaign=campaign).votes == 1, "what is tallied is not looked at again"
