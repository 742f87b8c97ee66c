"""POST tasks/ and its companions over HTTP."""

import uuid
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from labeling.models import Campaign, Target, Task
from labeling.services.campaigns import campaign_close, campaign_pause, targets_add
from labeling.services.leases import leases_release_expired
from standards.selectors import set_standards
from tests.labeling.sky import (
    age_task,
    client_of,
    lease,
    make_campaign,
    make_galaxies,
    make_set,
    make_volunteer,
    post,
    vote_body,
)

pytestmark = pytest.mark.django_db


def statements_of(client: Client, path: str, body: dict[str, Any]) -> list[str]:
    with CaptureQueriesContext(connection) as statements:
        answer = post(client, path, body)
    assert answer.status_code == 201, answer.content
    return [entry["sql"] for entry in statements if not entry["sql"].startswith(("SAVEPOINT", "RELEASE"))]


def test_a_task_carries_all_that_the_comparison_page_needs(campaign: Campaign, alice_client: Client) -> None:
    answer = post(alice_client, "tasks/", {"campaign": "sky", "held": []})
    assert answer.status_code == 201
    task = answer.json()
    fields = {"id", "campaign", "standard_set", "due_at", "due_in_s", "target", "sources", "orders", "guide"}
    assert set(task) == fields
    assert task["campaign"] == "sky"
    assert task["standard_set"] == campaign.standard_set_id
    assert task["target"]["images"]["gri"].startswith("ab/")
    assert task["target"]["sizes_px"] == [128, 256]
    assert task["target"]["image_path"] == "/media/{stem}-{size}.webp"
    assert task["sources"]["47"] == 47
    assert 890 <= task["due_in_s"] <= 900
    stored = Task.objects.get(id=task["id"])
    orders = set_standards(campaign.standard_set_id).shown.orders(stored.seed)
    assert task["orders"] == {str(bin_deg): orders[bin_deg] for bin_deg in range(45, 91)}
    assert Target.objects.get(pk=stored.target_id).lease_count == 1


def test_leasing_takes_at_most_five_statements_whatever_the_number_of_galaxies_votes_and_leases() -> None:
    small = make_campaign("small", targets=5)
    make_campaign("large", targets=400, standard_set=small.standard_set)
    for number in range(12):
        client = client_of(make_volunteer(100 + number))
        post(client, "votes/", vote_body(lease(client, "large")["id"]))
        lease(client, "large")
    client = client_of(make_volunteer())
    held = lease(client, "small")["id"]
    few = statements_of(client, "tasks/", {"campaign": "small", "held": [held]})
    many = statements_of(client, "tasks/", {"campaign": "large"})
    assert len(few) == len(many) <= 5, many


def test_the_lease_of_a_lost_answer_is_given_again(campaign: Campaign, alice_client: Client) -> None:
    task = lease(alice_client)
    answer = post(alice_client, "tasks/", {"campaign": "sky", "held": []})
    assert answer.status_code == 200
    assert answer.json()["id"] == task["id"]
    assert answer.json()["orders"] == task["orders"]
    other = post(alice_client, "tasks/", {"campaign": "sky", "held": [task["id"]]})
    assert other.status_code == 201
    assert other.json()["id"] != task["id"]


def test_nobody_holds_more_than_four_galaxies(campaign: Campaign, alice_client: Client) -> None:
    held: list[str] = []
    for _number in range(4):
        held.append(lease(alice_client, held=held)["id"])
    refused = post(alice_client, "tasks/", {"campaign": "sky", "held": held})
    assert (refused.status_code, refused.json()["code"]) == (409, "too_many_leases")
    post(alice_client, f"tasks/{held[0]}/skip/")
    assert post(alice_client, "tasks/", {"campaign": "sky", "held": held[1:]}).status_code == 201


def test_a_galaxy_is_served_to_a_person_once(campaign: Campaign, alice_client: Client) -> None:
    seen = set()
    for _number in range(5):
        task = lease(alice_client)
        seen.add(Task.objects.get(pk=task["id"]).target_id)
        post(alice_client, "votes/", vote_body(task["id"]))
    assert len(seen) == 5
    done = post(alice_client, "tasks/", {"campaign": "sky"})
    assert (done.status_code, done.json()["code"]) == (404, "all_done")
    assert "Retry-After" not in done.headers


def test_while_the_last_galaxies_are_held_by_others_the_answer_says_when_to_come_back(
    alice_client: Client, charlie_client: Client
) -> None:
    make_campaign(targets=1, overlap=1)
    lease(charlie_client)
    done = post(alice_client, "tasks/", {"campaign": "sky"})
    assert (done.status_code, done.json()["code"]) == (404, "all_done")
    assert 15 <= int(done.headers["Retry-After"]) <= 900


def test_a_lease_that_ran_out_is_given_to_the_next_person_at_once(alice_client: Client, charlie_client: Client) -> None:
    make_campaign(targets=1, overlap=1)
    task = lease(charlie_client)
    age_task(task["id"], 16 * 60)
    assert lease(alice_client)["id"] != task["id"]
    assert Task.objects.get(pk=task["id"]).state == "expired"
    assert Target.objects.get().lease_count == 1


def test_leases_that_ran_out_come_back_and_others_stay(campaign: Campaign, alice_client: Client) -> None:
    old = lease(alice_client)
    new = lease(alice_client, held=[old["id"]])
    age_task(old["id"], 16 * 60)
    assert leases_release_expired() == 1
    assert leases_release_expired() == 0
    assert Task.objects.get(pk=old["id"]).state == "expired"
    assert Task.objects.get(pk=new["id"]).state == "leased"
    assert sum(Target.objects.values_list("lease_count", flat=True)) == 1


def test_a_lower_priority_number_is_served_first(campaign: Campaign, alice_client: Client) -> None:
    urgent = make_galaxies(9000, 2)
    targets_add(campaign=campaign, galaxy_ids=[galaxy.pk for galaxy in urgent], priority=1)
    first = lease(alice_client)
    second = lease(alice_client, held=[first["id"]])
    served = Task.objects.filter(pk__in=[first["id"], second["id"]])
    assert set(served.values_list("target__galaxy__pgc", flat=True)) == {9000, 9001}


def test_a_target_is_never_its_own_standard(alice_client: Client) -> None:
    standard_set = make_set()
    campaign = make_campaign(targets=0, standard_set=standard_set)
    standard = standard_set.standards.filter(bin_deg=70).select_related("galaxy").first()
    assert standard is not None
    galaxy = standard.galaxy
    targets_add(campaign=campaign, galaxy_ids=[galaxy.pk])
    task = lease(alice_client)
    assert standard.pk not in task["orders"]["70"]
    assert len(task["orders"]["70"]) == 2
    assert len(task["orders"]["71"]) == 3


def test_skipping_gives_the_slot_back_and_is_repeatable(campaign: Campaign, alice_client: Client) -> None:
    task = lease(alice_client)
    for _time in range(2):
        answer = post(alice_client, f"tasks/{task['id']}/skip/")
        assert (answer.status_code, answer.json()) == (200, {"id": task["id"], "state": "skipped"})
    assert sum(Target.objects.values_list("lease_count", flat=True)) == 0
    assert lease(alice_client)["id"] != task["id"]


def test_what_was_judged_can_not_be_skipped(campaign: Campaign, alice_client: Client) -> None:
    task = lease(alice_client)
    post(alice_client, "votes/", vote_body(task["id"]))
    answer = post(alice_client, f"tasks/{task['id']}/skip/")
    assert (answer.status_code, answer.json()["code"]) == (409, "already_voted")


def test_renewing_holds_a_galaxy_longer_but_four_hours_at_most(campaign: Campaign, alice_client: Client) -> None:
    task = lease(alice_client)
    age_task(task["id"], 10 * 60)
    answer = post(alice_client, f"tasks/{task['id']}/renew/")
    assert answer.status_code == 200
    assert 890 <= answer.json()["due_in_s"] <= 900
    stored = Task.objects.get(pk=task["id"])
    assert (stored.due_at - stored.checked_out_at).total_seconds() == pytest.approx(25 * 60, abs=30)
    age_task(task["id"], 4 * 3600)
    lost = post(alice_client, f"tasks/{task['id']}/renew/")
    assert (lost.status_code, lost.json()["code"]) == (409, "lease_lost")


def test_a_task_that_was_judged_or_is_unknown_can_not_be_renewed(campaign: Campaign, alice_client: Client) -> None:
    task = lease(alice_client)
    post(alice_client, "votes/", vote_body(task["id"]))
    assert post(alice_client, f"tasks/{task['id']}/renew/").json()["code"] == "already_voted"
    assert post(alice_client, f"tasks/{uuid.uuid4()}/renew/").status_code == 404


@pytest.mark.finding("abuse A16")
@pytest.mark.parametrize("action", ["skip", "renew"])
def test_somebody_elses_task_looks_like_none(
    campaign: Campaign, alice_client: Client, charlie_client: Client, action: str
) -> None:
    task = lease(alice_client)
    foreign = post(charlie_client, f"tasks/{task['id']}/{action}/")
    missing = post(charlie_client, f"tasks/{uuid.uuid4()}/{action}/")
    assert foreign.status_code == missing.status_code == 404
    assert foreign.json() == missing.json()
    assert Task.objects.get(pk=task["id"]).state == "leased"


def test_a_paused_or_closed_campaign_serves_nothing_but_takes_votes_that_are_out(
    campaign: Campaign, alice_client: Client
) -> None:
    first = lease(alice_client)
    second = lease(alice_client, held=[first["id"]])
    campaign_pause(campaign=campaign)
    refused = post(alice_client, "tasks/", {"campaign": "sky", "held": [first["id"], second["id"]]})
    assert (refused.status_code, refused.json()["code"]) == (409, "campaign_paused")
    assert post(alice_client, "votes/", vote_body(first["id"])).status_code == 201
    campaign_close(campaign=campaign)
    refused = post(alice_client, "tasks/", {"campaign": "sky"})
    assert (refused.status_code, refused.json()["code"]) == (409, "campaign_closed")
    assert post(alice_client, "votes/", vote_body(second["id"])).status_code == 201


def test_a_draft_is_no_campaign_to_volunteers(campaign: Campaign, alice_client: Client) -> None:
    Campaign.objects.filter(pk=campaign.pk).update(state="draft")
    draft = post(alice_client, "tasks/", {"campaign": "sky"})
    missing = post(alice_client, "tasks/", {"campaign": "sea"})
    assert (draft.status_code, draft.json()["code"]) == (missing.status_code, missing.json()["code"])
    assert (missing.status_code, missing.json()["code"]) == (404, "no_campaign")


def test_standards_that_can_not_fill_a_comparison_are_a_clear_error(campaign: Campaign, alice_client: Client) -> None:
    thin = make_set("thin", bins=[45, 46, 47], first_pgc=700_000)
    Campaign.objects.filter(pk=campaign.pk).update(standard_set=thin)
    answer = post(alice_client, "tasks/", {"campaign": "sky"})
    assert (answer.status_code, answer.json()["code"]) == (409, "campaign_misconfigured")
    assert not Task.objects.exists()


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "validation_error"),
        ({"campaign": "sky", "held": ["x"]}, "validation_error"),
        ({"campaign": "sky", "held": [7]}, "validation_error"),
        ({"campaign": "sky", "held": [str(uuid.uuid4())] * 21}, "validation_error"),
        ({"campaign": "sky", "volunteer": 1}, "unknown_field"),
    ],
)
def test_a_body_that_is_wrong_is_refused(
    campaign: Campaign, alice_client: Client, body: dict[str, Any], code: str
) -> None:
    answer = post(alice_client, "tasks/", body)
    assert (answer.status_code, answer.json()["code"]) == (400, code)


def test_strangers_get_no_task(campaign: Campaign, client: Client) -> None:
    answer = post(client, "tasks/", {"campaign": "sky"})
    assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")
    assert client.get("/api/v1/tasks/").status_code in (401, 405)


@pytest.mark.finding("abuse A22")
def test_without_the_csrf_token_nothing_is_leased(campaign: Campaign, alice: Any) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice, backend="allauth.account.auth_backends.AuthenticationBackend")
    answer = post(client, "tasks/", {"campaign": "sky"})
    assert (answer.status_code, answer.json()["code"]) == (403, "csrf")
    assert not Task.objects.exists()
