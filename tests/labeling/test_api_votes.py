"""POST votes/ over HTTP: what counts, what is refused and how it is said; undoing."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import F
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from giz.catalog.models import Galaxy
from labeling.models import Campaign, Target, Task, Vote
from labeling.services.campaigns import campaign_close
from labeling.services.leases import leases_release_expired
from tests.history import history_unlocked
from tests.labeling.sky import (
    FACE_ON_TRACE,
    age_task,
    client_of,
    lease,
    make_campaign,
    make_volunteer,
    post,
    trace_to,
    vote_body,
)

pytestmark = pytest.mark.django_db


def rejection(task_id: Any, **changes: Any) -> dict[str, Any]:
    return vote_body(task_id, **{"verdict": "rejected", "reasons": ["disturbed"], "trace": None, **changes})


def code_of(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def test_a_vote_is_stored_as_the_replay_says(campaign: Campaign, alice: Any, alice_client: Client) -> None:
    task = lease(alice_client)
    body = vote_body(task["id"], 59.5, reasons=["ambiguous"], comment="a bar?")
    answer = post(alice_client, "votes/", body)
    assert answer.status_code == 201, answer.content
    said = answer.json()
    assert set(said) == {"key", "task", "verdict", "inclination_deg", "created_at", "undo_until", "replayed"}
    assert (said["key"], said["task"], said["verdict"]) == (body["key"], task["id"], "A")
    assert said["inclination_deg"] == 59.5
    assert said["replayed"] is False
    vote = Vote.objects.get(key=body["key"])
    assert vote.inclination_rounded_deg in (59, 60)
    assert (vote.volunteer, vote.trace, vote.reasons, vote.comment) == (alice, body["trace"], ["ambiguous"], "a bar?")
    assert vote.standard_set_id == campaign.standard_set_id
    assert vote.rule_version == "comparison-2"
    target = Target.objects.get(pk=vote.target_id)
    assert (target.vote_count, target.lease_count) == (1, 0)
    assert target.stale_since is not None
    assert Task.objects.get(pk=task["id"]).state == "voted"


def test_voting_takes_at_most_eight_statements_whatever_came_before(campaign: Campaign, alice_client: Client) -> None:
    counts = []
    for _cycle in range(3):
        task = lease(alice_client)
        with CaptureQueriesContext(connection) as statements:
            assert post(alice_client, "votes/", vote_body(task["id"])).status_code == 201
        counts.append(sum(not entry["sql"].startswith(("SAVEPOINT", "RELEASE")) for entry in statements))
    assert counts[1] == counts[2] <= 8


def test_face_on_comes_from_the_trace_or_from_a_rejection_that_says_so(
    campaign: Campaign, alice_client: Client
) -> None:
    bodies = [
        vote_body(lease(alice_client)["id"], trace=FACE_ON_TRACE, verdict="face_on"),
    ]
    assert post(alice_client, "votes/", bodies[0]).json()["verdict"] == "F"
    second = rejection(lease(alice_client)["id"], reasons=["face_on", "bad_TF"])
    assert post(alice_client, "votes/", second).json()["verdict"] == "F"
    third = rejection(lease(alice_client)["id"], reasons=["multiple", "HI"], trace=trace_to(60.5))
    said = post(alice_client, "votes/", third).json()
    assert (said["verdict"], said["inclination_deg"]) == ("J", None)
    assert not Vote.objects.exclude(inclination_deg=None).exists()
    assert Vote.objects.get(key=third["key"]).reasons == ["HI", "multiple"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"verdict": "face_on"}, "trace_mismatch"),
        ({"trace": FACE_ON_TRACE}, "trace_mismatch"),
        ({"trace": None}, "trace_mismatch"),
        ({"trace": {"version": 1, "steps": trace_to(60.5)["steps"][:1]}}, "trace_mismatch"),
        ({"trace": {"version": 1, "steps": trace_to(60.5)["steps"][1:]}}, "bad_trace"),
        ({"trace": {**trace_to(60.5), "inclination_deg": 75}}, "bad_trace"),
        ({"trace": 75}, "bad_trace"),
        ({"verdict": "rejected"}, "reason_required"),
        ({"verdict": "rejected", "reasons": ["disturbed"], "trace": {}}, "bad_trace"),
        ({"verdict": "great"}, "validation_error"),
        ({"reasons": ["ugly"]}, "validation_error"),
        ({"comment": "x" * 501}, "validation_error"),
        ({"comment": "\ud800"}, "validation_error"),
        ({"comment": "a\x00b"}, "bad_json"),
        ({"key": 7}, "validation_error"),
        ({"key": True}, "validation_error"),
        ({"shown_ms": -1}, "validation_error"),
        ({"shown_ms": True}, "validation_error"),
        ({"shown_ms": "5000"}, "validation_error"),
        ({"shown_ms": 1e308}, "validation_error"),
        ({"inclination_deg": 75.0}, "unknown_field"),
        ({"weight": 100}, "unknown_field"),
        ({"volunteer": 1}, "unknown_field"),
    ],
)
def test_a_vote_that_can_not_be_is_refused_and_the_lease_stays(
    campaign: Campaign, alice_client: Client, changes: dict[str, Any], code: str
) -> None:
    task = lease(alice_client)
    assert code_of(post(alice_client, "votes/", {**vote_body(task["id"]), **changes})) == (400, code)
    assert not Vote.objects.exists()
    assert Task.objects.get(pk=task["id"]).state == "leased"
    assert post(alice_client, "votes/", vote_body(task["id"])).status_code == 201


@pytest.mark.finding("abuse A27")
def test_the_same_key_again_is_the_same_vote(campaign: Campaign, alice_client: Client) -> None:
    body = vote_body(lease(alice_client)["id"])
    first = post(alice_client, "votes/", body).json()
    again = post(alice_client, "votes/", body)
    assert again.status_code == 200
    assert again.json() == {**first, "replayed": True}
    assert Vote.objects.count() == 1
    assert sum(Target.objects.values_list("vote_count", flat=True)) == 1


@pytest.mark.finding("abuse A27")
def test_the_same_key_for_another_vote_is_refused(
    campaign: Campaign, alice_client: Client, charlie_client: Client
) -> None:
    body = vote_body(lease(alice_client)["id"], 59.5)
    post(alice_client, "votes/", body)
    assert code_of(post(alice_client, "votes/", {**body, "trace": trace_to(60.5)})) == (422, "key_reused")
    assert code_of(post(alice_client, "votes/", {**body, "task": lease(alice_client)["id"]})) == (422, "key_reused")
    foreign = {**body, "task": lease(charlie_client)["id"]}
    assert code_of(post(charlie_client, "votes/", foreign)) == (422, "key_reused")


def test_a_galaxy_is_judged_once(campaign: Campaign, alice_client: Client) -> None:
    task = lease(alice_client)
    post(alice_client, "votes/", vote_body(task["id"]))
    assert code_of(post(alice_client, "votes/", vote_body(task["id"]))) == (409, "already_voted")
    assert Vote.objects.count() == 1


@pytest.mark.finding("abuse A16")
def test_somebody_elses_task_looks_like_none(campaign: Campaign, alice_client: Client, charlie_client: Client) -> None:
    task = lease(alice_client)
    foreign = post(charlie_client, "votes/", vote_body(task["id"]))
    missing = post(charlie_client, "votes/", vote_body(uuid.uuid4()))
    assert foreign.status_code == missing.status_code == 404
    assert foreign.json() == missing.json()


def test_a_late_vote_counts_while_its_place_is_free(campaign: Campaign, alice_client: Client) -> None:
    task = lease(alice_client)
    age_task(task["id"], 16 * 60)
    leases_release_expired()
    body = vote_body(task["id"])
    assert post(alice_client, "votes/", body).status_code == 201
    vote = Vote.objects.get(key=body["key"])
    assert (vote.standing, vote.flags) == ("counted", ["late"])
    target = Target.objects.get(pk=vote.target_id)
    assert (target.vote_count, target.lease_count) == (1, 0)


@pytest.mark.finding("abuse A27")
def test_a_late_vote_whose_place_was_taken_is_kept_as_surplus(alice_client: Client, charlie_client: Client) -> None:
    make_campaign(targets=1, overlap=1)
    task = lease(alice_client)
    age_task(task["id"], 16 * 60)
    lease(charlie_client)
    body = vote_body(task["id"])
    for _time in range(2):
        assert code_of(post(alice_client, "votes/", body)) == (409, "lease_lost")
    vote = Vote.objects.get()
    assert (vote.standing, vote.inclination_deg) == ("surplus", 59.5)
    target = Target.objects.get()
    assert (target.vote_count, target.lease_count) == (0, 1)


def test_a_late_vote_on_a_finished_galaxy_is_kept_as_surplus(alice_client: Client, charlie_client: Client) -> None:
    make_campaign(targets=1, overlap=1)
    task = lease(alice_client)
    age_task(task["id"], 16 * 60)
    post(charlie_client, "votes/", vote_body(lease(charlie_client)["id"]))
    Target.objects.update(state="retired", retired_at=timezone.now())
    assert code_of(post(alice_client, "votes/", vote_body(task["id"]))) == (409, "retired")
    assert Vote.objects.get(standing="surplus").flags == ["late", "retired"]


@pytest.mark.finding("abuse A27")
def test_a_vote_in_the_first_second_is_flagged(campaign: Campaign, alice_client: Client) -> None:
    quick, slow = lease(alice_client), None
    assert post(alice_client, "votes/", vote_body(quick["id"])).status_code == 201
    slow = lease(alice_client)
    age_task(slow["id"], 2)
    post(alice_client, "votes/", vote_body(slow["id"]))
    assert list(Vote.objects.order_by("id").values_list("flags", flat=True)) == [["too_fast"], []]


@pytest.mark.finding("flow F5")
@pytest.mark.parametrize(
    ("held_s", "shown_ms", "stored_ms", "flags"),
    [
        (9, 4_400, 4_400, []),
        (9, 330, 330, ["too_fast"]),
        (9, 0, 0, ["too_fast"]),
        (9, 1_000, 1_000, []),
        (0, 60_000, None, ["too_fast"]),
        (9, 86_400_000, None, []),
        (9, None, None, []),
    ],
    ids=["human", "hasty", "unseen", "just_long_enough", "lie_at_once", "lie", "old_page"],
)
def test_the_time_of_a_vote_is_the_time_on_screen_and_at_most_that_of_the_lease(
    campaign: Campaign, alice_client: Client, held_s: int, shown_ms: int | None, stored_ms: int | None, flags: list[str]
) -> None:
    """A galaxy that was loaded ahead has been leased for long before anybody saw it."""
    task = lease(alice_client)
    age_task(task["id"], held_s)
    body = vote_body(task["id"], shown_ms=shown_ms)
    assert post(alice_client, "votes/", body).status_code == 201
    vote = Vote.objects.get()
    assert vote.flags == flags
    if stored_ms is None and shown_ms is not None:
        assert vote.shown_ms is not None
        assert held_s * 1000 <= vote.shown_ms < (held_s + 30) * 1000, "no longer than the lease"
    else:
        assert vote.shown_ms == stored_ms
    assert post(alice_client, "votes/", body).json()["replayed"] is True


@pytest.mark.finding("flow F5")
def test_votes_that_waited_offline_keep_their_time_on_screen(campaign: Campaign, alice_client: Client) -> None:
    held = [lease(alice_client)["id"]]
    held.append(lease(alice_client, held=held)["id"])
    for task_id in held:
        age_task(task_id, 600)
    for task_id in held:
        post(alice_client, "votes/", vote_body(task_id, shown_ms=5_000))
    assert list(Vote.objects.values_list("shown_ms", "flags")) == [(5_000, []), (5_000, [])]


@pytest.mark.finding("flow F18")
def test_a_late_vote_after_the_end_of_a_campaign_is_told_so(campaign: Campaign, alice_client: Client) -> None:
    task = lease(alice_client)
    age_task(task["id"], 16 * 60)
    leases_release_expired()
    campaign_close(campaign=campaign)
    body = vote_body(task["id"])
    for _time in range(2):
        assert code_of(post(alice_client, "votes/", body)) == (409, "campaign_closed")
    assert Vote.objects.get().standing == "surplus"


@pytest.mark.finding("review 4.10", "security S13", "abuse A28")
def test_what_a_galaxy_is_is_told_only_after_the_vote(campaign: Campaign, alice_client: Client) -> None:
    """Names and numbers of synthetic galaxies would say which targets are golden, and what to ask the network."""
    Galaxy.objects.update(name="Demo 17")
    task = lease(alice_client)
    other = lease(client_of(make_volunteer()))
    pgc = str(Task.objects.get(pk=task["id"]).target.galaxy.pgc)
    body = vote_body(task["id"])
    renewed = post(alice_client, f"tasks/{task['id']}/renew/")
    vote = post(alice_client, "votes/", body)
    undone = post(alice_client, f"votes/{body['key']}/undo/")
    assert undone.json()["task"]["target"]["label"] == task["target"]["label"]
    listed = alice_client.get("/api/v1/me/votes/").json()["results"]
    assert [(row["standing"], row["label"]) for row in listed] == [("superseded", task["target"]["label"])]
    for said in (
        task["target"]["label"],
        str(renewed.json()),
        str(vote.json()),
        undone.json()["task"]["target"]["label"],
    ):
        assert "Demo" not in said
        assert "PGC" not in said
        assert pgc not in said
    assert task["target"]["label"].startswith("Galaxy ")
    assert other["target"]["label"] != task["target"]["label"]
    post(alice_client, "votes/", vote_body(task["id"]))
    votes = alice_client.get("/api/v1/me/votes/").json()["results"]
    assert votes[0]["label"] == "Demo 17"


def test_undoing_gives_the_same_task_again_and_the_vote_stays_as_history(
    campaign: Campaign, alice_client: Client
) -> None:
    task = lease(alice_client)
    body = vote_body(task["id"], 59.5)
    post(alice_client, "votes/", body)
    answer = post(alice_client, f"votes/{body['key']}/undo/")
    assert answer.status_code == 200
    again = answer.json()["task"]
    assert {**again, "due_at": "", "due_in_s": 0} == {**task, "due_at": "", "due_in_s": 0}
    old = Vote.objects.get(key=body["key"])
    assert old.standing == "superseded"
    assert old.superseded_at is not None
    target = Target.objects.get(pk=old.target_id)
    assert (target.vote_count, target.lease_count) == (0, 1)
    assert post(alice_client, f"votes/{body['key']}/undo/").json()["task"]["id"] == task["id"]
    assert post(alice_client, "votes/", vote_body(task["id"], 61.5)).status_code == 201
    assert sorted(Vote.objects.values_list("standing", "inclination_deg")) == [("counted", 61.5), ("superseded", 59.5)]
    assert code_of(post(alice_client, f"votes/{body['key']}/undo/")) == (409, "too_late_to_undo")


def test_after_five_minutes_a_vote_stands(campaign: Campaign, alice_client: Client) -> None:
    body = vote_body(lease(alice_client)["id"])
    post(alice_client, "votes/", body)
    with history_unlocked():
        Vote.objects.update(created_at=F("created_at") - timedelta(minutes=6))
    assert code_of(post(alice_client, f"votes/{body['key']}/undo/")) == (409, "too_late_to_undo")
    assert Vote.objects.get().standing == "counted"


@pytest.mark.finding("abuse A16")
def test_only_the_voter_can_undo(campaign: Campaign, alice_client: Client, bob_client: Client) -> None:
    body = vote_body(lease(alice_client)["id"])
    post(alice_client, "votes/", body)
    assert code_of(post(bob_client, f"votes/{body['key']}/undo/")) == (404, "not_found")
    assert code_of(post(alice_client, f"votes/{uuid.uuid4()}/undo/")) == (404, "not_found")


@pytest.mark.parametrize("role", ["volunteer", "supervisor", "staff"])
def test_every_role_may_vote(campaign: Campaign, role: str) -> None:
    client = client_of(make_volunteer(role=role))
    assert post(client, "votes/", vote_body(lease(client)["id"])).status_code == 201


def test_strangers_and_closed_accounts_may_not(campaign: Campaign, client: Client, alice: Any) -> None:
    assert code_of(post(client, "votes/", vote_body(uuid.uuid4()))) == (401, "not_authenticated")
    member = client_of(alice)
    task = lease(member)
    alice.is_active = False
    alice.save()
    assert code_of(post(member, "votes/", vote_body(task["id"]))) == (401, "not_authenticated")


def test_no_answer_tells_who_voted_or_what_the_galaxy_really_is(campaign: Campaign, alice_client: Client) -> None:
    task = lease(alice_client)
    said = post(alice_client, "votes/", vote_body(task["id"]))
    for answer in (task, said.json()):
        text = str(answer)
        assert "example.org" not in text
        assert "volunteer" not in text
        assert "synthetic" not in text
