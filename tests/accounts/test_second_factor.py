"""The authenticator app: switched on with a code, asked for at log-in, few guesses, a way back by recovery code."""

import re
from typing import Any
from urllib.parse import unquote

import pytest
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time
from django.test import Client

from giz.accounts.models import User
from giz.accounts.staff import email_address_add
from tests.accounts.people import PASSWORD, log_in, volunteer

pytestmark = pytest.mark.django_db
ACTIVATE, ASK = "/accounts/2fa/totp/activate/", "/accounts/2fa/authenticate/"


def _code(secret: str) -> str:
    return str(format_hotp_value(hotp_value(secret, next(yield_hotp_counters_from_time()))))


@pytest.fixture
def secret(client: Client, bob: User) -> str:
    """Bob has switched the second factor on, in a browser that he has closed since."""
    email_address_add(bob)
    log_in(client, "bob@example.org")
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    page = client.get(ACTIVATE).content.decode()
    assert 'src="data:image/svg+xml' in page
    found = re.search(r"<code>(\w+)</code>", page)
    assert found
    answer = client.post(ACTIVATE, {"code": _code(found[1])})
    assert answer.status_code == 302
    client.logout()
    return found[1]


def test_without_the_code_the_password_opens_nothing(client: Client, bob: User, secret: str) -> None:
    answer = log_in(client, "bob@example.org")
    assert answer["Location"] == ASK
    assert volunteer(client) is None
    assert client.get("/staff/core/job/").status_code == 302
    assert b"Your code" in client.get(ASK).content


def test_a_recovery_code_opens_once(client: Client, bob: User, secret: str) -> None:
    codes = bob.authenticator_set.get(type="recovery_codes").wrap().get_unused_codes()
    for expected in (bob.public_name, None):
        log_in(client, "bob@example.org")
        client.post(ASK, {"code": codes[0]})
        assert volunteer(client) == expected
        client.logout()


def test_codes_are_not_guessed(client: Client, bob: User, secret: str) -> None:
    """After ten wrong codes in five minutes a right one is not looked at either."""
    log_in(client, "bob@example.org")
    for guess in range(10):
        client.post(ASK, {"code": f"{guess:06d}"})
    codes = bob.authenticator_set.get(type="recovery_codes").wrap().get_unused_codes()
    client.post(ASK, {"code": codes[0]})
    assert volunteer(client) is None


def test_it_asks_for_the_password_before_it_is_changed(bob: User, bob_client: Client) -> None:
    email_address_add(bob)
    answer = bob_client.get(ACTIVATE)
    assert unquote(answer["Location"]) == f"/accounts/reauthenticate/?next={ACTIVATE}"
    again: Any = bob_client.post(answer["Location"], {"password": PASSWORD, "next": ACTIVATE})
    assert again["Location"] == ACTIVATE
