"""The field guide: a task names the version that its holder is offered, and the vote keeps it."""

from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client

from giz.accounts.models import User
from giz.texts.models import TextVersion
from giz.texts.selectors import common_guide
from giz.texts.services import text_write
from labeling.models import Campaign, Task, Vote
from tests.labeling.sky import lease, make_campaign, post, vote_body

pytestmark = pytest.mark.django_db


def write(name: str, author: User, after: int = 0) -> int:
    return text_write(name=name, markdown=f"# Guide after {after}", after=after, author=author).pk


def vote(client: Client, task: dict[str, Any]) -> Vote:
    answer = post(client, "votes/", vote_body(task["id"]))
    assert answer.status_code == 201, answer.content
    return Vote.objects.get(key=answer.json()["key"])


def test_a_task_names_the_common_guide_and_so_does_its_vote(campaign: Campaign, alice_client: Client) -> None:
    task = lease(alice_client)
    assert task["guide"] == common_guide()
    assert vote(alice_client, task).guide_id == task["guide"]


def test_a_campaigns_own_guide_wins_and_is_that_of_no_other(
    campaign: Campaign, alice_client: Client, bob: User
) -> None:
    make_campaign("sky2", standard_set=campaign.standard_set)
    own = write("field-guide/sky", bob)
    write("field-guide", bob, after=1)
    assert lease(alice_client, "sky")["guide"] == own
    other = lease(alice_client, "sky2")["guide"]
    assert other == common_guide()
    assert other != own


def test_a_vote_names_what_was_offered_not_what_came_later(campaign: Campaign, alice_client: Client, bob: User) -> None:
    task = lease(alice_client)
    newer = write("field-guide/sky", bob)
    assert vote(alice_client, task).guide_id == task["guide"] != newer
    following = lease(alice_client)
    assert following["guide"] == newer
    assert vote(alice_client, following).guide_id == newer


def test_who_gets_a_galaxy_again_is_offered_the_newest_guide(
    campaign: Campaign, alice_client: Client, bob: User
) -> None:
    task = lease(alice_client)
    post(alice_client, "tasks/release/", {"tasks": [task["id"]]})
    newer = write("field-guide/sky", bob)
    again = lease(alice_client)
    assert (again["id"], again["guide"]) == (task["id"], newer)


def test_after_undo_the_task_keeps_its_guide(campaign: Campaign, alice_client: Client, bob: User) -> None:
    task = lease(alice_client)
    first = vote(alice_client, task)
    write("field-guide/sky", bob)
    undone = post(alice_client, f"votes/{first.key}/undo/", {}).json()["task"]
    assert undone["guide"] == task["guide"]


def test_the_guide_of_a_vote_is_history(campaign: Campaign, alice_client: Client, bob: User) -> None:
    stored = vote(alice_client, lease(alice_client))
    newer = write("field-guide/sky", bob)
    with pytest.raises(DatabaseError), transaction.atomic():
        Vote.objects.filter(pk=stored.pk).update(guide_id=newer)


def test_everybody_can_read_a_version_of_a_guide_and_no_other_text(client: Client, bob: User) -> None:
    made = text_write(name="field-guide", markdown="# Bars\n\n<script>x</script> **ignore**", after=1, author=bob)
    answer = client.get(f"/api/v1/field-guides/{made.pk}/")
    assert (answer.status_code, answer.json()["title"]) == (200, "Bars")
    assert "<strong>ignore</strong>" in answer.json()["html"]
    assert "<script>" not in answer.json()["html"]
    assert "max-age" in answer["Cache-Control"]
    about = TextVersion.objects.get(name="about")
    for number in (about.pk, 10**9, 10**30):
        assert client.get(f"/api/v1/field-guides/{number}/").status_code == 404


def test_practice_offers_the_common_guide(campaign: Campaign, client: Client) -> None:
    round_ = post(client, "practice/", {"kind": "free", "after": ""}).json()
    assert {galaxy["guide"] for galaxy in round_["galaxies"]} == {common_guide()}


def test_without_any_guide_people_vote_all_the_same(campaign: Campaign, alice_client: Client) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE texts_textversion DISABLE TRIGGER texts_version_is_history")
        cursor.execute("DELETE FROM texts_textversion")
    task = lease(alice_client)
    assert task["guide"] is None
    assert vote(alice_client, task).guide_id is None
    assert Task.objects.get(id=task["id"]).guide_id is None
