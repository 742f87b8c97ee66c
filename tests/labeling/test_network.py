"""A network's answers in a campaign: they order fresh galaxies and raise doubts, reach no volunteer and no label."""

import json
import re
from typing import Any

import numpy as np
import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from giz.core.models import AuditEvent
from labeling.aggregation.need import FRESH, WANTED_LEVELS
from labeling.aggregation.usefulness import EXPLORATION_SHARE, lot_of
from labeling.models import Campaign, Consensus, NetworkAnswer, NetworkOrder, Target, Vote
from labeling.reports import report_of
from labeling.selectors import campaign_votes_to_go
from labeling.services.consensus import consensus_rebuild, consensus_refresh
from labeling.services.exports import labels_export
from labeling.services.leases import task_lease
from labeling.services.network import (
    GalaxyAnswer,
    answers_take,
    doubt_dismiss,
    galaxies_to_ask,
    queue_is_due,
    queue_order,
    queue_unorder,
)
from labeling.services.targets import target_reopen, targets_make_golden
from tests.labeling.sky import age_task, client_of, lease, make_campaign, make_volunteer, post, vote_body

pytestmark = pytest.mark.django_db
MODEL = "a" * 64


def answer(target: Target, inclination_deg: float = 60.0, sigma_deg: float = 2.0, **changes: float) -> GalaxyAnswer:
    return GalaxyAnswer(target.galaxy_id, inclination_deg, sigma_deg, **{"rejection": 0.02, **changes})


def take(campaign: Campaign, answers: list[GalaxyAnswer], model: str = MODEL) -> NetworkOrder:
    answers_take(campaign=campaign, model=model, answers=answers)
    return queue_order(campaign=campaign, model=model)


def told(target: Target, verdict: str = "accepted", inclination_deg: float | None = 60.5) -> None:
    """Three people say this of a target, as imported votes of counted standing."""
    for number in range(3):
        rounded = {} if inclination_deg is None else {"inclination_rounded_deg": round(inclination_deg)}
        Vote.objects.create(
            key=f"00000000-0000-0000-{number:04d}-{target.pk:012d}",
            target=target,
            volunteer=people()[number],
            verdict=verdict[0].upper(),
            inclination_deg=inclination_deg,
            **rounded,
        )
    Target.objects.filter(pk=target.pk).update(quota=3, vote_count=3, stale_since="2026-01-01T00:00:00Z")


def people() -> list[Any]:
    from giz.accounts.models import User

    found = list(User.objects.filter(email__startswith="volunteer10").order_by("pk"))
    return found or [make_volunteer(100 + number) for number in range(3)]


def at_home(count: int = 24) -> tuple[Campaign, list[Target]]:
    """A campaign of fixed overlap whose galaxies are all done, people and network agreeing on each."""
    campaign = make_campaign(targets=count)
    targets = list(Target.objects.order_by("pk"))
    answers_take(campaign=campaign, model=MODEL, answers=[answer(target, 60.4) for target in targets])
    for target in targets:
        told(target)
    consensus_refresh()
    return campaign, targets


# --- order ----------------------------------------------------------------------------------------------------------
def test_the_galaxies_that_the_network_is_least_sure_of_are_served_first(db: None) -> None:
    campaign = make_campaign(targets=60)
    targets = list(Target.objects.order_by("pk"))
    take(campaign, [answer(target, sigma_deg=1 + number / 10) for number, target in enumerate(targets)])
    unsure = {target.pk for target in targets[30:]}
    served = [task_lease(volunteer=make_volunteer(number), campaign="sky")[0].galaxy_id for number in range(8)]
    first = Target.objects.filter(galaxy_id__in=served)
    assert {target.need for target in first} == {WANTED_LEVELS[0]}
    chosen = [one for one in first if lot_of(campaign.seed, one.galaxy.pgc) >= EXPLORATION_SHARE]
    assert chosen
    assert {one.pk for one in chosen} <= unsure


def test_begun_galaxies_and_staffs_priority_stay_before_the_networks_wish(db: None) -> None:
    campaign = make_campaign(targets=20)
    begun, wanted = Target.objects.order_by("pk")[:2]
    Target.objects.filter(pk=begun.pk).update(need=3)
    Target.objects.filter(pk=wanted.pk).update(priority=4)
    take(campaign, [answer(target) for target in Target.objects.all()])
    begun.refresh_from_db()
    assert begun.need == 3
    assert task_lease(volunteer=make_volunteer(1), campaign="sky")[0].galaxy_id == wanted.galaxy_id
    assert task_lease(volunteer=make_volunteer(2), campaign="sky")[0].galaxy_id == wanted.galaxy_id
    Target.objects.filter(pk=wanted.pk).update(priority=6)
    assert task_lease(volunteer=make_volunteer(3), campaign="sky")[0].galaxy_id == begun.galaxy_id


def test_an_undone_vote_puts_the_galaxy_back_at_its_place(db: None) -> None:
    campaign = make_campaign(targets=20)
    take(campaign, [answer(target, sigma_deg=1 + target.pk % 7) for target in Target.objects.all()])
    task = lease(client_of(make_volunteer(1)))
    target = Target.objects.get(tasks=task["id"])
    before = target.need
    alice = client_of(target.tasks.get().volunteer)
    age_task(task["id"], 60)
    body = vote_body(task["id"])
    assert post(alice, "votes/", body).status_code == 201
    consensus_refresh()
    target.refresh_from_db()
    assert target.need < WANTED_LEVELS[0]
    assert post(alice, f"votes/{body['key']}/undo/").status_code == 200
    consensus_refresh()
    target.refresh_from_db()
    assert target.need == target.wanted == before


def test_another_model_orders_anew_and_what_is_done_keeps_its_answer() -> None:
    campaign, targets = at_home(6)
    reopened = targets[0]
    target_reopen(target=reopened)
    assert galaxies_to_ask(campaign=campaign, model=MODEL) == []
    assert galaxies_to_ask(campaign=campaign, model="b" * 64) == [reopened.galaxy_id]
    order = take(campaign, [answer(target, 88.0) for target in targets], model="b" * 64)
    assert order.answers == 1
    assert dict(NetworkAnswer.objects.values_list("target_id", "inclination_deg")) == {
        **{target.pk: 60.4 for target in targets[1:]},
        reopened.pk: 88.0,
    }


def test_after_a_rollback_doubts_are_those_of_the_version_that_answers_now() -> None:
    before = timezone.now()
    campaign, targets = at_home(24)
    wrong, kept = targets[:2]
    withdrawn, served = "b" * 64, "c" * 64
    # The version that is withdrawn answered these two while they were open, and wrongly.
    NetworkAnswer.objects.filter(target__in=(wrong, kept)).update(model=withdrawn, inclination_deg=88.0)
    queue_order(campaign=campaign, model=withdrawn)
    consensus_refresh()
    assert set(Target.objects.exclude(doubt="").values_list("pk", flat=True)) == {wrong.pk, kept.pk}
    doubt_dismiss(target=kept)

    assert galaxies_to_ask(campaign=campaign, model=served, made_at=timezone.now()) == [], "it may know the votes"
    assert not queue_is_due(campaign=campaign, model=withdrawn, made_at=None)
    asked = galaxies_to_ask(campaign=campaign, model=served, made_at=before)
    assert sorted(asked) == sorted(one.galaxy_id for one in targets if one != kept)
    answers = [answer(target, 60.4) for target in targets]
    assert answers_take(campaign=campaign, model=served, answers=answers, made_at=timezone.now()) == 0
    assert answers_take(campaign=campaign, model=served, answers=answers, made_at=before) == 23
    queue_order(campaign=campaign, model=served, made_at=before)
    consensus_refresh()
    wrong.refresh_from_db()
    assert (wrong.doubt, wrong.state) == ("", Target.State.RETIRED)
    answered = NetworkAnswer.objects.get(target=kept)
    assert (answered.model, answered.is_dismissed) == (withdrawn, True), "people were right; nobody is asked again"


def test_taking_the_order_back_leaves_the_queue_as_without_a_network(db: None) -> None:
    campaign = make_campaign(targets=30)
    take(campaign, [answer(target, sigma_deg=1 + target.pk % 9) for target in Target.objects.all()])
    assert Target.objects.exclude(need=FRESH).exists()
    queue_unorder(campaign=campaign)
    assert set(Target.objects.values_list("need", "wanted", "votes_to_go")) == {(FRESH, FRESH, None)}
    assert not NetworkOrder.objects.exists()
    assert NetworkAnswer.objects.count() == 30
    assert AuditEvent.objects.filter(action="queue_unordered").exists()


def test_a_lease_costs_no_more_statements_with_an_ordered_queue(db: None) -> None:
    campaign = make_campaign(targets=40)
    take(campaign, [answer(target, sigma_deg=1 + target.pk % 9) for target in Target.objects.all()])
    task_lease(volunteer=make_volunteer(1), campaign="sky")  # reads the standards once a process
    client = client_of(make_volunteer(2))
    with CaptureQueriesContext(connection) as statements:
        assert post(client, "tasks/", {"campaign": "sky"}).status_code == 201
    own = [entry["sql"] for entry in statements if not entry["sql"].startswith(("SAVEPOINT", "RELEASE"))]
    assert len(own) <= 5, own


def test_ordering_takes_the_same_number_of_statements_for_few_and_many(db: None) -> None:
    counts = []
    for name, targets in (("few", 5), ("many", 100)):
        campaign = make_campaign(name, targets=targets, **({"standard_set": counts[0][1]} if counts else {}))
        rows = [answer(target, sigma_deg=1 + target.pk % 9) for target in Target.objects.filter(campaign=campaign)]
        with CaptureQueriesContext(connection) as statements:
            take(campaign, rows)
        counts.append((len(statements), campaign.standard_set))
    assert counts[0][0] == counts[1][0]


@pytest.mark.parametrize(
    "wrong", [{"inclination_deg": 91.0}, {"sigma_deg": 0.0}, {"sigma_deg": float("nan")}, {"rejection": 1.2}]
)
def test_the_database_refuses_an_answer_that_is_none(campaign: Campaign, wrong: dict[str, float]) -> None:
    said = answer(Target.objects.all()[0], **wrong)
    with pytest.raises(IntegrityError), transaction.atomic():
        answers_take(campaign=campaign, model=MODEL, answers=[said])


def test_golden_targets_and_strangers_are_left_aside(campaign: Campaign) -> None:
    golden, other = Target.objects.order_by("pk")[:2]
    Target.objects.filter(pk=golden.pk).update(purpose="golden", known_deg=60)
    assert golden.galaxy_id not in galaxies_to_ask(campaign=campaign, model=MODEL)
    stranger = GalaxyAnswer(golden.galaxy_id + 999_999, 60, 2, 0.1)
    assert answers_take(campaign=campaign, model=MODEL, answers=[answer(golden), answer(other), stranger]) == 1


# --- nothing reaches a volunteer, nothing enters a label --------------------------------------------------------
def test_a_volunteer_learns_nothing_of_what_the_network_says(db: None) -> None:
    campaign = make_campaign(targets=8)
    take(campaign, [answer(target, 61.2345, 3.4567, rejection=0.56789) for target in Target.objects.all()])
    client = client_of(make_volunteer(1))
    task = lease(client)
    age_task(task["id"], 60)
    vote = post(client, "votes/", vote_body(task["id"]))
    pages = [json.dumps(task), vote.content.decode()]
    pages += [client.get(f"/api/v1/{path}").content.decode() for path in ("me/votes/", "campaigns/", "campaigns/sky/")]
    for page in (re.sub(r"T\d\d:\d\d:\d\d\.\d+Z", "", page) for page in pages):  # at 33.45 s one holds "3.45"
        for secret in ("61.2", "3.45", "0.567", MODEL, "network", "wanted", "doubt", "to_go", "sigma", "need"):
            assert secret not in page, secret


def test_labels_are_the_same_bytes_whatever_the_network_says(tmp_path: Any) -> None:
    """No contamination: the consensus and its export before any answer, with a contradicting one, and without again."""
    campaign, targets = at_home()
    consensus_rebuild(campaign=campaign)
    NetworkAnswer.objects.all().delete()

    def labels(name: str) -> bytes:
        consensus_rebuild(campaign=campaign)
        labels_export(campaign=campaign, format_name="csv", path=tmp_path / f"{name}.csv")
        return (tmp_path / f"{name}.csv").read_bytes()

    before, consensuses = labels("before"), Consensus.objects.count()
    agree = [answer(target, 60.4) for target in targets[:-2]]
    wild = [answer(targets[-2], 89.0, 0.5), answer(targets[-1], 60.4, rejection=0.999)]
    take(campaign, [*agree, *wild])
    assert labels("with") == before
    assert Target.objects.filter(state="expert").count() == 2
    assert Consensus.objects.count() == consensuses, "not even a new consensus"
    queue_unorder(campaign=campaign)
    assert labels("after") == before


# --- doubts ---------------------------------------------------------------------------------------------------------
def doubted(inclination_deg: float = 82.0, **changes: float) -> tuple[Campaign, Target]:
    campaign, targets = at_home()
    NetworkAnswer.objects.filter(target=targets[0]).update(inclination_deg=inclination_deg, **changes)
    queue_order(campaign=campaign, model=MODEL)
    consensus_refresh()
    return campaign, Target.objects.get(pk=targets[0].pk)


def test_a_doubt_goes_to_a_supervisor_whose_vote_ends_it() -> None:
    campaign, target = doubted()
    assert (target.state, target.quota) == ("expert", 4)
    assert target.doubt.startswith("People say 60.5°")
    assert target.retired_at is not None, "people are done with it"
    assert Consensus.objects.get(target=target, is_current=True, estimator="median").status == "retired"
    assert Target.objects.filter(state="expert").count() == 1

    supervisor = make_volunteer(9, role="supervisor", supervisor_rank=1)
    task, _ = task_lease(volunteer=supervisor, campaign="sky")
    assert task.galaxy_id == target.galaxy_id
    assert "doubt" not in str(task)
    age_task(task.id, 60)
    assert post(client_of(supervisor), "votes/", vote_body(task.id, 61.5)).status_code == 201
    consensus_refresh()
    queue_order(campaign=campaign, model=MODEL)
    consensus_refresh()
    target.refresh_from_db()
    assert (target.state, target.doubt) == ("retired", "")


def test_a_doubt_goes_when_staff_says_that_people_are_right(bob: Any, bob_client: Client) -> None:
    campaign, target = doubted()
    page = bob_client.get(f"/staff/labeling/target/{target.pk}/change/").content.decode()
    assert "errors apart" in page
    said = bob_client.post(f"/staff/labeling/target/{target.pk}/press/right/", follow=True).content.decode()
    assert "is done" in said
    consensus_refresh()  # as the worker does, whom the button wakes
    target.refresh_from_db()
    assert (target.state, target.doubt) == ("retired", "")
    queue_order(campaign=campaign, model=MODEL)
    consensus_refresh()
    target.refresh_from_db()
    assert target.state == "retired"
    assert AuditEvent.objects.get(action="doubt_dismissed").actor_number == bob.volunteer_number


def test_a_doubt_goes_with_the_network_and_comes_back_with_it() -> None:
    campaign, target = doubted()
    retired_at = target.retired_at
    queue_unorder(campaign=campaign)
    consensus_refresh()
    target.refresh_from_db()
    assert (target.state, target.doubt, target.retired_at) == ("retired", "", retired_at)
    queue_order(campaign=campaign, model=MODEL)
    consensus_refresh()
    target.refresh_from_db()
    assert target.state == "expert"


def test_staff_can_ask_one_more_person_about_a_doubted_galaxy() -> None:
    _campaign, target = doubted()
    target_reopen(target=target)
    consensus_refresh()
    target.refresh_from_db()
    assert (target.state, target.doubt, target.asked) == ("open", "", 4)


def test_a_doubted_galaxy_that_becomes_golden_is_in_doubt_no_more() -> None:
    campaign, target = doubted()
    Consensus.objects.filter(target=target).update(sigma_deg=1.0)
    assert targets_make_golden(campaign=campaign, target_ids=[target.pk]) == 1
    queue_order(campaign=campaign, model=MODEL)
    consensus_refresh()
    target.refresh_from_db()
    assert (target.state, target.doubt) == ("open", "")


def test_a_sure_rejection_of_what_people_accept_is_a_doubt() -> None:
    _campaign, target = doubted(60.4, rejection=0.995)
    assert target.doubt == "People accept it; the network rejects it with a probability of 99.5%."


def test_a_network_that_is_not_at_home_floods_nobody(db: None) -> None:
    """Far off everywhere, with tiny stated errors: its bias and its real width are measured against people first."""
    campaign = make_campaign(targets=60)
    targets = list(Target.objects.order_by("pk"))
    rng = np.random.default_rng(4)
    take(campaign, [answer(target, float(rng.uniform(62, 88)), 0.5) for target in targets])
    for target in targets:
        told(target)
    consensus_refresh()
    order = queue_order(campaign=campaign, model=MODEL)
    consensus_refresh()
    assert order.compared == 60
    assert order.bias_deg < -10
    assert order.error_scale > 1.5
    assert Target.objects.filter(state="expert").count() <= 1


# --- votes to go ----------------------------------------------------------------------------------------------------
def test_votes_to_go_follow_the_answers_and_then_the_votes(db: None) -> None:
    campaign = make_campaign(targets=2, retirement="adaptive", estimator="robust")
    edge_on, inclined = Target.objects.order_by("pk")
    take(campaign, [answer(edge_on, 89.0, 0.4, rejection=1.0), answer(inclined, 60.0, 0.5, rejection=0.0)])
    assert dict(Target.objects.values_list("pk", "votes_to_go")) == {edge_on.pk: 2.0, inclined.pk: 3.0}
    told(edge_on, inclination_deg=88.5)
    consensus_refresh()
    edge_on.refresh_from_db()
    assert (edge_on.state, edge_on.votes_to_go) == ("retired", 0.0)
    report = report_of(campaign, "network")
    assert report.figures["votes"] == campaign_votes_to_go(campaign) == 3.0
    assert report.lines[0] == "About 3 votes are still to come: 3 on 1 galaxy that nobody has judged."


def test_the_report_lists_what_is_in_doubt_and_staff_sees_the_totals(bob_client: Client) -> None:
    campaign, target = doubted()
    report = report_of(campaign, "network")
    assert [(row[0], row[-1]) for row in report.rows] == [(str(target.galaxy.pgc), target.doubt)]
    assert report.figures["compared"] == 24
    page = bob_client.get("/staff/dashboard/").content.decode()
    assert "1 in doubt" in page
    page = bob_client.get(f"/staff/labeling/campaign/{campaign.pk}/change/").content.decode()
    assert "Model aaaaaaaaaaaa ordered 24 galaxies" in page
    page = bob_client.get("/staff/labeling/target/?in_doubt=1").content.decode()
    assert target.doubt in page
    page = bob_client.get(f"/staff/labeling/target/{target.pk}/change/").content.decode()
    assert "82.0° ± 2.0; rejected at 2.0% (model aaaaaaaaaaaa" in page


def test_staff_switches_the_network_off_for_a_campaign(bob_client: Client) -> None:
    campaign, _target = doubted()
    form = {"title": "Sky", "description": "", "lease_minutes": 15, "estimator": "median"}
    answer_ = bob_client.post(f"/staff/labeling/campaign/{campaign.pk}/change/", form)
    assert answer_.status_code == 302, answer_.content.decode()
    campaign.refresh_from_db()
    assert not campaign.uses_network
    assert not NetworkOrder.objects.exists()
    assert set(Target.objects.values_list("wanted", flat=True)) == {FRESH}
    consensus_refresh()
    assert not Target.objects.exclude(doubt="").exists()
