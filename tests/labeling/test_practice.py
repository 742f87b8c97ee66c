"""Practice without an account: five galaxies of known inclination, kept by one account, once, and never a vote."""

import json
import random
import time
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.core import signing
from django.test import Client

from giz.accounts.erasure import account_erase
from giz.accounts.models import User
from giz.accounts.own_data import own_data
from giz.core.errors import Refused
from labeling import api
from labeling.models import Campaign, PracticeRound, Target, Vote
from labeling.practice import GROUPS, daily_round, practice_galaxies, practice_round
from labeling.services import practice
from tests.labeling.sky import FACE_ON_TRACE, client_of, make_campaign, make_set, make_volunteer, post, trace_to

pytestmark = pytest.mark.django_db


def begin(client: Client, **asked: Any) -> dict[str, Any]:
    answer = post(client, "practice/", asked)
    assert answer.status_code == 201, answer.content
    return dict(answer.json())


def judge(client: Client, token: str, inclination_deg: float = 59.5, **changes: Any) -> Any:
    return post(
        client,
        "practice/judge/",
        {"token": token, "trace": trace_to(inclination_deg), "verdict": "accepted", **changes},
    )


def finish(client: Client, **asked: Any) -> tuple[str, list[dict[str, Any]]]:
    token, judged = begin(client, **asked)["token"], []
    for _ in range(GROUPS):
        judged.append(judge(client, token).json())
        token = judged[-1]["token"]
    return token, judged


def test_a_stranger_without_cookies_judges_five_and_learns_each_truth_afterwards(campaign: Campaign) -> None:
    client = Client()
    begun = begin(client)
    assert len(begun["galaxies"]) == GROUPS
    assert {task["standard_set"] for task in begun["galaxies"]} == {campaign.standard_set_id}
    truths = {tuple(galaxy.images.values()): galaxy.inclination_deg for galaxy in practice_galaxies()}
    token = begun["token"]
    for task in begun["galaxies"]:
        answer = judge(client, token).json()
        assert answer["true_deg"] == truths[tuple(task["target"]["images"].values())]
        assert answer["error_deg"] == pytest.approx(59.5 - answer["true_deg"], abs=0.01)
        token = answer["token"]
    assert not client.cookies
    assert not PracticeRound.objects.exists()
    assert not Vote.objects.exists()


def test_nothing_tells_an_inclination_before_the_judgement(campaign: Campaign) -> None:
    begun = begin(Client())
    held = signing.loads(begun["token"], salt=practice.SALT)
    told = json.dumps([begun, held])
    assert "true" not in told
    for number in held["galaxies"]:
        assert str(practice_galaxies()[number].inclination_deg) not in told.replace(begun["token"], "")
    pictures = [begun["galaxies"][place]["target"]["images"]["gri"] for place in range(GROUPS)]
    assert len(set(pictures)) == GROUPS


def test_practice_uses_no_galaxy_of_the_catalogue(campaign: Campaign) -> None:
    stems = {stem for galaxy in practice_galaxies() for stem in galaxy.images.values()}
    shown = {stem for task in begin(Client())["galaxies"] for stem in task["target"]["images"].values()}
    assert shown <= stems
    before = list(Target.objects.order_by("pk").values_list("pk", "vote_count", "lease_count", "stale_since"))
    finish(Client())
    assert list(Target.objects.order_by("pk").values_list("pk", "vote_count", "lease_count", "stale_since")) == before


def test_face_on_counts_as_45_degrees_and_a_rejection_as_nothing(campaign: Campaign) -> None:
    client = Client()
    first = judge(client, begin(client)["token"], trace=FACE_ON_TRACE, verdict="face_on").json()
    assert (first["verdict"], first["inclination_deg"]) == ("F", None)
    assert first["error_deg"] == pytest.approx(45 - first["true_deg"], abs=0.01)
    second = judge(client, first["token"], trace=None, verdict="rejected", reasons=["not_sure"]).json()
    assert (second["verdict"], second["error_deg"]) == ("J", None)
    assert second["true_deg"] > 45


def test_without_a_campaign_the_newest_published_set_is_the_ruler() -> None:
    assert post(Client(), "practice/", {}).json()["code"] == "no_standards"
    standard_set = make_set()
    assert begin(Client())["galaxies"][0]["standard_set"] == standard_set.pk


# --- tokens ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("token", ["", "x", "a:b:c", "eyJpZCI6MX0:1abc:sig", "\x00", "x" * 5_000])
def test_a_forged_token_is_refused(campaign: Campaign, token: str) -> None:
    answer = judge(Client(), token)
    assert answer.status_code in (400, 401)
    assert answer.json()["code"] in ("bad_trial", "validation_error", "bad_json")


def test_a_changed_or_foreign_signature_is_refused(campaign: Campaign) -> None:
    token = begin(Client())["token"]
    held = signing.loads(token, salt=practice.SALT)
    for forged in (
        token.replace(":", ".", 1),
        token[:-1] + ("A" if token[-1] != "A" else "B"),
        signing.dumps(held, salt=practice.SALT, key="another"),
        signing.dumps(held, salt="another"),
        signing.dumps({"id": held["id"]}, salt=practice.SALT),
    ):
        answer = judge(Client(), forged)
        assert (answer.status_code, answer.json()["code"]) == (401, "bad_trial")


def test_a_round_ends_and_judging_does_not_extend_it(campaign: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    client, now = Client(), time.time()
    first = begin(client)["token"]
    monkeypatch.setattr(time, "time", lambda: now + practice.ROUND_S - 60)
    second = judge(client, first).json()["token"]
    monkeypatch.setattr(time, "time", lambda: now + practice.ROUND_S + 60)
    assert judge(client, second).json()["code"] == "bad_trial"
    assert post(client, "practice/", {"after": second}).json()["code"] == "bad_trial"


def test_who_has_learned_the_truth_can_not_judge_again(campaign: Campaign) -> None:
    client = Client()
    token = begin(client)["token"]
    first = judge(client, token, 59.5).json()
    again = judge(client, token, 70.5)
    assert (again.status_code, again.json()["code"]) == (409, "already_judged")
    replayed = judge(client, token, 59.5).json()
    held = [signing.loads(answer["token"], salt=practice.SALT) for answer in (first, replayed)]
    assert held[0] == held[1]


def test_a_sixth_judgement_is_refused(campaign: Campaign) -> None:
    token, _ = finish(Client())
    assert judge(Client(), token).json()["code"] == "already_judged"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"trace": {"version": 1, "steps": "all"}}, "bad_trace"),
        ({"trace": None}, "trace_mismatch"),
        ({"verdict": "face_on"}, "trace_mismatch"),
        ({"verdict": "rejected"}, "reason_required"),
        ({"true_deg": 60}, "unknown_field"),
    ],
)
def test_a_judgement_is_read_as_a_vote_is(campaign: Campaign, changes: dict[str, Any], code: str) -> None:
    answer = judge(Client(), begin(Client())["token"], **changes)
    assert (answer.status_code, answer.json()["code"]) == (400, code)


# --- limits ----------------------------------------------------------------------------------------------------------
def test_rounds_and_judgements_of_one_address_are_limited_whatever_its_cookies(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "ROUNDS_AN_HOUR", 3)
    tokens = [begin(Client())["token"] for _ in range(3)]
    refused = post(Client(), "practice/", {})
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_requests")
    assert 0 < int(refused.headers["Retry-After"]) <= 3600
    monkeypatch.setattr(api, "JUDGEMENTS_AN_HOUR", 2)
    assert [judge(Client(), token).status_code for token in tokens] == [200, 200, 429]


def test_people_who_are_signed_in_have_a_limit_of_their_own(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "ROUNDS_AN_HOUR", 1)
    begin(Client())
    assert post(Client(), "practice/", {}).status_code == 429
    begin(client_of(make_volunteer()))


# --- keeping ---------------------------------------------------------------------------------------------------------
def test_an_account_keeps_a_round_of_a_stranger_once(campaign: Campaign) -> None:
    token, judged = finish(Client())
    alice = make_volunteer(1)
    client = client_of(alice)
    for _ in range(2):
        answer = post(client, "me/practice/", {"token": token})
        assert answer.status_code == 200, answer.content
    errors = [one["error_deg"] for one in judged]
    assert answer.json() == client.get("/api/v1/me/practice/").json()
    assert answer.json()["rounds"] == 1
    assert answer.json()["galaxies"] == GROUPS
    assert answer.json()["mean_error_deg"] == pytest.approx(sum(map(abs, errors)) / GROUPS, abs=0.01)
    assert answer.json()["mean_offset_deg"] == pytest.approx(sum(errors) / GROUPS, abs=0.01)
    assert client.get("/api/v1/me/").json()["counts"]["votes"] == 0
    assert not Vote.objects.exists()


def test_a_second_account_can_not_keep_the_same_round(campaign: Campaign) -> None:
    token, _ = finish(Client())
    assert post(client_of(make_volunteer(1)), "me/practice/", {"token": token}).status_code == 200
    refused = post(client_of(make_volunteer(2)), "me/practice/", {"token": token})
    assert (refused.status_code, refused.json()["code"]) == (409, "trial_taken")
    assert PracticeRound.objects.count() == 1


def test_only_a_finished_round_of_somebody_with_an_account_is_kept(campaign: Campaign) -> None:
    token, _ = finish(Client())
    assert post(Client(), "me/practice/", {"token": token}).status_code == 401
    client = client_of(make_volunteer())
    assert post(client, "me/practice/", {"token": begin(client)["token"]}).json()["code"] == "round_unfinished"
    assert post(client, "me/practice/", {"token": "forged"}).json()["code"] == "bad_trial"
    assert not PracticeRound.objects.exists()


def test_the_five_of_a_day_are_the_same_for_everybody_and_kept_once(campaign: Campaign) -> None:
    client = client_of(make_volunteer())
    one, other = begin(Client(), kind="daily"), begin(client, kind="daily")
    assert one["day"] == datetime.now(UTC).date().isoformat()
    shown = [[(task["target"], task["orders"]) for task in begun["galaxies"]] for begun in (one, other)]
    assert shown[0] == shown[1]
    assert post(client, "me/practice/", {"token": finish(client, kind="daily")[0]}).status_code == 200
    again = post(client, "me/practice/", {"token": finish(client, kind="daily")[0]})
    assert (again.status_code, again.json()["code"]) == (409, "daily_kept")


def test_kept_practice_is_limited(campaign: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(practice, "MAX_KEPT", 1)
    client = client_of(make_volunteer())
    assert post(client, "me/practice/", {"token": finish(client)[0]}).status_code == 200
    assert post(client, "me/practice/", {"token": finish(client)[0]}).json()["code"] == "practice_full"


def test_practice_is_in_the_own_data_and_erased_with_the_account(campaign: Campaign) -> None:
    alice = make_volunteer()
    token, _ = finish(Client())
    post(client_of(alice), "me/practice/", {"token": token})
    assert json.loads("".join(own_data(alice)))["practice_rounds"][0]["judgements"][0]["true_deg"] > 45
    account_erase(user=alice)
    assert not PracticeRound.objects.exists()


def test_a_round_on_its_way_is_not_kept_for_an_account_that_was_erased_meanwhile(campaign: Campaign) -> None:
    alice = make_volunteer()
    token, _ = finish(Client())
    account_erase(user=User.objects.get(pk=alice.pk))
    with pytest.raises(Refused) as refused:
        practice.round_keep(volunteer=alice, token=token)
    assert refused.value.code == "not_authenticated"
    assert not PracticeRound.objects.exists()


# --- which galaxies --------------------------------------------------------------------------------------------------
def test_a_round_has_a_galaxy_of_each_group_and_none_that_was_seen() -> None:
    galaxies = practice_galaxies()
    ordered = sorted(range(len(galaxies)), key=lambda number: galaxies[number].inclination_deg)
    group_of = {number: place // (len(galaxies) // GROUPS) for place, number in enumerate(ordered)}
    rng = random.Random(1)
    seen: list[int] = []
    for _ in range(len(galaxies) // GROUPS):
        found = practice_round(rng, seen)
        assert sorted(group_of[number] for number in found) == list(range(GROUPS))
        assert not set(found) & set(seen)
        seen += found
    assert len(set(practice_round(rng, seen))) == GROUPS


def test_the_next_round_has_two_galaxies_like_the_one_judged_worst() -> None:
    galaxies = practice_galaxies()
    rng = random.Random(2)
    first = sorted(practice_round(rng), key=lambda number: galaxies[number].inclination_deg)
    after = practice_round(rng, first, dict(zip(first, (2.0, 1.0, 0.5, 3.0, 9.0), strict=True)))
    tilts = sorted(galaxies[number].inclination_deg for number in after)
    steepest = sorted(galaxy.inclination_deg for galaxy in galaxies)[-len(galaxies) // GROUPS :]
    assert len(set(after)) == GROUPS
    assert not set(after) & set(first)
    assert sum(tilt in steepest for tilt in tilts) == 2


def test_each_galaxy_is_in_a_daily_five_once_before_any_comes_again() -> None:
    count = len(practice_galaxies())
    days = count // GROUPS
    start = date.fromordinal(days * 92_000)
    found = [number for day in range(days) for number in daily_round(start + timedelta(days=day))]
    assert sorted(found) == list(range(count))


def test_pictures_of_practice_galaxies_are_served_for_ever(client: Client) -> None:
    for stem in practice_galaxies()[0].images.values():
        answer = client.get(f"/media/practice/{stem}-256.webp")
        assert answer.headers["Content-Type"] == "image/webp"
        assert "immutable" in answer.headers["Cache-Control"]
        assert len(answer.content) < 40_000
    assert client.get("/media/practice/aa/aaaaaaaaaaaaaaaaaaaaaaaaaa-256.webp").status_code == 404
    assert client.get("/media/practice/../galaxies.json").status_code == 404


def test_a_newer_campaign_is_practised_with_its_own_standards(campaign: Campaign) -> None:
    # Campaigns are offered to newcomers by name.
    other = make_campaign("a-first", standard_set=make_set("other", first_pgc=700_000))
    assert begin(Client())["galaxies"][0]["standard_set"] == other.standard_set_id
