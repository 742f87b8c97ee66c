"""The download of one's own data: everything, for its owner alone, in bounded memory."""

import json
import tracemalloc
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from allauth.mfa.totp.internal.auth import TOTP
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models import Max
from django.http import FileResponse
from django.test import Client

from giz.accounts.models import User
from giz.accounts.own_data import ROWS_AT_ONCE, own_data, relations_to_people
from giz.core import audit
from labeling.models import CrowdFit, Target, VolunteerFit, Vote
from tests.accounts.people import PASSWORD, log_in, sign_up
from tests.labeling.sky import lease, make_campaign, post, vote_body

pytestmark = pytest.mark.django_db
DATA, DATA_PAGE = "/api/v1/me/data/", "/accounts/data/"


def _data(client: Client) -> Any:
    answer = client.get(DATA)
    assert answer.status_code == 200, answer.content
    assert isinstance(answer, FileResponse)
    return json.loads(b"".join(answer.streaming_content))


def test_who_has_just_signed_up_need_not_enter_the_password_again(client: Client) -> None:
    sign_up(client, "mike@example.org")
    assert client.get(DATA_PAGE).status_code == 200
    assert _data(client)["account"]["email"] == "mike@example.org"


@pytest.mark.finding("security S6", "flow F17", "review 4.5", "abuse A30")
def test_everything_about_a_person_is_in_it(client: Client) -> None:
    campaign = make_campaign()
    sign_up(client, "mike@example.org")
    mike = User.objects.get()
    first = lease(client)
    post(client, "votes/", vote_body(first["id"], comment="a dusty one"))
    lease(client)
    fit = CrowdFit.objects.create(
        campaign=campaign, rule_version="x", crowd={}, vote_count=1, galaxy_count=1, volunteer_count=1, iterations=1,
        is_converged=True, change_deg=0,
    )  # fmt: skip
    VolunteerFit.objects.create(
        fit=fit, volunteer=mike, offset_deg=1.25, slope=0, scale=1, offset_variance=0, slope_variance=0, covariance=0,
        scale_log_error=0, vote_count=1,
    )  # fmt: skip
    TOTP.activate(mike, "JBSWY3DPEHPK3PXP")
    audit.record("votes_discounted", subject=f"volunteer {mike.pk}")
    audit.record("something_else", subject="volunteer 999999")
    found = _data(client)
    assert found["format"] == "giz-own-data-1"
    assert found["account"]["email"] == "mike@example.org"
    assert found["account"]["volunteer_number"] == mike.volunteer_number
    assert [row["email"] for row in found["email_addresses"]] == ["mike@example.org"]
    (vote,) = found["votes"]
    target = Target.objects.get(pk=vote["target_id"])
    assert (vote["comment"], vote["pgc"], vote["campaign"]) == ("a dusty one", target.galaxy.pgc, "sky")
    assert vote["trace"]["version"] == 1
    assert isinstance(vote["flags"], list)
    assert len(found["tasks"]) == 2
    assert found["volunteer_fits"][0]["offset_deg"] == 1.25
    assert list(found["sessions"][0]) == ["ends_at"]
    assert [row["type"] for row in found["authenticators"]] == ["totp"]
    assert [row["action"] for row in found["audit_events"]] == ["votes_discounted"]


@pytest.mark.finding("security S6", "abuse A16")
def test_it_holds_no_secret_and_nothing_of_anybody_else(client: Client, alice: User) -> None:
    make_campaign(overlap=2)
    other = Client()
    sign_up(other, "other@example.org")
    post(other, "votes/", vote_body(lease(other)["id"], comment="the other's remark"))
    log_in(client, alice.email)
    TOTP.activate(alice, "JBSWY3DPEHPK3PXP")
    text = json.dumps(_data(client))
    alice.refresh_from_db()
    for secret in (alice.password, "JBSWY3DPEHPK3PXP", str(client.session.session_key), "other@", "other's remark"):
        assert secret not in text


def test_a_galaxy_in_hand_is_not_named(client: Client) -> None:
    """What a task's galaxy is called is told after the vote, not before."""
    make_campaign()
    sign_up(client, "mike@example.org")
    lease(client)
    (task,) = _data(client)["tasks"]
    assert {"pgc", "name", "galaxy"}.isdisjoint(task)


def test_every_table_that_names_a_person_is_in_it(client: Client) -> None:
    sign_up(client, "mike@example.org")
    found = _data(client)
    tables = {str(model._meta.verbose_name_plural).replace(" ", "_") for model in relations_to_people()}
    assert {"votes", "tasks", "volunteer_fits", "jobs", "proposals", "email_addresses", "authenticators"} <= tables
    assert tables <= set(found)


def test_a_session_that_was_left_open_gives_nothing(alice_client: Client) -> None:
    answer = alice_client.get(DATA)
    assert (answer.status_code, answer.json()["code"]) == (403, "reauthentication_required")
    assert alice_client.get(DATA_PAGE)["Location"] == f"/accounts/reauthenticate/?next={DATA_PAGE}"
    assert Client().get(DATA).status_code == 401


def test_the_page_gives_the_same_file(client: Client, alice: User) -> None:
    log_in(client, alice.email)
    answer = client.post(DATA_PAGE, {"download": "1"})
    assert answer["Content-Disposition"] == 'attachment; filename="giz-my-data.json"'
    assert "no-store" in answer["Cache-Control"]
    assert json.loads(b"".join(answer.streaming_content))["account"]["email"] == alice.email
    assert "no-store" in client.get(DATA)["Cache-Control"]


def test_downloads_are_limited(client: Client, alice: User) -> None:
    log_in(client, alice.email)
    codes = [client.get(DATA).status_code for _ in range(11)]
    assert (codes[0], codes[-1]) == (200, 429)


def test_memory_does_not_grow_with_the_votes(alice: User) -> None:
    """Ten times as many votes: the document grows, the memory does not."""
    campaign = make_campaign(targets=2)
    target = Target.objects.filter(campaign=campaign).first()
    assert target is not None

    def peak() -> tuple[int, int]:
        tracemalloc.start()
        length = sum(len(piece) for piece in own_data(alice))
        memory = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return length, memory

    _many_votes(alice, target, 2 * ROWS_AT_ONCE)
    few_length, few_memory = peak()
    _many_votes(alice, target, 18 * ROWS_AT_ONCE)
    many_length, many_memory = peak()
    assert many_length > 9 * few_length
    assert many_memory < 1.5 * few_memory


def _many_votes(user: User, target: Target, count: int) -> None:
    first = (Vote.objects.aggregate(last=Max("pk"))["last"] or 0) + 1
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO labeling_vote (key, body_hash, target_id, volunteer_id, standing, verdict, trace,
                                          rule_version, reasons, comment, flags, is_imported, import_ref)
               SELECT gen_random_uuid(), 'x', %s, %s, 'surplus', 'J',
                      jsonb_build_object('version', 1, 'steps', to_jsonb(repeat('x', 400))), '', '{}', '', '{}', true,
                      'row ' || number
                 FROM generate_series(%s::bigint, %s::bigint) AS number""",
            [target.pk, user.pk, first, first + count - 1],
        )


# --- the command -----------------------------------------------------------------------------------------------------
def test_the_command_writes_the_same_document(alice: User, tmp_path: Path) -> None:
    out = StringIO()
    call_command("export_person", "alice@example.org", stdout=out)
    assert json.loads(out.getvalue())["account"]["email"] == alice.email
    file = tmp_path / "alice.json"
    call_command("export_person", alice.public_name, "--out", str(file), stdout=StringIO())
    assert json.loads(file.read_text())["account"]["email"] == alice.email
    assert file.stat().st_mode & 0o777 == 0o600
    with pytest.raises(CommandError, match="exists"):
        call_command("export_person", alice.public_name, "--out", str(file))


@pytest.mark.parametrize("person", ["nobody@example.org", "v1", "v", "x", "9" * 40, "²"])
def test_the_command_knows_no_such_person(alice: User, person: str) -> None:
    with pytest.raises(CommandError, match="No account has this"):
        call_command("export_person", person)


def test_the_password_shown_once_more_opens_it(alice: User, alice_client: Client) -> None:
    from giz.accounts.staff import email_address_add

    email_address_add(alice)
    alice_client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    assert _data(alice_client)["account"]["email"] == alice.email
