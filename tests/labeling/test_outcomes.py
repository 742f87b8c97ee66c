"""What became of somebody's galaxies: told when they are settled, and to nobody who can still judge them."""

import json
import re
import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import F
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern, URLResolver, get_resolver

from labeling.models import Campaign, Consensus, NetworkAnswer, Target, Vote
from labeling.rules import UNDO_TIME
from labeling.services.campaigns import campaign_close, campaign_open, targets_add
from labeling.services.consensus import consensus_refresh
from labeling.services.leases import task_lease
from labeling.services.votes import vote_undo
from tests.history import history_unlocked
from tests.labeling.sky import client_of, make_campaign, make_volunteer
from tests.labeling.test_consensus import judge

pytestmark = pytest.mark.django_db


def get(client: Client, path: str) -> Any:
    answer = client.get(f"/api/v1/{path}")
    assert answer.status_code == 200, answer.content
    return answer.json()


def outcomes(client: Client) -> list[Any]:
    return [vote["outcome"] for vote in get(client, "me/votes/")["results"]]


def let_undo_end() -> None:
    with history_unlocked():
        Vote.objects.update(created_at=F("created_at") - UNDO_TIME)


def others_judge(*inclinations_deg: float | None, first: int = 1) -> None:
    for number, inclination_deg in enumerate(inclinations_deg, start=first):
        judge(make_volunteer(number), inclination_deg)
    consensus_refresh()
    let_undo_end()


@pytest.fixture
def one(db: None) -> Campaign:
    return make_campaign(targets=1)


def test_its_people_see_what_all_found_once_it_is_settled(one: Campaign, alice: Any, alice_client: Client) -> None:
    judge(alice, 62.5)
    others_judge(63.5)
    assert outcomes(alice_client) == [None]
    assert get(alice_client, "me/settled/")["count"] == 0
    others_judge(64.5, first=2)
    (outcome,) = outcomes(alice_client)
    consensus = Consensus.objects.get(is_current=True, estimator="median")
    assert outcome == {
        "verdict": "A",
        "inclination_deg": 63.5,
        "sigma_deg": consensus.sigma_deg,
        "people": 3,
        "settled_at": outcome["settled_at"],
    }
    news = get(alice_client, "me/settled/")
    assert (news["count"], [vote["outcome"] for vote in news["results"]]) == (1, [outcome])
    assert news["results"][0]["label"] == str(Target.objects.get().galaxy)


def test_who_can_still_undo_the_vote_is_told_nothing(one: Campaign, alice: Any, alice_client: Client) -> None:
    """Or the vote could be taken back, and given again by the outcome."""
    others_judge(63.5, 64.5)
    key = judge(alice, 62.5)
    consensus_refresh()
    assert Target.objects.get().state == "retired"
    assert outcomes(alice_client) == [None]
    news = get(alice_client, "me/settled/")
    assert news["count"] == 0
    seen = {"preferences": {"settled_seen": news["as_of"]}}
    alice_client.patch("/api/v1/me/", seen, content_type="application/json")
    with history_unlocked():
        a_moment_later = datetime.fromisoformat(news["as_of"]) + timedelta(microseconds=1)
        Vote.objects.filter(key=key).update(created_at=a_moment_later - UNDO_TIME)
        Target.objects.update(retired_at=F("retired_at") - UNDO_TIME)
    # Settled before the last look, but told only now.
    assert get(alice_client, "me/settled/")["count"] == 1
    assert [outcome["inclination_deg"] for outcome in outcomes(alice_client)] == [63.5]


def test_a_rejected_galaxy_is_settled_too(one: Campaign, alice: Any, alice_client: Client) -> None:
    judge(alice, 62.5)
    others_judge(None, None)
    (outcome,) = outcomes(alice_client)
    assert (outcome["verdict"], outcome["inclination_deg"], outcome["people"]) == ("J", None, 3)


def test_who_has_not_judged_it_sees_nothing(one: Campaign, alice: Any, charlie_client: Client) -> None:
    judge(alice, 62.5)
    others_judge(63.5, 64.5)
    assert outcomes(charlie_client) == []
    assert get(charlie_client, "me/settled/")["count"] == 0
    assert Client().get("/api/v1/me/settled/").status_code == 401


def test_a_golden_target_is_never_settled(one: Campaign, alice: Any, alice_client: Client) -> None:
    judge(alice, 62.5)
    others_judge(63.5, 64.5)
    Target.objects.update(purpose="golden", known_deg=61.25)
    assert outcomes(alice_client) == [None]
    assert get(alice_client, "me/settled/")["count"] == 0


def test_a_galaxy_that_is_opened_again_is_not_settled(one: Campaign, alice: Any, alice_client: Client) -> None:
    judge(alice, 62.5)
    others_judge(63.5, 64.5)
    for state in ("open", "expert"):
        Target.objects.update(state=state)
        assert outcomes(alice_client) == [None]


def test_news_are_told_until_they_were_seen(alice: Any, alice_client: Client) -> None:
    make_campaign(targets=2, overlap=3)
    judge(alice, 62.5)
    judge(alice, 70.5)
    others = [make_volunteer(number) for number in (1, 2)]
    for volunteer in others:
        judge(volunteer, 63.5)
    consensus_refresh()
    let_undo_end()
    settled = Target.objects.filter(state="retired").count()
    news = get(alice_client, "me/settled/")
    assert news["count"] == settled
    seen = {"preferences": {"settled_seen": news["as_of"]}}
    assert alice_client.patch("/api/v1/me/", seen, content_type="application/json").status_code == 200
    assert get(alice_client, "me/settled/")["count"] == 0
    for volunteer in others:
        judge(volunteer, 72.5)
    consensus_refresh()
    let_undo_end()
    assert Target.objects.filter(state="retired").count() == 2
    assert get(alice_client, "me/settled/")["count"] == 2 - settled


@pytest.mark.parametrize("time", ["yesterday", "", 3, None, "2026-12-01T12:00:00", "2026-13-01T12:00:00Z", "9" * 99])
def test_only_a_time_is_a_time(alice: Any, alice_client: Client, time: Any) -> None:
    answer = alice_client.patch("/api/v1/me/", {"preferences": {"settled_seen": time}}, content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (400, "validation_error")
    alice.preferences = {"settled_seen": time}
    alice.save()
    assert get(alice_client, "me/settled/")["count"] == 0


def test_many_galaxies_cost_no_more_statements(alice: Any, alice_client: Client) -> None:
    make_campaign(targets=9)
    for volunteer in (alice, make_volunteer(1), make_volunteer(2)):
        for _galaxy in range(9):
            judge(volunteer, 63.5)
    consensus_refresh()
    let_undo_end()
    counts = {}
    for settled in (9, 1):
        Target.objects.filter(pk__in=list(Target.objects.values_list("pk", flat=True)[settled:])).update(state="open")
        for path in ("me/votes/", "me/settled/"):
            with CaptureQueriesContext(connection) as statements:
                get(alice_client, path)
            counts[settled, path] = len(statements)
        assert get(alice_client, "me/settled/")["count"] == settled
    assert counts[9, "me/votes/"] == counts[1, "me/votes/"] <= 7
    assert counts[9, "me/settled/"] == counts[1, "me/settled/"] <= 8


# --- while the person can still judge it -----------------------------------------------------------------------------
CANARIES = {
    "consensus": "63.4217",
    "error": "1.9371",
    "prediction": "71.3377",
    "comment": "canary: a warp up north",
}


def settle_with_canaries() -> None:
    """Settle every galaxy, however its votes stand, with figures and a remark that occur nowhere else."""
    Target.objects.update(state="retired", retired_at="2026-01-01T00:00:00Z", stale_since=None)
    figures: dict[str, Any] = {"inclination_deg": CANARIES["consensus"], "sigma_deg": CANARIES["error"]}
    Consensus.objects.filter(is_current=True).update(**figures, note=CANARIES["comment"], verdict="A")
    for target in Target.objects.all():
        NetworkAnswer.objects.create(
            target=target, model="x", inclination_deg=float(CANARIES["prediction"]), sigma_deg=1, rejection=0.1
        )


def addresses(known: dict[str, Any]) -> list[str]:
    """Every address of the site, its parameters filled in with what the person knows; all others name nothing."""
    found = []

    def walk(patterns: list[Any], before: str) -> None:
        for pattern in patterns:
            route = before + str(pattern.pattern).lstrip("^").rstrip("$")
            if isinstance(pattern, URLResolver):
                walk(pattern.url_patterns, route)
            elif isinstance(pattern, URLPattern):
                found.append(re.sub(r"<(?:\w+:)?(\w+)>", lambda match: str(known.get(match[1], uuid.uuid4())), route))

    walk(get_resolver().url_patterns, "/")
    plain = [address for address in found if not re.search(r"[\\(\[*?]", address)]
    return [address for address in plain if "logout" not in address and not address.startswith(("/static", "/staff"))]


def everything_said_to(client: Client, known: dict[str, Any]) -> str:
    """Every answer of the site to this person, also to changing requests about the task in hand."""
    said = []
    for address in addresses(known):
        answer = client.get(address)
        body = b"".join(answer) if answer.streaming else answer.content  # type: ignore[arg-type]
        said.append(f"{address} {answer.headers} {body.decode(errors='replace')}")
    posts = [("tasks/", {"campaign": "sky", "held": []}), (f"tasks/{known['task_id']}/renew/", {})]
    for path, body in posts:
        said.append(client.post(f"/api/v1/{path}", body, content_type="application/json").content.decode())
    answer = client.patch("/api/v1/me/", {"preferences": {"invert": True}}, content_type="application/json")
    return "\n".join([*said, answer.content.decode()])


def leaks(client: Client, task_id: Any) -> set[str]:
    said = everything_said_to(client, {"name": "sky", "campaign": "sky", "task_id": task_id, "key": uuid.uuid4()})
    for path in ("/api/v1/me/votes/", "/api/v1/me/settled/", "/api/v1/tasks/", "/api/v1/stats/", "/me"):
        assert path in said
    return {name for name, value in CANARIES.items() if value in said}


@pytest.mark.finding("abuse A16", "abuse A17")
@pytest.mark.parametrize("is_undone", [False, True])
def test_nothing_about_a_galaxy_in_hand_reaches_its_holder(alice: Any, alice_client: Client, is_undone: bool) -> None:
    """Every response of the site to somebody with an open task, even where the galaxy is settled meanwhile."""
    make_campaign(targets=1, overlap=4)
    if is_undone:
        vote_undo(volunteer=alice, key=judge(alice, 62.5))
    task, _is_new = task_lease(volunteer=alice, campaign="sky")
    for number in (1, 2, 3):
        judge(make_volunteer(number), 60.5 + number, comment=CANARIES["comment"])
    consensus_refresh()
    settle_with_canaries()
    assert leaks(alice_client, task.id) == set()
    other = client_of(make_volunteer(9))
    assert leaks(other, task.id) == set()


@pytest.mark.finding("abuse A16")
def test_who_has_voted_sees_the_outcome_alone(one: Campaign, alice: Any, alice_client: Client) -> None:
    """The same search finds what is told: so the test above can fail. Remarks and predictions are never told."""
    judge(alice, 62.5)
    others_judge(63.5, 64.5)
    settle_with_canaries()
    assert leaks(alice_client, uuid.uuid4()) == {"consensus", "error"}


@pytest.mark.finding("abuse A16")
def test_a_galaxy_of_two_campaigns_is_told_when_it_was_judged_in_both(alice: Any, alice_client: Client) -> None:
    first = make_campaign(targets=1)
    galaxy = Target.objects.get().galaxy_id
    second = make_campaign("second", targets=0, standard_set=first.standard_set)
    targets_add(campaign=second, galaxy_ids=[galaxy])
    if second.state != "open":
        campaign_open(campaign=second)
    judge(alice, 62.5)
    others_judge(63.5, 64.5)
    assert outcomes(alice_client) == [None]
    key = judge(alice, 62.5, campaign="second")
    with history_unlocked():
        Vote.objects.exclude(key=key).update(created_at=F("created_at") - UNDO_TIME)
    assert [outcome is None for outcome in outcomes(alice_client)] == [True, False]
    vote_undo(volunteer=alice, key=key)
    assert outcomes(alice_client) == [None, None]


@pytest.mark.parametrize("has_judged", [True, False])
def test_a_closed_campaign_holds_nothing_back(alice: Any, alice_client: Client, has_judged: bool) -> None:
    first = make_campaign(targets=1)
    galaxy = Target.objects.get().galaxy_id
    second = make_campaign("second", targets=0, standard_set=first.standard_set)
    targets_add(campaign=second, galaxy_ids=[galaxy])
    judge(alice, 62.5)
    others_judge(63.5, 64.5)
    if not has_judged:
        campaign_close(campaign=second)
    assert (outcomes(alice_client) == [None]) is has_judged


# --- my eye, and who was first ---------------------------------------------------------------------------------------
def test_ones_eye_is_compared_with_the_others_alone(alice: Any, alice_client: Client) -> None:
    """Alice sees 4° too much. She counts in the consensus but not in what she is compared with."""
    make_campaign(targets=12)
    others = [make_volunteer(1), make_volunteer(2)]
    for _galaxy in range(12):
        judge(alice, 66.5)
        for volunteer, inclination_deg in zip(others, (61.5, 63.5), strict=True):
            judge(volunteer, inclination_deg)
    assert get(alice_client, "me/eye/") == {
        "galaxies": 0, "needed": 10, "figures": None, "left_out": 0, "line": None, "periods": [], "points": []
    }  # fmt: skip
    consensus_refresh()
    assert get(alice_client, "me/eye/")["galaxies"] == 0  # her votes can still be undone
    let_undo_end()
    eye = get(alice_client, "me/eye/")
    assert (eye["galaxies"], eye["figures"]["offset_deg"], eye["figures"]["scatter_deg"]) == (12, 4.0, 0.0)
    assert eye["points"] == [[62.5, 66.5]] * 12
    other = get(client_of(others[0]), "me/eye/")
    assert other["figures"]["offset_deg"] == 61.5 - 65.0
    assert get(client_of(make_volunteer(3)), "me/eye/")["galaxies"] == 0
    assert Client().get("/api/v1/me/eye/").status_code == 401
    with CaptureQueriesContext(connection) as statements:
        get(alice_client, "me/eye/")
    assert len(statements) <= 3


def test_votes_without_weight_and_galaxies_of_one_other_are_not_compared(alice: Any, alice_client: Client) -> None:
    make_campaign(targets=2)
    others = [make_volunteer(1), make_volunteer(2)]
    for _galaxy in range(2):
        for volunteer in (alice, *others):
            judge(volunteer, 66.5)
    consensus_refresh()
    let_undo_end()
    assert get(alice_client, "me/eye/")["galaxies"] == 2
    votes = list(Vote.objects.filter(volunteer=alice).order_by("pk").values_list("pk", flat=True))
    Vote.objects.filter(pk=votes[0]).update(flags=["too_fast"])
    assert get(alice_client, "me/eye/")["galaxies"] == 1
    Vote.objects.filter(volunteer=others[0]).update(flags=["implausible"])
    assert get(alice_client, "me/eye/")["galaxies"] == 0


def test_only_the_first_is_first(one: Campaign, alice: Any, alice_client: Client) -> None:
    judge(alice, 62.5)
    charlie = make_volunteer(1)
    key = judge(charlie, 63.5)
    assert [vote["is_first"] for vote in get(alice_client, "me/votes/")["results"]] == [True]
    assert [vote["is_first"] for vote in get(client_of(charlie), "me/votes/")["results"]] == [False]
    assert Vote.objects.get(key=key).standing == "counted"


def test_nobody_is_first_on_a_galaxy_of_an_earlier_campaign_or_table(alice: Any, alice_client: Client) -> None:
    first = make_campaign(targets=1)
    second = make_campaign("second", targets=0, standard_set=first.standard_set)
    targets_add(campaign=second, galaxy_ids=[Target.objects.get().galaxy_id])
    judge(make_volunteer(1), 63.5, campaign="second")
    judge(alice, 62.5)
    assert [vote["is_first"] for vote in get(alice_client, "me/votes/")["results"]] == [False]


def test_who_undid_the_vote_is_not_first(one: Campaign, alice: Any, alice_client: Client) -> None:
    vote_undo(volunteer=alice, key=judge(alice, 62.5))
    assert [vote["is_first"] for vote in get(alice_client, "me/votes/")["results"]] == [False]


def test_the_schema_names_the_outcome(alice_client: Client) -> None:
    schema = json.loads(alice_client.get("/api/v1/schema/", headers={"accept": "application/json"}).content)
    assert "outcome" in schema["components"]["schemas"]["OwnVote"]["properties"]
