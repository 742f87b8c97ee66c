"""Nobody is stranded: leases come back to their holders, pages give theirs back, what is said of the rest is true."""

import threading
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from labeling.models import Campaign, Target, Task, Vote
from labeling.services.consensus import consensus_refresh
from labeling.services.leases import leases_release_expired
from tests.labeling.sky import (
    age_task,
    client_of,
    lease,
    make_campaign,
    make_volunteer,
    post,
    vote_body,
)

pytestmark = pytest.mark.django_db

LUNCH_S = 50 * 60


def ask(client: Client, campaign: str = "sky", held: Any = ()) -> tuple[int, str, Any]:
    """Ask for a galaxy: the status, the code where there is none, and when to come back."""
    answer = post(client, "tasks/", {"campaign": campaign, "held": list(held)})
    return answer.status_code, answer.json().get("code", ""), answer.headers.get("Retry-After")


def leave_for_lunch(task_ids: list[str], *, is_swept: bool) -> None:
    for task_id in task_ids:
        age_task(task_id, LUNCH_S)
    if is_swept:
        leases_release_expired()


def counters() -> set[tuple[int, int]]:
    return set(Target.objects.values_list("vote_count", "lease_count"))


# --- leases that ran out -------------------------------------------------------------------------------------------
@pytest.mark.finding("flow F3")
@pytest.mark.parametrize("is_swept", [True, False])
@pytest.mark.parametrize("held", [True, False], ids=["page_still_knows_it", "new_page"])
def test_a_lease_that_ran_out_comes_back_to_its_holder(is_swept: bool, held: bool, alice_client: Client) -> None:
    make_campaign(targets=2)
    first = lease(alice_client)
    second = lease(alice_client, held=[first["id"]])
    leave_for_lunch([first["id"], second["id"]], is_swept=is_swept)
    known: list[str] = []
    for expected in (first, second):
        again = lease(alice_client, held=known)
        assert (again["id"], again["orders"]) == (expected["id"], expected["orders"]), "the same row and seed"
        if held:
            known.append(again["id"])
        post(alice_client, "votes/", vote_body(again["id"]))
    assert ask(alice_client) == (404, "all_done", None)
    assert counters() == {(1, 0)}
    assert Task.objects.count() == 2


@pytest.mark.finding("flow F3")
def test_three_people_who_leave_for_lunch_finish_a_campaign_of_twenty_galaxies() -> None:
    make_campaign(targets=20, overlap=3)
    people = [client_of(make_volunteer(number)) for number in range(3)]
    for number, client in enumerate(people):
        votes = 0
        while True:
            answer = post(client, "tasks/", {"campaign": "sky", "held": []})
            if answer.status_code == 404:
                break
            first = answer.json()
            second = post(client, "tasks/", {"campaign": "sky", "held": [first["id"]]}).json()
            if votes == 5 + number:  # with a galaxy in front and one loaded ahead
                leave_for_lunch([first["id"], second["id"]], is_swept=number % 2 == 0)
                votes += 1
                continue
            age_task(first["id"], 30)
            assert post(client, "votes/", vote_body(first["id"])).status_code == 201
            consensus_refresh()
            votes += 1
    assert set(Target.objects.values_list("state", "vote_count", "lease_count")) == {("retired", 3, 0)}
    assert Vote.objects.count() == 60


@pytest.mark.finding("flow F3")
def test_after_undoing_and_leaving_the_galaxy_comes_back(alice_client: Client) -> None:
    make_campaign(targets=1)
    task = lease(alice_client)
    body = vote_body(task["id"])
    post(alice_client, "votes/", body)
    post(alice_client, f"votes/{body['key']}/undo/")
    leave_for_lunch([task["id"]], is_swept=True)
    assert lease(alice_client)["id"] == task["id"]
    assert post(alice_client, "votes/", vote_body(task["id"], 70.5)).status_code == 201
    assert counters() == {(1, 0)}


@pytest.mark.finding("flow F3")
def test_a_vote_on_its_way_is_not_served_again(alice_client: Client) -> None:
    """The page names the tasks whose votes it still keeps, so that nobody judges a galaxy twice."""
    make_campaign(targets=2)
    task = lease(alice_client)
    leave_for_lunch([task["id"]], is_swept=True)
    assert lease(alice_client, held=[task["id"]])["id"] != task["id"]
    assert post(alice_client, "votes/", vote_body(task["id"])).status_code == 201


@pytest.mark.finding("flow F3")
def test_who_took_the_place_meanwhile_keeps_it(alice_client: Client, charlie_client: Client) -> None:
    make_campaign(targets=1, overlap=1)
    mine = lease(alice_client)
    leave_for_lunch([mine["id"]], is_swept=True)
    lease(charlie_client)
    status, code, after = ask(alice_client)
    assert (status, code) == (404, "all_done")
    assert after is not None
    assert counters() == {(0, 1)}


@pytest.mark.finding("flow F3")
def test_taking_a_lease_up_again_takes_no_more_statements(campaign: Campaign, alice_client: Client) -> None:
    lease(alice_client)
    leave_for_lunch([str(Task.objects.get().pk)], is_swept=True)
    with CaptureQueriesContext(connection) as statements:
        lease(alice_client)
    assert sum(not entry["sql"].startswith(("SAVEPOINT", "RELEASE")) for entry in statements) <= 5


@pytest.mark.finding("flow F3")
def test_a_lease_that_is_taken_up_within_its_hours_goes_on_and_later_begins_anew(alice_client: Client) -> None:
    make_campaign(targets=1)
    task = lease(alice_client)
    begun = Task.objects.get().checked_out_at
    age_task(task["id"], 16 * 60)
    lease(alice_client)
    assert (begun - Task.objects.get().checked_out_at).total_seconds() == pytest.approx(16 * 60, abs=5)
    age_task(task["id"], 5 * 3600)
    lease(alice_client)
    stored = Task.objects.get()
    assert (stored.due_at - stored.checked_out_at).total_seconds() == pytest.approx(15 * 60, abs=5)


@pytest.mark.finding("flow F3")
def test_a_lease_that_ran_out_can_be_renewed_while_its_place_is_free(
    alice_client: Client, charlie_client: Client
) -> None:
    make_campaign(targets=1, overlap=1)
    task = lease(alice_client)
    leave_for_lunch([task["id"]], is_swept=True)
    answer = post(alice_client, f"tasks/{task['id']}/renew/")
    assert answer.status_code == 200, answer.content
    assert counters() == {(0, 1)}
    leave_for_lunch([task["id"]], is_swept=True)
    lease(charlie_client)
    lost = post(alice_client, f"tasks/{task['id']}/renew/")
    assert (lost.status_code, lost.json()["code"]) == (409, "lease_lost")


# --- skipped galaxies, and what is said at the end -----------------------------------------------------------------
@pytest.mark.finding("flow F3", "flow F18")
def test_skipped_galaxies_come_again_once_nothing_else_is_left_oldest_first(alice_client: Client) -> None:
    make_campaign(targets=4)
    skipped = []
    for _number in range(2):
        skipped.append(lease(alice_client)["id"])
        post(alice_client, f"tasks/{skipped[-1]}/skip/")
    others = []
    for _number in range(2):
        others.append(lease(alice_client)["id"])
        assert others[-1] not in skipped
        post(alice_client, "votes/", vote_body(others[-1]))
    for task_id in skipped:
        assert lease(alice_client)["id"] == task_id
        post(alice_client, "votes/", vote_body(task_id))
    assert ask(alice_client) == (404, "all_done", None)
    assert counters() == {(1, 0)}


@pytest.mark.finding("flow F3", "flow F18", "ux A2")
def test_who_has_judged_nothing_is_not_told_that_they_judged_everything(alice_client: Client) -> None:
    make_campaign(targets=2)
    Target.objects.update(state="expert")
    answer = post(alice_client, "tasks/", {"campaign": "sky"})
    assert (answer.status_code, answer.json()["code"]) == (404, "all_done")
    assert "You have judged" not in answer.json()["detail"]
    assert answer.headers["Retry-After"], "it is not the end"
    Target.objects.update(state="retired")
    assert "You have judged" not in post(alice_client, "tasks/", {"campaign": "sky"}).json()["detail"]


# --- galaxies that are merely locked -------------------------------------------------------------------------------
def while_locked(work: Callable[[], Any]) -> Any:
    """Do the work while another connection holds the lock of every target, as a batch of consensuses does."""
    locked, finished = threading.Event(), threading.Event()

    def hold() -> None:
        try:
            with transaction.atomic():
                list(Target.objects.select_for_update(no_key=True).order_by("pk"))
                locked.set()
                finished.wait(60)
        finally:
            connection.close()

    thread = threading.Thread(target=hold)
    thread.start()
    assert locked.wait(30)
    try:
        return work()
    finally:
        finished.set()
        thread.join()


@pytest.mark.finding("review 4.9")
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("state", ["fresh", "expired", "skipped"])
def test_galaxies_that_are_merely_locked_are_not_all_done(state: str) -> None:
    make_campaign(targets=2)
    client = client_of(make_volunteer())
    if state != "fresh":
        for _number in range(2):
            task = lease(client)
            if state == "skipped":
                post(client, f"tasks/{task['id']}/skip/")
            else:
                post(client, "tasks/release/", {"tasks": [task["id"]]})
                Task.objects.filter(pk=task["id"]).update(state="expired")
    assert while_locked(lambda: ask(client)) == (503, "busy", "1")
    assert lease(client), "a moment later it is served"


# --- pages that are left -------------------------------------------------------------------------------------------
@pytest.mark.finding("flow F10")
def test_leaving_a_page_gives_its_leases_back_and_coming_back_gets_them_in_order(
    campaign: Campaign, alice_client: Client
) -> None:
    first = lease(alice_client)
    second = lease(alice_client, held=[first["id"]])
    for released in (2, 0):
        answer = post(alice_client, "tasks/release/", {"tasks": [first["id"], second["id"], str(uuid.uuid4())]})
        assert (answer.status_code, answer.json()) == (200, {"released": released})
    assert counters() == {(0, 0)}
    assert lease(alice_client)["id"] == first["id"]
    assert lease(alice_client, held=[first["id"]])["id"] == second["id"]


@pytest.mark.finding("flow F10", "abuse A16")
def test_nobody_gives_back_what_others_hold(campaign: Campaign, alice_client: Client, charlie_client: Client) -> None:
    task = lease(alice_client)
    answer = post(charlie_client, "tasks/release/", {"tasks": [task["id"]]})
    assert (answer.status_code, answer.json()) == (200, {"released": 0})
    assert Task.objects.get().state == "leased"


@pytest.mark.finding("flow F10")
def test_a_vote_on_a_galaxy_that_was_given_back_counts_while_its_place_is_free(
    campaign: Campaign, alice_client: Client
) -> None:
    task = lease(alice_client)
    post(alice_client, "tasks/release/", {"tasks": [task["id"]]})
    assert post(alice_client, "votes/", vote_body(task["id"])).status_code == 201
    assert post(alice_client, "tasks/release/", {"tasks": [task["id"]]}).json() == {"released": 0}
    assert Task.objects.get().state == "voted"


@pytest.mark.finding("flow F10")
def test_forgotten_leases_of_other_campaigns_make_room_for_a_new_one(alice_client: Client) -> None:
    first = make_campaign("first", title="First sky")
    for name in ("second", "third"):
        make_campaign(name, title=f"{name.title()} sky", standard_set=first.standard_set)
    forgotten = [lease(alice_client, "first")["id"]]
    forgotten.append(lease(alice_client, "first", held=forgotten)["id"])
    held = [lease(alice_client, "second")["id"]]
    held.append(lease(alice_client, "second", held=held)["id"])
    held.append(lease(alice_client, "third", held=held)["id"])
    held.append(lease(alice_client, "third", held=held)["id"])
    assert set(Task.objects.filter(state="leased").values_list("pk", flat=True)) == {uuid.UUID(one) for one in held}
    refused = post(alice_client, "tasks/", {"campaign": "first", "held": held})
    assert (refused.status_code, refused.json()["code"]) == (409, "too_many_leases")
    assert "Second sky" in refused.json()["detail"]
    assert "Third sky" in refused.json()["detail"]
    assert "First sky" not in refused.json()["detail"]


# --- the campaign that has a galaxy for this person ----------------------------------------------------------------
def post_as(client: Client, path: str, body: Any, owner: str) -> tuple[int, str]:
    answer = client.post(f"/api/v1/{path}", body, content_type="application/json", headers={"X-GIZ-Volunteer": owner})
    return answer.status_code, answer.json().get("code", "")


@pytest.mark.finding("flow F2")
@pytest.mark.parametrize("other", ["charlie_client", "bob_client"], ids=["volunteer", "operator"])
def test_a_page_of_somebody_else_can_do_nothing_in_this_session(
    campaign: Campaign, alice: Any, alice_client: Client, other: str, request: pytest.FixtureRequest
) -> None:
    stranger = request.getfixturevalue(other)
    task = lease(alice_client)
    vote = vote_body(task["id"])
    judged = vote_body(lease(alice_client, held=[task["id"]])["id"])
    post(alice_client, "votes/", judged)
    for path, body in (
        ("votes/", vote),
        ("tasks/", {"campaign": "sky", "held": [task["id"]]}),
        (f"tasks/{task['id']}/renew/", {}),
        (f"tasks/{task['id']}/skip/", {}),
        ("tasks/release/", {"tasks": [task["id"]]}),
        (f"votes/{judged['key']}/undo/", {}),
    ):
        assert post_as(stranger, path, body, alice.public_name) == (409, "other_person"), path
    assert Task.objects.get(pk=task["id"]).state == "leased"
    assert Task.objects.count() == 2
    assert Vote.objects.count() == 1
    assert post_as(alice_client, "votes/", vote, alice.public_name) == (201, "")


@pytest.mark.finding("flow F2")
def test_a_page_whose_person_has_logged_out_is_asked_to_log_in(campaign: Campaign, alice: Any, client: Client) -> None:
    assert post_as(client, "votes/", vote_body(uuid.uuid4()), alice.public_name) == (401, "not_authenticated")


# --- what only our own server says ---------------------------------------------------------------------------------
@pytest.mark.finding("flow F1")
def test_every_answer_of_the_api_bears_the_servers_mark(alice_client: Client, client: Client) -> None:
    for answer in (
        alice_client.get("/api/v1/me/"),
        post(client, "votes/", {}),
        post(alice_client, "votes/", {"key": 7}),
        alice_client.get("/api/v1/nowhere/"),
        post(Client(enforce_csrf_checks=True), "votes/", {}),
    ):
        assert answer.headers["X-GIZ-API"] == "1", (answer.status_code, answer.content)
    assert "X-GIZ-API" not in client.get("/healthz").headers
