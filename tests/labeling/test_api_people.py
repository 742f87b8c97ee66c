"""me/, me/votes/, stats/, campaigns/ over HTTP, and the schema of it all."""

import io
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from labeling.models import Campaign
from labeling.services.campaigns import campaign_close, campaign_pause
from labeling.services.consensus import consensus_refresh
from labeling.services.figures import figures_count
from tests.labeling.sky import client_of, lease, make_campaign, make_volunteer, post, vote_body
from tests.labeling.test_consensus import judge

pytestmark = pytest.mark.django_db


def get(client: Client, path: str) -> Any:
    return client.get(f"/api/v1/{path}")


def test_a_stranger_is_nobody_and_gets_the_csrf_cookie(client: Client) -> None:
    answer = get(client, "me/")
    assert answer.status_code == 200
    assert answer.json() == {
        "volunteer": None, "role": None, "counts": {"votes": 0, "rejected": 0}, "preferences": {}
    }  # fmt: skip
    assert "csrftoken" in answer.cookies


@pytest.mark.finding("abuse A18")
def test_a_changing_request_takes_no_parameters(alice: Any, alice_client: Client) -> None:
    body = {"preferences": {"theme": "dark"}}
    answer = alice_client.patch("/api/v1/me/?role=staff", body, content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (400, "unknown_filter")
    alice.refresh_from_db()
    assert alice.preferences == {}


def test_any_address_below_the_api_is_answered_in_its_shape(client: Client) -> None:
    answer = get(client, "campaigns/a%0ab/")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_a_person_is_a_number_a_role_and_counts(campaign: Campaign, alice: Any, alice_client: Client) -> None:
    post(alice_client, "votes/", vote_body(lease(alice_client)["id"]))
    rejected = vote_body(lease(alice_client)["id"], verdict="rejected", reasons=["HI"], trace=None)
    post(alice_client, "votes/", rejected)
    said = get(alice_client, "me/").json()
    assert said["volunteer"] == f"v{alice.volunteer_number}"
    assert (said["role"], said["counts"]) == ("volunteer", {"votes": 2, "rejected": 1})
    assert "alice" not in str(said)


def test_preferences_are_remembered_and_others_stay(alice: Any, alice_client: Client) -> None:
    def patch(preferences: dict[str, Any]) -> Any:
        return alice_client.patch("/api/v1/me/", {"preferences": preferences}, content_type="application/json")

    assert patch({"theme": "dark", "zoom": 1.5}).status_code == 200
    said = patch({"invert": True, "hints_seen": ["drag"]}).json()["preferences"]
    assert said == {"theme": "dark", "zoom": 1.5, "invert": True, "hints_seen": ["drag"]}
    alice.refresh_from_db()
    assert alice.preferences == said


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"preferences": {"theme": "pink"}}, "validation_error"),
        ({"preferences": {"zoom": 1e9}}, "validation_error"),
        ({"preferences": {"zoom": True}}, "validation_error"),
        ({"preferences": {"fancy": 1}}, "unknown_field"),
        ({"preferences": {}, "role": "staff"}, "unknown_field"),
        ({"is_superuser": True, "preferences": {}}, "unknown_field"),
        ({}, "validation_error"),
        ({"preferences": 3}, "validation_error"),
    ],
)
@pytest.mark.finding("abuse A19")
def test_nothing_but_known_preferences_can_be_changed(
    alice: Any, alice_client: Client, body: dict[str, Any], code: str
) -> None:
    answer = alice_client.patch("/api/v1/me/", body, content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    alice.refresh_from_db()
    assert (alice.preferences, alice.role) == ({}, "volunteer")


def test_a_stranger_has_no_preferences(client: Client) -> None:
    answer = client.patch("/api/v1/me/", {"preferences": {"theme": "dark"}}, content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")


def test_own_votes_come_newest_first_in_pages(campaign: Campaign, alice_client: Client) -> None:
    keys = []
    for number in range(3):
        body = vote_body(lease(alice_client)["id"], 60.5 + number, comment="a bar?")
        post(alice_client, "votes/", body)
        keys.append(body["key"])
    post(alice_client, f"votes/{keys[0]}/undo/")
    page = get(alice_client, "me/votes/?limit=2").json()
    assert (page["count"], [vote["key"] for vote in page["results"]]) == (3, [keys[2], keys[1]])
    assert page["next"] is not None
    newest = page["results"][0]
    assert (newest["inclination_deg"], newest["verdict"], newest["comment"]) == (62.5, "A", "a bar?")
    assert newest["thumbnail"].startswith("/media/ab/")
    assert newest["thumbnail"].endswith("gri-128.webp")
    assert newest["can_undo"] is True
    (last,) = get(alice_client, "me/votes/?limit=2&offset=2").json()["results"]
    assert (last["standing"], last["can_undo"]) == ("superseded", False)


def test_own_votes_cost_the_same_statements_for_one_and_for_many(alice: Any, alice_client: Client) -> None:
    make_campaign(targets=12)
    counts = []
    for votes in (1, 10):
        for _number in range(votes):
            judge(alice, 60.5)
        with CaptureQueriesContext(connection) as statements:
            assert len(get(alice_client, "me/votes/").json()["results"]) >= votes
        counts.append(len(statements))
    assert counts[0] == counts[1] <= 6


@pytest.mark.finding("abuse A16")
def test_nobody_sees_the_votes_of_others(
    campaign: Campaign, alice_client: Client, charlie_client: Client, client: Client
) -> None:
    post(alice_client, "votes/", vote_body(lease(alice_client)["id"]))
    assert get(charlie_client, "me/votes/").json()["results"] == []
    assert get(client, "me/votes/").status_code == 401


@pytest.mark.parametrize(
    "query", ["ordering=volunteer__email", "volunteer__email__startswith=a", "_connector=OR", "fields=password", "q="]
)
@pytest.mark.parametrize("path", ["me/", "me/votes/", "stats/", "campaigns/", "campaigns/sky/"])
def test_a_parameter_that_is_not_known_is_refused(
    campaign: Campaign, alice_client: Client, path: str, query: str
) -> None:
    answer = get(alice_client, f"{path}?{query}")
    assert (answer.status_code, answer.json()["code"]) == (400, "unknown_filter")


def test_pages_are_capped(campaign: Campaign, alice_client: Client) -> None:
    assert get(alice_client, "me/votes/?limit=1000000000").status_code == 200


def test_campaigns_show_how_far_they_are_and_hide_drafts_and_closed_ones(client: Client) -> None:
    campaign = make_campaign(targets=2, title="The sky", description="Spirals.")
    closed = make_campaign("closed", standard_set=campaign.standard_set)
    campaign_close(campaign=closed)
    for number in range(3):
        judge(make_volunteer(number), 60.5)
    consensus_refresh()
    figures_count()
    (said,) = get(client, "campaigns/").json()
    assert said == {
        "name": "sky",
        "title": "The sky",
        "description": "Spirals.",
        "state": "open",
        "standard_set": {"id": campaign.standard_set_id, "name": "ruler", "version": 1},
        "overlap": 3,
        "galaxies": 2,
        "retired": said["retired"],
        "votes": 3,
    }
    assert get(client, "campaigns/sky/").json() == said
    missing = get(client, "campaigns/closed/")
    assert (missing.status_code, missing.json()["code"]) == (404, "no_campaign")


def test_a_paused_campaign_says_so(campaign: Campaign, client: Client) -> None:
    campaign_pause(campaign=campaign)
    assert get(client, "campaigns/sky/").json()["state"] == "paused"


def test_stats_count_people_galaxies_and_votes(client: Client) -> None:
    make_campaign(targets=2)
    for number in range(2):
        judge(make_volunteer(number), 60.5)
    figures_count()
    said = get(client, "stats/").json()
    assert (said["volunteers"], said["votes"]) == (2, 2)
    assert said["galaxies"] in (1, 2)


@pytest.mark.parametrize("path", ["me/", "me/votes/", "stats/", "campaigns/", "votes/", "tasks/"])
def test_other_methods_are_refused_in_the_same_shape(campaign: Campaign, path: str) -> None:
    answer = client_of(make_volunteer()).delete(f"/api/v1/{path}")
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")


def test_the_schema_is_valid_and_nothing_in_it_is_guessed() -> None:
    out = io.StringIO()
    call_command("spectacular", "--validate", "--fail-on-warn", stdout=out)
    text = out.getvalue()
    for operation in ("task_lease", "task_skip", "task_renew", "vote_record", "vote_undo", "me_update", "my_votes"):
        assert f"operationId: {operation}\n" in text
