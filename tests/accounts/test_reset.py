"""A new password by e-mail: to the stored address alone, once, with links that a Host header can't move."""

from typing import Any

import pytest
from django.core import mail
from django.test import Client

from giz.accounts.models import User
from giz.accounts.staff import email_address_add
from tests.accounts.people import LOGIN, NEW_PASSWORD, PASSWORD, RESET, log_in, mailed_path, sign_up, volunteer

pytestmark = pytest.mark.django_db


def _ask(email: str, **extra: Any) -> Any:
    return Client().post(RESET, {"email": email}, **extra)


def _choose(client: Client, path: str, password: str = NEW_PASSWORD) -> Any:
    """Follow the link of the letter (its key moves into the session) and post a new password."""
    page = client.get(path, follow=True)
    address = page.request["PATH_INFO"]
    return client.post(address, {"password1": password, "password2": password})


def test_the_link_in_the_letter_sets_a_new_password(client: Client, alice: User) -> None:
    assert _ask("Alice@example.org")["Location"] == "/accounts/password/reset/done/"
    (letter,) = mail.outbox
    assert letter.to == ["alice@example.org"]
    assert letter.subject == "[GIZ] Choose a new password"
    assert _choose(client, mailed_path(letter)).status_code == 302
    assert log_in(Client(), "alice@example.org", PASSWORD).status_code == 200
    assert log_in(client, "alice@example.org", NEW_PASSWORD).status_code == 302
    assert volunteer(client) == alice.public_name


@pytest.mark.finding("abuse A24")
def test_a_link_works_once(client: Client, alice: User) -> None:
    _ask("alice@example.org")
    path = mailed_path()
    _choose(client, path)
    again = Client()
    used = again.get(path, follow=True)
    assert used.status_code == 400
    assert b'data-code="link_used"' in used.content
    told = again.get(path, headers={"accept": "application/json"})
    assert (told.status_code, told.json()["code"]) == (400, "link_used")
    assert b'data-code="link_used"' in again.get(path, follow=True).content
    _choose(again, path, "yet another password")
    assert log_in(Client(), "alice@example.org", NEW_PASSWORD).status_code == 302


@pytest.mark.finding("abuse A24")
def test_an_old_link_is_dead_after_the_password_was_changed(alice_client: Client, alice: User) -> None:
    _ask("alice@example.org")
    form = {"oldpassword": PASSWORD, "password1": NEW_PASSWORD, "password2": NEW_PASSWORD}
    alice_client.post("/accounts/password/change/", form)
    assert Client().get(mailed_path(), follow=True).status_code == 400
    assert b'data-code="link_used"' in Client().get(mailed_path(), follow=True).content


@pytest.mark.finding("abuse A24", "abuse A30")
def test_a_reset_ends_every_other_session(alice_client: Client, alice: User) -> None:
    _ask("alice@example.org")
    _choose(Client(), mailed_path())
    assert volunteer(alice_client) is None


@pytest.mark.finding("abuse A25")
def test_known_and_unknown_addresses_get_the_same_answer(alice: User) -> None:
    known, unknown = _ask("alice@example.org"), _ask("nobody@example.org")
    assert (known.status_code, known["Location"]) == (unknown.status_code, unknown["Location"])
    pages = [Client().get(answer["Location"]).content for answer in (known, unknown)]
    assert pages[0] == pages[1]
    assert [letter.to for letter in mail.outbox] == [["alice@example.org"], ["nobody@example.org"]]
    assert mail.outbox[1].subject == "[GIZ] No account with this address"
    assert "/accounts/signup/" in mail.outbox[1].body


@pytest.mark.finding("abuse A24")
@pytest.mark.parametrize("lookalike", ["al\u0131ce@example.org", "\uff41lice@example.org", "alice@exam\u200bple.org"])
def test_a_lookalike_address_gets_no_letter(alice: User, lookalike: str) -> None:
    assert _ask(lookalike).status_code == 200
    assert mail.outbox == []


@pytest.mark.finding("abuse A24")
def test_links_lead_to_the_configured_site_whatever_the_host_header_says(alice: User, settings: Any) -> None:
    settings.SITE_URL = "https://giz.example.org"
    settings.ALLOWED_HOSTS = ["*"]
    sign_up(Client(), "mike@example.org", headers={"host": "evil.example"})
    _ask("alice@example.org", headers={"host": "evil.example", "x-forwarded-host": "evil.example"})
    _ask("nobody@example.org", headers={"host": "evil.example"})
    assert len(mail.outbox) == 3
    for letter in mail.outbox:
        assert "https://giz.example.org/" in letter.body
        assert "evil" not in letter.body + letter.subject


def test_one_address_gets_at_most_four_letters_an_hour(alice: User) -> None:
    statuses = [_ask("alice@example.org").status_code for _ in range(6)]
    assert statuses[:4] == [302] * 4
    assert statuses[-1] == 429
    assert len(mail.outbox) == 4


def test_a_reset_forgives_wrong_guesses(client: Client, alice: User) -> None:
    email_address_add(alice)
    for _ in range(6):
        log_in(Client(), "alice@example.org", "wrong")
    assert log_in(Client(), "alice@example.org").status_code == 429
    _ask("alice@example.org")
    _choose(client, mailed_path())
    assert log_in(client, "alice@example.org", NEW_PASSWORD).status_code == 302


def test_a_volunteer_without_a_password_chooses_the_first_one_by_letter(client: Client) -> None:
    invited = User.objects.create_user("invited@example.org")
    email_address_add(invited)
    _ask("invited@example.org")
    _choose(client, mailed_path())
    assert log_in(client, "invited@example.org", NEW_PASSWORD).status_code == 302


@pytest.mark.finding("abuse A25")
def test_a_mail_server_that_is_away_is_told_alike_to_known_and_unknown(alice: User, settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9  # nobody listens there
    known, unknown = _ask("alice@example.org"), _ask("nobody@example.org")
    assert known.status_code == unknown.status_code == 503
    assert known.content == unknown.content
    assert known["Retry-After"] == "300"


def test_the_console_backend_writes_the_letter_out(
    alice: User, settings: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
    _ask("alice@example.org")
    letter = capsys.readouterr().out
    assert "Subject: [GIZ] Choose a new password" in letter
    assert f"{settings.SITE_URL}/accounts/password/reset/key/" in letter


def test_every_letter_is_plain_text_without_the_template_showing(alice: User) -> None:
    _ask("alice@example.org")
    _ask("nobody@example.org")
    sign_up(Client(), "mike@example.org")
    for letter in mail.outbox:
        assert letter.body.startswith("Hello,\n")
        assert "GIZ, the Galaxy Inclination Zoo" in letter.body
        for trace in ("{{", "{%", "&#", "&quot;", "\n\n\n\n"):
            assert trace not in letter.body


def test_the_log_in_page_leads_there(client: Client) -> None:
    assert f'href="{RESET}"' in client.get(LOGIN).content.decode()
