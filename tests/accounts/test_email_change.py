"""A new address: asked for with the password, confirmed from the new mailbox, told to the old one."""

import re
from datetime import timedelta
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.db.models import F
from django.test import Client

from giz.accounts import email_change
from giz.accounts.email_change import LINKS_AN_HOUR, LINKS_TO_ONE_ADDRESS_AN_HOUR, email_change_of
from giz.accounts.erasure import account_erase
from giz.accounts.models import EmailChange, User
from giz.core.errors import Refused
from giz.core.models import AuditEvent
from tests.accounts.people import NEW_PASSWORD, PASSWORD, RESET, log_in, mailed_path, page_text, sign_up, volunteer

pytestmark = pytest.mark.django_db
PAGE = "/accounts/email/"
OLD, NEW = "mike@example.org", "mike@new.example"


@pytest.fixture
def mike(client: Client) -> User:
    """Somebody who signed up a moment ago, and whose letter was read away."""
    sign_up(client, OLD)
    mail.outbox.clear()
    return User.objects.get(email=OLD)


def ask(client: Client, email: str = NEW) -> Any:
    return client.post(PAGE, {"email": email, "action_add": ""})


def letters() -> list[tuple[str, str]]:
    return [(letter.to[0], letter.subject.removeprefix("[GIZ] ")) for letter in mail.outbox]


def link_to(address: str) -> str:
    return mailed_path(next(letter for letter in reversed(mail.outbox) if letter.to == [address]))


def opens(email: str, password: str = PASSWORD) -> bool:
    other = Client()
    log_in(other, email, password)
    return volunteer(other) is not None


def test_the_new_address_opens_the_account_when_its_mailbox_says_so(client: Client, mike: User) -> None:
    assert ask(client, "Mike@New.example")["Location"] == PAGE
    assert b'data-code="change_pending"' in client.get(PAGE).content
    assert letters() == [
        (OLD, "A new e-mail address for your account"),
        (NEW, "Please confirm your new e-mail address"),
    ]
    assert NEW not in mail.outbox[0].body
    path = link_to(NEW)
    assert NEW.encode() in Client().get(path).content  # a program that follows links changes nothing
    assert (opens(OLD), opens(NEW)) == (True, False)
    assert b'data-code="email_changed"' in Client().post(path).content
    assert (opens(OLD), opens(NEW)) == (False, True)
    assert letters()[2:] == [(OLD, "Your e-mail address has been changed")]
    assert NEW not in mail.outbox[2].body
    assert volunteer(client) == mike.public_name  # who is logged in stays so
    assert list(mike.emailaddress_set.values_list("email", "verified", "primary")) == [(NEW, True, True)]
    event = AuditEvent.objects.get(action="email_changed")
    assert (event.actor_number, event.subject, event.detail) == (mike.volunteer_number, mike.public_name, {})
    sign_up(Client(), OLD, NEW_PASSWORD)  # the old address is free again
    assert User.objects.get(email=OLD).pk != mike.pk


def test_a_slip_of_the_pen_costs_nothing(client: Client, mike: User) -> None:
    """In a site without mail the address of a sign-up is never confirmed; a typing error must not lose the account."""
    ask(client, "mkie@new.example")
    mike.refresh_from_db()
    assert mike.email == OLD
    assert opens(OLD)
    client.post(PAGE, {"action_cancel": ""})
    assert not EmailChange.objects.exists()
    assert Client().post(link_to("mkie@new.example")).status_code == 400
    assert opens(OLD)


def test_a_session_that_was_left_open_changes_nothing(alice_client: Client, alice: User) -> None:
    assert ask(alice_client)["Location"] == f"/accounts/reauthenticate/?next={PAGE}"
    assert not EmailChange.objects.exists()
    assert mail.outbox == []
    alice_client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    assert ask(alice_client)["Location"] == PAGE
    assert EmailChange.objects.get().user == alice


@pytest.mark.finding("abuse A22")
@pytest.mark.parametrize("path", [PAGE, "/accounts/data/", "/api/v1/me/erase/"])
def test_another_site_neither_changes_the_address_nor_erases(mike: User, path: str) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(mike, backend="allauth.account.auth_backends.AuthenticationBackend")
    body = {"email": "evil@example.org", "action_add": "", "sure": "yes", "password": PASSWORD}
    for kind in ("application/x-www-form-urlencoded", "application/json"):
        said: Any = body if kind.endswith("json") else "&".join(f"{name}={value}" for name, value in body.items())
        answer = client.post(path, said, content_type=kind, headers={"origin": "https://evil.example"})
        assert answer.status_code == 403
    mike.refresh_from_db()
    assert (mike.email, mike.is_active) == (OLD, True)
    assert not EmailChange.objects.exists()


@pytest.mark.finding("abuse A25", "security S8")
@pytest.mark.parametrize("mode", ["optional", "mandatory"])
def test_nobody_learns_who_has_an_account(alice: User, settings: Any, mode: str) -> None:
    settings.ACCOUNT_EMAIL_VERIFICATION = mode
    shown = []
    for number, email in enumerate((alice.email, "nobody@example.org")):
        client = Client()
        person = User.objects.create_user(f"asker{number}@example.org", PASSWORD)
        EmailAddress.objects.create(user=person, email=person.email, verified=True, primary=True)
        log_in(client, str(person.email))
        answer = ask(client, str(email))
        page = page_text(client.get(PAGE)).replace(str(email), "ADDRESS")
        page = page.replace(str(person.email), "MINE").replace(person.public_name, "ME")
        shown.append((answer.status_code, answer["Location"], len(answer.content), page))
    assert shown[0] == shown[1]
    assert [subject for _to, subject in letters()] == [
        "A new e-mail address for your account",
        "You already have an account",
        "A new e-mail address for your account",
        "Please confirm your new e-mail address",
    ]
    assert "/accounts/email/change/" not in mail.outbox[1].body


@pytest.mark.finding("abuse A24", "abuse A25")
@pytest.mark.parametrize("mode", ["optional", "mandatory"])
def test_an_address_that_somebody_asked_for_is_not_theirs(client: Client, mike: User, settings: Any, mode: str) -> None:
    """Who owns the mailbox can sign up and reset as if nobody had asked; the log-in computes no other hash."""
    ask(client)
    mail.outbox.clear()
    Client().post(RESET, {"email": NEW})
    assert letters() == [(NEW, "No account with this address")]
    assert not opens(NEW)
    settings.ACCOUNT_EMAIL_VERIFICATION = mode
    sign_up(Client(), NEW, NEW_PASSWORD)
    assert letters()[1:] == [(NEW, "Please confirm your e-mail address")]
    assert User.objects.get(email=NEW).pk != mike.pk


@pytest.mark.finding("abuse A24")
def test_of_two_who_ask_for_one_address_the_first_to_confirm_has_it(client: Client, mike: User) -> None:
    ask(client)
    first = link_to(NEW)
    other = Client()
    sign_up(other, "eve@example.org")
    ask(other)
    second = link_to(NEW)
    assert b'data-code="email_changed"' in Client().post(second).content
    answer = Client().post(first)
    assert answer.status_code == 400
    assert b'data-code="email_taken"' in answer.content
    mike.refresh_from_db()
    assert (mike.email, User.objects.get(email=NEW).pk == mike.pk) == (OLD, False)


@pytest.mark.finding("abuse A24")
def test_a_link_works_once_for_a_day_and_not_after_another(client: Client, mike: User) -> None:
    ask(client)
    first = link_to(NEW)
    ask(client, "other@new.example")
    assert Client().post(first).status_code == 400
    second = link_to("other@new.example")
    EmailChange.objects.update(asked_at=F("asked_at") - timedelta(days=1, minutes=1))
    assert Client().get(second).status_code == 400
    EmailChange.objects.update(asked_at=F("asked_at") + timedelta(days=1))
    assert Client().post(second).status_code == 200
    assert Client().post(second).status_code == 400
    for forged in (second[:-2] + "x/", "/accounts/email/change/1/", "/accounts/email/change/%00/"):
        assert Client().get(forged).status_code in (400, 404)
    mike.refresh_from_db()
    assert mike.email == "other@new.example"


@pytest.mark.finding("abuse A24")
def test_a_new_password_cancels_the_change_and_a_change_the_old_reset(client: Client, mike: User) -> None:
    ask(client)
    stolen = link_to(NEW)
    Client().post(RESET, {"email": OLD})
    reset = mailed_path()
    helped = Client()
    page = helped.get(reset, follow=True)
    helped.post(page.request["PATH_INFO"], {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD})
    assert opens(OLD, NEW_PASSWORD)
    assert Client().post(stolen).status_code == 400
    log_in(client, OLD, NEW_PASSWORD)
    Client().post(RESET, {"email": OLD})
    reset = mailed_path()
    ask(client)
    assert Client().post(link_to(NEW)).status_code == 200
    assert Client().get(reset).status_code == 400


@pytest.mark.finding("abuse A16")
def test_nobody_moves_the_address_of_somebody_else(client: Client, mike: User, alice: User) -> None:
    """What allauth's page could do is gone: to remove an address, to make an unconfirmed one the account's own."""
    ask(client, "victim@new.example")
    for action in ("action_primary", "action_remove"):
        for email in (OLD, alice.email, "victim@new.example"):
            client.post(PAGE, {action: "", "email": email, "user": alice.pk})
    for person, email in ((mike, OLD), (alice, alice.email)):
        person.refresh_from_db()
        assert person.email == email
    assert opens(OLD)


@pytest.mark.parametrize("email", ["", "mike", "m\u0131ke@example.org", "a@b", "x" * 260 + "@example.org", OLD])
def test_what_is_no_new_address_is_told(client: Client, mike: User, email: str) -> None:
    answer = ask(client, email)
    assert answer.status_code == 400
    assert b'role="alert"' in answer.content
    assert mail.outbox == []


def test_nobody_gets_a_heap_of_letters(client: Client, mike: User) -> None:
    statuses = [ask(client, f"victim{number}@example.org").status_code for number in range(LINKS_AN_HOUR + 1)]
    assert statuses == [302] * LINKS_AN_HOUR + [429]
    for number in range(LINKS_TO_ONE_ADDRESS_AN_HOUR + 2):
        other = Client()
        sign_up(other, f"asker{number}@example.org")
        ask(other, "one@example.org")
    assert sum(to == "one@example.org" for to, _subject in letters()) == LINKS_TO_ONE_ADDRESS_AN_HOUR


def test_where_no_letter_leaves_nothing_is_asked(client: Client, mike: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise OSError

    monkeypatch.setattr(EmailBackend, "send_messages", refuse)
    assert ask(client).status_code == 503
    assert not EmailChange.objects.exists()


@pytest.mark.finding("abuse A30")
def test_of_an_erased_account_no_link_works_and_no_address_is_kept(client: Client, mike: User) -> None:
    ask(client)
    change = link_to(NEW)
    Client().post(RESET, {"email": OLD})
    reset = mailed_path()
    shell = account_erase(user=mike)
    assert not EmailChange.objects.exists()
    assert [Client().post(change).status_code, Client().get(reset).status_code] == [400, 400]
    shell.refresh_from_db()
    assert shell.email is None
    assert not EmailAddress.objects.filter(user=shell).exists()


@pytest.mark.finding("abuse A30")
def test_a_change_beside_an_erasure_brings_nothing_back(
    client: Client, mike: User, rf: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The account is erased between the moment when the link is read and the one when the account is locked."""
    ask(client)
    found = re.search(r"email/change/([^/]+)/", link_to(NEW))
    assert found

    def read_and_erase(key: str) -> EmailChange | None:
        change = email_change_of(key)
        account_erase(user=mike)
        return change

    monkeypatch.setattr(email_change, "email_change_of", read_and_erase)
    with pytest.raises(Refused) as refused:
        email_change.email_change_confirm(rf.get("/"), key=found[1])
    assert refused.value.code == "not_authenticated"
    mike.refresh_from_db()
    assert (mike.email, mike.is_active) == (None, False)
    assert not EmailAddress.objects.filter(user=mike).exists()
