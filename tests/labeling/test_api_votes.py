"""POST votes/ over HTTP: what counts, what is refused and how it is said."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from labeling.models import Campaign, Target, Task, Vote
from tests.labeling.sky import lease, post, vote_body

pytestmark = pytest.mark.django_db


def age_task(task_id: Any, seconds: float) -> None:
    """Let time pass for a task: the database's clock can't be moved, so the lease is."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE labeling_task SET checked_out_at = checked_out_at - make_interval(secs => %s), "
            "due_at = due_at - make_interval(secs => %s) WHERE id = %s",
            [seconds, seconds, task_id],
        )


def test_a_vote_is_stored_as_the_replay_says(campaign: Campaign, alice: Any, alice_client: Any) -> None:
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
    assert vote.rule_version == "comparison-1"
    target = Target.objects.get(pk=vote.target_id)
    assert (target.vote_count, target.lease_count) == (1, 0)
    assert target.stale_since is not None
    assert Task.objects.get(pk=task["id"]).state == "voted"


def test_voting_takes_at_most_eight_statements(campaign: Campaign, alice_client: Any) -> None:
    post(alice_client, "votes/", vote_body(lease(alice_client)["id"]))
    task = lease(alice_client)
    with CaptureQueriesContext(connection) as statements:
        assert post(alice_client, "votes/", vote_body(task["id"])).status_code == 201
    sent = [entry["sql"] for entry in statements if not entry["sql"].startswith(("SAVEPOINT", "RELEASE"))]
    assert len(sent) <= 8, sent
