"""Erasing an account: nothing of the person is left anywhere, and every vote counts as before."""

import json
import re
import time
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP
from django.contrib.admin.models import CHANGE, LogEntry
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client

from giz.accounts.erasure import account_erase
from giz.accounts.models import User
from giz.core.errors import Refused
from giz.core.models import AuditEvent
from labeling.models import Consensus, Target, Task, Vote
from labeling.services.consensus import consensus_refresh
from tests.accounts.people import LOGIN, NEW_PASSWORD, PASSWORD, log_in, sign_up, volunteer
from tests.labeling.sky import age_task, lease, make_campaign, post, vote_body

pytestmark = pytest.mark.django_db
ERASE, DATA_PAGE = "/api/v1/me/erase/", "/accounts/data/"
REMARK = "canary remark: a warp at the northern edge"
ADDRESS = "canary-7f3a@example.org"


def _everything() -> str:
    """Every row of every table as text, and whatever the cache holds: what a dump of the site would show."""
    found = []
    with connection.cursor() as cursor:
        cursor.execute("SELECT format('%I', tablename) FROM pg_tables WHERE schemaname = 'public'")
        for (table,) in cursor.fetchall():
            cursor.execute(f"SELECT row_to_json(row)::text FROM {table} AS row")
            found += [f"{table}: {row[0]}" for row in cursor.fetchall()]
    from django.contrib.sessions.models import Session

    found += [json.dumps(session.get_decoded()) for session in Session.objects.all()]
    server = cache._cache.get_client(None, write=True)
    for key in server.scan_iter(match=f"{cache.key_prefix}:*"):
        found.append(f"{key!r} {server.get(key)!r}")
    return "\n".join(found)


@pytest.fixture
def canary(db: None) -> tuple[User, Client, dict[str, str]]:
    """Somebody who has left a trace in every place: votes with remarks, a lease, a session, a second factor."""
    make_campaign(overlap=2)
    client = Client()
    sign_up(client, ADDRESS)
    user = User.objects.get(email=ADDRESS)
    client.patch("/api/v1/me/", {"preferences": {"hints_seen": ["canary-hint"]}}, content_type="application/json")
    for comment in (REMARK, "", f"{REMARK} again"):
        _vote(client, comment=comment)
    lease(client)
    other = Client()
    sign_up(other, "other@example.org")
    for comment in ("somebody else's remark", ""):
        _vote(other, comment=comment)
    consensus_refresh()
    Authenticator.objects.create(user=user, type="totp", data={"secret": "CANARYSECRET234567"})
    LogEntry.objects.create(
        user=user, content_type_id=_people(), object_id=str(user.pk), object_repr=str(user), action_flag=CHANGE
    )
    log_in(Client(), ADDRESS, "a wrong password")
    traces = {
        "address": ADDRESS,
        "name": user.public_name,
        "number": str(user.volunteer_number),
        "remark": REMARK,
        "session": str(client.session.session_key),
        "password": user.password,
        "secret": "CANARYSECRET234567",
        "preference": "canary-hint",
    }
    return user, client, traces


def _vote(client: Client, **said: Any) -> None:
    task = lease(client)["id"]
    age_task(task, 30)
    answer = post(client, "votes/", vote_body(task, **said))
    assert answer.status_code == 201, answer.content


def _people() -> int:
    from django.contrib.contenttypes.models import ContentType

    return int(ContentType.objects.get_for_model(User).pk)


def _labels() -> list[tuple[Any, ...]]:
    """Everything that counts of the consensuses, and of the votes behind them."""
    columns = ("target_id", "estimator", "inclination_deg", "sigma_deg", "verdict", "status", "volunteer_count")
    votes = Vote.objects.order_by("pk").values_list("pk", "volunteer_id", "standing", "verdict", "inclination_deg")
    return [*Consensus.objects.order_by("pk").values_list(*columns, "vote_ids", "is_current"), *votes]


@pytest.mark.finding("security S6", "flow F17", "review 4.5", "abuse A30")
def test_nothing_of_the_person_is_left_and_every_vote_counts(canary: tuple[User, Client, dict[str, str]]) -> None:
    user, client, traces = canary
    before, labels = _everything(), _labels()
    assert all(trace in before for trace in traces.values())
    answer = client.post(ERASE, {"password": PASSWORD}, content_type="application/json")
    assert (answer.status_code, answer.json()) == (200, {"erased": True})
    after = _everything()
    assert {name for name, trace in traces.items() if trace in after} == set()
    assert _labels() == labels
    assert "somebody else's remark" in after
    shell = User.objects.get(pk=user.pk)
    assert shell.volunteer_number != user.volunteer_number
    assert (shell.email, shell.is_active, shell.preferences, shell.last_login) == (None, False, {}, None)
    assert not shell.has_usable_password()
    event = AuditEvent.objects.get(action="account_erased")
    assert (event.subject, event.actor_number) == (shell.public_name, None)
    consensus_refresh()
    assert _labels() == labels


@pytest.mark.finding("security S6", "abuse A30")
def test_every_session_ends_at_once_and_the_address_is_free_again(
    canary: tuple[User, Client, dict[str, str]],
) -> None:
    user, client, _ = canary
    other = Client()
    other.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    assert volunteer(other)
    client.post(ERASE, {"password": PASSWORD}, content_type="application/json")
    assert volunteer(client) is None
    assert volunteer(other) is None
    assert client.get("/api/v1/me/votes/").status_code == 401
    assert log_in(Client(), ADDRESS).status_code == 200
    again = Client()
    sign_up(again, ADDRESS, NEW_PASSWORD)
    assert volunteer(again) not in (None, user.public_name)
    assert User.objects.get(email=ADDRESS).pk != user.pk


def test_leases_go_back_to_the_others(canary: tuple[User, Client, dict[str, str]]) -> None:
    user, _, _ = canary
    assert Task.objects.get(volunteer=user, state="leased").target.lease_count == 1
    account_erase(user=user)
    assert not Task.objects.filter(volunteer=user, state="leased").exists()
    assert not Target.objects.filter(lease_count__gt=0).exists()


def test_remarks_stay_where_the_person_wishes_it(canary: tuple[User, Client, dict[str, str]]) -> None:
    user, _, traces = canary
    account_erase(user=user, keeps_comments=True)
    assert Vote.objects.filter(volunteer=user, comment=REMARK).exists()
    assert Consensus.objects.filter(note__contains=REMARK).exists()
    after = _everything()
    assert {name for name, trace in traces.items() if trace in after} == {"remark"}


def test_a_note_keeps_its_reasons_and_the_remarks_of_the_others(db: None) -> None:
    make_campaign(targets=1, overlap=2)
    people = []
    for name, comment in (("one", "mine"), ("two", "theirs")):
        client = Client()
        sign_up(client, f"{name}@example.org")
        _vote(client, comment=comment, reasons=["HI"])
        people.append(User.objects.get(email=f"{name}@example.org"))
        consensus_refresh()
    assert set(Consensus.objects.values_list("note", flat=True)) == {"[HI] mine", "[HI] mine; theirs"}
    account_erase(user=people[0])
    assert set(Consensus.objects.values_list("note", flat=True)) == {"[HI]", "[HI] theirs"}


def test_an_export_made_later_has_no_remark(canary: tuple[User, Client, dict[str, str]], tmp_path: Path) -> None:
    user, _, _ = canary
    call_command(
        "export_labels",
        "--campaign",
        "sky",
        "--format",
        "csv",
        "--out",
        str(tmp_path / "before.csv"),
        stdout=StringIO(),
    )
    assert REMARK in (tmp_path / "before.csv").read_text()
    account_erase(user=user)
    call_command(
        "export_labels", "--campaign", "sky", "--format", "csv", "--out", str(tmp_path / "after.csv"), stdout=StringIO()
    )
    assert REMARK not in (tmp_path / "after.csv").read_text()


# --- who may ---------------------------------------------------------------------------------------------------------
def test_a_session_that_was_left_open_erases_nothing(alice: User, alice_client: Client) -> None:
    answer = alice_client.post(ERASE, {}, content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (403, "reauthentication_required")
    answer = alice_client.post(ERASE, {"password": "wrong"}, content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (403, "wrong_password")
    assert alice_client.post(DATA_PAGE, {"sure": "yes"})["Location"] == f"/accounts/reauthenticate/?next={DATA_PAGE}"
    assert Client().post(ERASE, {"password": PASSWORD}, content_type="application/json").status_code == 401
    alice.refresh_from_db()
    assert alice.is_active


def test_the_page_asks_for_the_password_and_the_tick(client: Client, alice: User) -> None:
    log_in(client, alice.email)
    assert b"Erase my account" in client.get(DATA_PAGE).content
    assert client.post(DATA_PAGE, {}).status_code == 400
    alice.refresh_from_db()
    assert alice.is_active
    assert client.post(DATA_PAGE, {"sure": "yes"})["Location"] == "/accounts/erased/"
    assert b'data-code="erased"' in client.get("/accounts/erased/").content
    alice.refresh_from_db()
    assert not alice.is_active
    assert client.get(DATA_PAGE)["Location"].startswith(LOGIN)


def test_no_superuser_is_erased(bob: User) -> None:
    with pytest.raises(Refused) as refused:
        account_erase(user=bob)
    assert refused.value.code == "is_superuser"
    bob.refresh_from_db()
    assert bob.is_active


def test_a_superuser_erases_somebody_from_their_page(bob: User, bob_client: Client, alice: User) -> None:
    page = f"/staff/accounts/user/{alice.pk}/"
    assert b"Erase this account" in bob_client.get(f"{page}change/").content
    bob_client.post(f"{page}press/erase/")
    alice.refresh_from_db()
    assert alice.email is None
    event = AuditEvent.objects.get(action="account_erased")
    assert (event.actor_number, event.subject) == (bob.volunteer_number, alice.public_name)
    assert b"Erase this account" not in bob_client.get(f"{page}change/").content


def test_plain_staff_erase_nobody(alice: User) -> None:
    dora = User.objects.create_user("dora@example.org", PASSWORD, role="staff")
    client = Client()
    client.force_login(dora, backend="allauth.account.auth_backends.AuthenticationBackend")
    page = f"/staff/accounts/user/{alice.pk}/"
    assert b"Erase this account" not in client.get(f"{page}change/").content
    assert client.post(f"{page}press/erase/").status_code == 403
    alice.refresh_from_db()
    assert alice.is_active


def test_the_command_asks_and_names_the_new_number_alone(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("builtins.input", lambda _: "no")
    with pytest.raises(CommandError, match="Nothing was erased"):
        call_command("erase_account", "alice@example.org", stdout=StringIO())
    out = StringIO()
    call_command("erase_account", "Alice@example.org", "--yes", stdout=out)
    alice.refresh_from_db()
    assert alice.email is None
    assert re.findall(r"v\d+", out.getvalue()) == [alice.public_name]
    with pytest.raises(CommandError, match="No account has this"):
        call_command("erase_account", "alice@example.org", "--yes")


def test_a_supervisors_verdict_still_stands(db: None) -> None:
    """The rank weighs in the verdict: it stays with the votes."""
    carol = User.objects.create_user("carol@example.org", PASSWORD, role="supervisor", supervisor_rank=2)
    shell = account_erase(user=carol)
    assert (shell.role, shell.supervisor_rank) == ("supervisor", 2)


def test_an_account_of_an_imported_table_is_erased_by_its_number(db: None) -> None:
    person = User.objects.create(email=None, import_source="old-zoo", import_name="hash-of-a-name")
    call_command("erase_account", person.public_name, "--yes", stdout=StringIO())
    person.refresh_from_db()
    assert (person.import_source, person.import_name) == ("", "")


def test_the_password_asked_for_is_limited(client: Client, alice: User, alice_client: Client) -> None:
    from giz.accounts.staff import email_address_add

    email_address_add(alice)
    codes = [
        alice_client.post(ERASE, {"password": "wrong"}, content_type="application/json").status_code for _ in range(7)
    ]
    assert codes[-1] == 429


def test_time_is_not_kept_to_the_day(alice: User) -> None:
    shell = account_erase(user=alice)
    assert shell.date_joined.day == 1
    assert time.time() > shell.date_joined.timestamp()


def test_recovery_codes_and_app_go(alice: User) -> None:
    TOTP.activate(alice, "JBSWY3DPEHPK3PXP")
    account_erase(user=alice)
    assert not Authenticator.objects.filter(user=alice).exists()


@pytest.mark.finding("security S6", "abuse A30")
def test_letters_that_were_written_to_files_go_as_well(settings: Any, tmp_path: Path) -> None:
    settings.GIZ_HOME, settings.EMAIL_BACKEND = tmp_path, "giz.core.mail.FolderBackend"
    for email in ("ann@example.org", "joann@example.org", "ann@example.org.uk"):
        sign_up(Client(), email)
    assert len(list(tmp_path.glob("mail/*.eml"))) == 3
    account_erase(user=User.objects.get(email="ann@example.org"))
    kept = sorted(re.findall(r"^To: (.*)$", path.read_text(), re.M)[0] for path in tmp_path.glob("mail/*.eml"))
    assert kept == ["ann@example.org.uk", "joann@example.org"]
