"""The server names the campaign that has a galaxy for this person, whatever else is done, held or judged."""

from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import connection
from django.db.models.functions import Now
from django.test import Client
from django.test.utils import CaptureQueriesContext

from labeling.aggregation.need import BEGUN
from labeling.models import Target, Task
from labeling.selectors import campaign_with_work
from labeling.services.campaigns import campaign_close
from tests.labeling.sky import (
    client_of,
    lease,
    make_campaign,
    make_galaxies,
    make_volunteer,
    post,
    vote_body,
)

pytestmark = pytest.mark.django_db


def ask(client: Client, campaign: str = "sky", held: Any = ()) -> tuple[int, str, Any]:
    """Ask for a galaxy: the status, the code where there is none, and when to come back."""
    answer = post(client, "tasks/", {"campaign": campaign, "held": list(held)})
    return answer.status_code, answer.json().get("code", ""), answer.headers.get("Retry-After")


def my_campaign(client: Client) -> str | None:
    answer = client.get("/api/v1/me/campaign/")
    assert answer.status_code == 200, answer.content
    found = answer.json()["campaign"]
    return found and found["name"]


@pytest.mark.finding("ux A2")
def test_the_server_names_the_campaign_that_has_a_galaxy_for_this_person(client: Client, alice_client: Client) -> None:
    stuck = make_campaign("a-demo", targets=2)
    pairs = make_campaign("pairs", targets=2, standard_set=stuck.standard_set)
    assert my_campaign(client) == my_campaign(alice_client) == "a-demo"
    Target.objects.filter(campaign=stuck).update(state="expert")
    assert my_campaign(client) == my_campaign(alice_client) == "pairs"
    assert my_campaign(client_of(make_volunteer(1, role="supervisor", supervisor_rank=1))) == "a-demo"
    held: list[str] = []
    for _number in range(2):
        held.append(lease(alice_client, "pairs", held)["id"])
    assert my_campaign(alice_client) == "pairs", "what is held is still to be judged"
    for task_id in held:
        post(alice_client, "votes/", vote_body(task_id))
    assert my_campaign(alice_client) is None
    assert my_campaign(client) == "pairs"
    campaign_close(campaign=pairs)
    assert my_campaign(client) is None


@pytest.mark.finding("ux A2")
def test_where_the_last_places_are_held_by_others_the_next_campaign_is_named(
    alice_client: Client, charlie_client: Client
) -> None:
    full = make_campaign("a-full", targets=1, overlap=1)
    make_campaign("other", targets=1, standard_set=full.standard_set)
    lease(charlie_client, "a-full")
    assert my_campaign(alice_client) == "other"


def rows_read_for_my_campaign(volunteer: Any) -> int:
    """How many targets the database looks at, in the plan that it makes of tables it knows."""
    with CaptureQueriesContext(connection) as statements:
        campaign_with_work(volunteer)
    (statement,) = (one["sql"] for one in statements if "labeling_target" in one["sql"])
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE labeling_target, labeling_task")
        cursor.execute("EXPLAIN (ANALYZE, FORMAT JSON) " + statement)
        (plan,) = cursor.fetchone()[0]

    def rows(node: dict[str, Any]) -> float:
        seen = (
            node["Actual Rows"] + node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
        )
        own = node["Actual Loops"] * seen if node.get("Relation Name") == "labeling_target" else 0
        return own + sum(rows(part) for part in node.get("Plans", ()))

    return round(rows(plan["Plan"]))


@pytest.mark.finding("ux A2", "review 4.4")
@pytest.mark.parametrize("role", ["stranger", "volunteer", "supervisor"])
def test_naming_that_campaign_reads_a_few_targets_however_many_are_done_or_judged(role: str) -> None:
    campaign = make_campaign(targets=2, overlap=2)
    galaxies = make_galaxies(600_000, 2_000, with_images=False)
    many = Target.objects.bulk_create(
        Target(
            campaign=campaign, galaxy=galaxy, quota=2, vote_count=1, need=BEGUN, order_key=number / 2_000,
            state="open" if number < 500 else "retired",
        )
        for number, galaxy in enumerate(galaxies)
    )  # fmt: skip
    person = AnonymousUser() if role == "stranger" else make_volunteer(1, role=role)
    if person.pk:
        Task.objects.bulk_create(
            Task(target=target, volunteer=person, standard_set=campaign.standard_set, state="voted", due_at=Now())
            for target in many
        )
    assert campaign_with_work(person) == campaign
    assert rows_read_for_my_campaign(person) < 50
    Target.objects.update(state="retired")
    assert campaign_with_work(person) is None
    assert rows_read_for_my_campaign(person) < 50


# --- whose page it is ----------------------------------------------------------------------------------------------
