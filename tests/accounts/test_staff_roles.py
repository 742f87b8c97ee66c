"""Who may see and do what: the first staff account, the doors of the staff pages, roles handed out by superusers."""

from io import StringIO
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from django.core import mail
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.test import Client

from giz.accounts.models import User
from giz.core.models import AuditEvent
from tests.accounts.people import NEW_PASSWORD, PASSWORD, log_in, mailed_path, volunteer

pytestmark = pytest.mark.django_db
PEOPLE = "/staff/accounts/user/"
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


def _page(user: User) -> str:
    return f"{PEOPLE}{user.pk}/change/"


@pytest.fixture
def dora(db: None) -> User:
    """A member of staff without superuser rights."""
    return User.objects.create_user("dora@example.org", PASSWORD, role="staff")


@pytest.fixture
def dora_client(dora: User) -> Client:
    client = Client()
    client.force_login(dora, backend=BACKEND)
    return client


def _ensure(*words: str) -> str:
    out = StringIO()
    call_command("ensure_staff", *words, stdout=out)
    return out.getvalue()


# --- the first account -----------------------------------------------------------------------------------------------
def test_the_first_staff_account_is_made_once_and_shown_again(settings: Any, tmp_path: Path, client: Client) -> None:
    settings.GIZ_HOME = tmp_path
    first = _ensure()
    email, password = (tmp_path / "staff_login").read_text().split()
    assert (tmp_path / "staff_login").stat().st_mode & 0o777 == 0o600
    assert email in first
    assert password in first
    assert _ensure() == ""
    assert password in _ensure("--print")
    made = User.objects.get()
    assert (made.role, made.is_staff, made.is_superuser) == ("staff", True, True)
    assert log_in(client, email, password).status_code == 302
    assert AuditEvent.objects.get().action == "staff_account_made"


@pytest.mark.finding("security S14")
def test_the_first_password_is_shown_and_kept_until_another_is_chosen(
    settings: Any, tmp_path: Path, client: Client
) -> None:
    settings.GIZ_HOME = tmp_path
    _ensure()
    email, password = (tmp_path / "staff_login").read_text().split()
    log_in(client, email, password)
    assert b'data-code="initial_password"' in client.get("/staff/dashboard/").content
    form = {"oldpassword": password, "password1": NEW_PASSWORD, "password2": NEW_PASSWORD}
    assert client.post("/accounts/password/change/", form).status_code == 302
    assert not (tmp_path / "staff_login").exists()
    assert b'data-code="initial_password"' not in client.get("/staff/dashboard/").content
    said = _ensure("--print")
    assert password not in said
    assert "whose password has been changed" in said


@pytest.mark.finding("security S14")
def test_where_others_reach_the_site_the_first_password_must_go_before_the_staff_pages_open(
    settings: Any, tmp_path: Path, client: Client
) -> None:
    settings.GIZ_HOME, settings.SITE_URL = tmp_path, "https://giz.example.org"
    _ensure()
    email, password = (tmp_path / "staff_login").read_text().split()
    log_in(client, email, password)
    answer = client.get("/staff/dashboard/")
    assert unquote(answer["Location"]) == "/accounts/password/change/?next=/staff/dashboard/"
    form = {"oldpassword": password, "password1": NEW_PASSWORD, "password2": NEW_PASSWORD, "next": "/staff/dashboard/"}
    assert client.post("/accounts/password/change/", form)["Location"] == "/staff/dashboard/"
    assert client.get("/staff/dashboard/")["Location"].startswith("/accounts/2fa/totp/activate/")


@pytest.mark.finding("security S14")
def test_a_login_kept_by_an_older_version_is_noticed(settings: Any, tmp_path: Path) -> None:
    settings.GIZ_HOME = tmp_path
    _ensure()
    User.objects.update(has_first_password=False)
    _ensure()
    assert User.objects.get().has_first_password
    user = User.objects.get()
    user.set_password(NEW_PASSWORD)
    user.save()
    _ensure()
    assert not (tmp_path / "staff_login").exists()
    assert not User.objects.get().has_first_password


def test_a_login_names_the_site_that_runs_or_that_site_url_names_and_no_other(
    settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.GIZ_HOME = tmp_path
    monkeypatch.delenv("SITE_URL", raising=False)
    assert "at /staff/, once the site is running (make run)" in _ensure()
    monkeypatch.setenv("SITE_URL", "https://giz.example.org/")
    assert "at https://giz.example.org/staff/" in _ensure("--print")


def test_a_reset_gives_a_new_password_and_ends_the_old_one(settings: Any, tmp_path: Path) -> None:
    settings.GIZ_HOME = tmp_path
    _ensure()
    old = (tmp_path / "staff_login").read_text().split()[1]
    _ensure("--reset")
    new = (tmp_path / "staff_login").read_text().split()[1]
    assert old != new
    assert not User.objects.get().check_password(old)
    assert User.objects.get().check_password(new)


def test_with_a_database_of_ones_own_no_password_is_kept(settings: Any, tmp_path: Path) -> None:
    settings.GIZ_HOME, settings.DATABASE_URL = tmp_path, "postgresql://giz@db/giz"
    assert "password: " in _ensure("--email", "ann@example.org")
    assert not (tmp_path / "staff_login").exists()
    assert "whose password has been changed" in _ensure("--email", "ann@example.org", "--print")


@pytest.mark.parametrize(
    ("email", "words"), [("ann", "must be an e-mail address, not 'ann'"), ("alice@example.org", "a volunteer account")]
)
def test_a_slip_is_told_in_one_sentence(alice: User, email: str, words: str) -> None:
    with pytest.raises(CommandError, match=words):
        _ensure("--email", email)
    alice.refresh_from_db()
    assert alice.role == "volunteer"


# --- the doors -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("page", ["/staff/", PEOPLE, "/staff/core/job/", "/staff/no/such/page/", "/metrics"])
def test_a_stranger_logs_in_at_the_one_door(client: Client, page: str) -> None:
    answer = client.get(page, follow=True)
    assert answer.redirect_chain[-1][0].startswith("/accounts/login/?next=")
    assert b"Welcome back" in answer.content


@pytest.mark.finding("abuse A17")
@pytest.mark.parametrize("page", ["/staff/", PEOPLE, "/staff/core/job/", "/staff/no/such/page/", "/metrics"])
def test_a_volunteer_finds_nothing_behind_it(alice_client: Client, page: str) -> None:
    answer = alice_client.get(page, follow=True)
    assert answer.status_code == 404
    assert b'data-code="not_found"' in answer.content


def test_djangos_own_log_in_looks_at_no_password(client: Client, bob: User) -> None:
    answer = client.post("/staff/login/", {"username": bob.email, "password": PASSWORD})
    assert answer.status_code == 302
    assert "sessionid" not in client.cookies
    assert answer["Location"] == "/accounts/login/?next=/staff/"


def test_the_door_leads_to_this_site_alone(client: Client, bob_client: Client) -> None:
    for one in (client, bob_client):
        assert "evil" not in one.get("/staff/login/?next=//evil.example/")["Location"]


def test_staff_are_let_in_and_out(bob_client: Client) -> None:
    assert bob_client.get("/staff/")["Location"] == "/staff/dashboard/"
    assert bob_client.get("/metrics").status_code == 200
    assert bob_client.get("/staff/password_change/")["Location"] == "/accounts/password/change/"
    assert bob_client.post("/staff/logout/")["Location"] == "/"
    assert bob_client.get(PEOPLE).status_code == 302


def test_who_loses_the_role_is_out_at_once(bob: User, dora: User, dora_client: Client) -> None:
    assert dora_client.get(PEOPLE).status_code == 200
    User.objects.filter(pk=dora.pk).update(role="volunteer")
    assert dora_client.get(PEOPLE, follow=True).status_code == 404


# --- roles -----------------------------------------------------------------------------------------------------------
def _form(user: User, **values: Any) -> dict[str, Any]:
    return {"role": user.role, "supervisor_rank": user.supervisor_rank, "is_active": "on", "_save": "1", **values}


def test_a_superuser_hands_out_roles_and_the_audit_trail_says_so(bob_client: Client, bob: User, alice: User) -> None:
    answer = bob_client.post(_page(alice), _form(alice, role="supervisor", supervisor_rank=2))
    assert answer.status_code == 302
    alice.refresh_from_db()
    assert (alice.role, alice.supervisor_rank, alice.is_staff) == ("supervisor", 2, False)
    event = AuditEvent.objects.get(action="staff_changed")
    assert event.actor_number == bob.volunteer_number
    assert event.detail == {"role": ["volunteer", "supervisor"], "supervisor_rank": ["0", "2"]}


@pytest.mark.finding("abuse A19")
@pytest.mark.parametrize("field", ["role", "supervisor_rank", "is_superuser", "email", "password", "user_permissions"])
def test_plain_staff_change_nobodys_privileges(dora_client: Client, alice: User, field: str) -> None:
    before = User.objects.filter(pk=alice.pk).values().get()
    answer = dora_client.post(_page(alice), {"is_active": "on", field: "staff", "_save": "1"})
    assert answer.status_code == 403
    assert User.objects.filter(pk=alice.pk).values().get() == before
    assert AuditEvent.objects.get().action == "privilege_refused"


@pytest.mark.finding("abuse A19")
def test_nobody_changes_their_own_role(bob_client: Client, bob: User) -> None:
    assert bob_client.post(_page(bob), _form(bob, role="volunteer")).status_code == 403
    bob.refresh_from_db()
    assert bob.role == "staff"


def test_plain_staff_close_a_volunteers_account_but_not_a_colleagues(
    dora_client: Client, alice: User, bob: User
) -> None:
    assert dora_client.post(_page(alice), {"_save": "1"}).status_code == 302
    alice.refresh_from_db()
    assert not alice.is_active
    dora_client.post(_page(bob), {"_save": "1"})
    bob.refresh_from_db()
    assert bob.is_active


@pytest.mark.finding("ux B16")
def test_only_superusers_add_people_who_then_choose_a_password_by_letter(
    bob_client: Client, dora_client: Client
) -> None:
    form = {"email": "Eve@Example.org", "role": "staff", "supervisor_rank": "0", "_save": "1"}
    assert dora_client.post(f"{PEOPLE}add/", form).status_code == 403
    assert bob_client.post(f"{PEOPLE}add/", form).status_code == 302
    eve = User.objects.get(email="eve@example.org")
    assert eve.is_staff
    assert not eve.has_usable_password()
    assert eve.emailaddress_set.get().verified
    (letter,) = mail.outbox
    assert (letter.to, letter.subject) == (["eve@example.org"], "[GIZ] Your new account")
    client = Client()
    page = client.get(mailed_path(letter), follow=True)
    client.post(page.request["PATH_INFO"], {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD})
    log_in(client, "eve@example.org", NEW_PASSWORD)
    assert volunteer(client) == eve.public_name


@pytest.mark.finding("abuse A24")
@pytest.mark.parametrize("email", ["m\u0131ke.k@example.org", "\uff4dike@example.org", "mi\u200bke@example.org"])
def test_no_way_takes_a_lookalike_address(bob_client: Client, email: str) -> None:
    """The rule is the model's: the staff's form, the command and the manager refuse it like sign-up does."""
    form = {"email": email, "role": "staff", "supervisor_rank": "0", "_save": "1"}
    assert bob_client.post(f"{PEOPLE}add/", form).status_code == 200
    with pytest.raises(ValidationError):
        User.objects.create_user(email, PASSWORD)
    with pytest.raises(CommandError):
        _ensure("--email", email)
    assert User.objects.count() == 1
    assert mail.outbox == []


def test_nobody_is_deleted_by_hand(bob_client: Client, alice: User) -> None:
    assert bob_client.post(f"{PEOPLE}{alice.pk}/delete/", {"post": "yes"}).status_code == 403
    assert User.objects.filter(pk=alice.pk).exists()


# --- addresses -------------------------------------------------------------------------------------------------------
@pytest.mark.finding("abuse A17")
def test_only_superusers_see_addresses(bob_client: Client, dora_client: Client, alice: User) -> None:
    assert alice.email in bob_client.get(_page(alice)).content.decode()
    assert alice.email not in dora_client.get(_page(alice)).content.decode()
    for client in (bob_client, dora_client):
        assert alice.email not in client.get(PEOPLE).content.decode()


@pytest.mark.parametrize(("term", "for_superuser"), [("alice@example.org", 1), ("alice", 0), ("@example", 0)])
def test_a_whole_address_finds_its_owner_for_superusers_alone(
    bob_client: Client, dora_client: Client, alice: User, term: str, for_superuser: int
) -> None:
    link = _page(alice)
    assert bob_client.get(PEOPLE, {"q": term}).content.decode().count(link) == for_superuser
    assert link not in dora_client.get(PEOPLE, {"q": term}).content.decode()


def test_people_are_found_by_their_number(dora_client: Client, alice: User) -> None:
    for term in (alice.public_name, str(alice.volunteer_number)):
        assert _page(alice) in dora_client.get(PEOPLE, {"q": term}).content.decode()


@pytest.mark.parametrize("lookup", ["email__startswith", "password__startswith", "email", "emailaddress__email__gte"])
def test_no_filter_spells_out_what_is_not_shown(bob_client: Client, alice: User, lookup: str) -> None:
    assert bob_client.get(PEOPLE, {lookup: "a"}).status_code == 400


@pytest.mark.parametrize(
    "page", ["/staff/labeling/vote/?volunteer__email__startswith=a", "/staff/core/job/?owner__password__startswith=a"]
)
def test_no_filter_reaches_into_a_person_from_another_page(bob_client: Client, page: str) -> None:
    assert bob_client.get(page).status_code == 400
