"""The authenticator app: switched on with a code, asked for at log-in, few guesses, a way back by recovery code."""

import re
from typing import Any
from urllib.parse import unquote

import pytest
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time
from django.test import Client

from giz.accounts.models import User
from giz.accounts.second_factor import is_second_factor_required
from giz.accounts.staff import email_address_add
from tests.accounts.people import PASSWORD, log_in, volunteer

pytestmark = pytest.mark.django_db
OLD_SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
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
    assert b'data-code="code_needed"' in client.get(ASK).content


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


# --- at rest ---------------------------------------------------------------------------------------------------------
@pytest.mark.finding("security S19", "security S6")
def test_secrets_lie_encrypted_in_the_database(bob: User, secret: str) -> None:
    stored = {row.type: row.data for row in bob.authenticator_set.all()}
    assert secret not in str(stored)
    assert stored["totp"]["secret"].startswith("fernet:")
    assert stored["recovery_codes"]["seed"].startswith("fernet:")


@pytest.mark.finding("security S19")
def test_a_secret_of_before_still_works_and_is_encrypted_then(client: Client, bob: User) -> None:
    email_address_add(bob)
    bob.authenticator_set.create(type="totp", data={"secret": OLD_SECRET})
    log_in(client, "bob@example.org")
    client.post(ASK, {"code": _code(OLD_SECRET)})
    assert volunteer(client) == bob.public_name
    assert OLD_SECRET not in str(bob.authenticator_set.get().data)
    client.logout()
    log_in(client, "bob@example.org")
    client.post(ASK, {"code": "000000"})
    assert volunteer(client) is None


def test_under_another_key_no_code_fits_and_no_page_breaks(
    client: Client, bob: User, secret: str, settings: Any
) -> None:
    settings.SECRET_KEY = "another " * 10
    log_in(client, "bob@example.org")
    assert client.post(ASK, {"code": _code(secret)}).status_code == 200
    assert volunteer(client) is None


def test_an_old_key_among_the_fallbacks_still_reads(client: Client, bob: User, secret: str, settings: Any) -> None:
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "another " * 10
    log_in(client, "bob@example.org")
    client.post(ASK, {"code": _code(secret)})
    assert volunteer(client) == bob.public_name


# --- who needs one ---------------------------------------------------------------------------------------------------
PAGES = (
    "/staff/dashboard/",
    "/staff/",
    "/staff/accounts/user/",
    "/staff/core/job/",
    "/metrics",
    "/staff/dashboard/jobs/",
)


@pytest.mark.finding("security S14")
@pytest.mark.parametrize("page", PAGES)
def test_where_others_reach_the_site_a_superuser_without_it_is_sent_to_set_it_up(
    bob_client: Client, settings: Any, page: str
) -> None:
    assert bob_client.get(page).status_code in (200, 302)
    settings.SITE_URL = "https://giz.example.org"
    answer = bob_client.get(page)
    assert (answer.status_code, unquote(answer["Location"])) == (302, f"{ACTIVATE}?next={page}")
    assert bob_client.post(page).status_code == 302


@pytest.mark.finding("security S14")
def test_the_staffs_part_of_the_api_is_shut_as_well(bob_client: Client, settings: Any) -> None:
    assert bob_client.get("/api/v1/training/runs/").status_code == 200
    settings.STAFF_SECOND_FACTOR = "required"
    answer = bob_client.get("/api/v1/training/runs/")
    assert (answer.status_code, answer.json()["code"]) == (403, "second_factor_required")
    assert bob_client.get("/api/v1/me/").status_code == 200


@pytest.mark.finding("security S14")
def test_with_it_the_pages_open(client: Client, bob: User, secret: str, settings: Any) -> None:
    settings.STAFF_SECOND_FACTOR = "required"
    log_in(client, "bob@example.org")
    client.post(ASK, {"code": _code(secret)})
    assert client.get("/staff/dashboard/").status_code == 200


def test_other_staff_may_set_it_up_and_need_not(client: Client, settings: Any) -> None:
    settings.STAFF_SECOND_FACTOR = "required"
    User.objects.create_user("dora@example.org", PASSWORD, role="staff")
    log_in(client, "dora@example.org")
    assert client.get("/staff/dashboard/").status_code == 200
    assert client.get("/accounts/2fa/").status_code == 200


@pytest.mark.parametrize(
    ("choice", "address", "required"),
    [
        ("auto", "http://localhost:8000", False),
        ("auto", "http://127.0.0.1:8000", False),
        ("auto", "http://[::1]:8000", False),
        ("auto", "http://192.168.1.7:8000", True),
        ("auto", "https://giz.example.org", True),
        ("off", "https://giz.example.org", False),
        ("required", "http://localhost:8000", True),
    ],
)
def test_where_it_is_required(settings: Any, choice: str, address: str, required: bool) -> None:
    settings.STAFF_SECOND_FACTOR, settings.SITE_URL = choice, address
    assert is_second_factor_required() == required


def test_it_asks_for_the_password_before_it_is_changed(bob: User, bob_client: Client) -> None:
    email_address_add(bob)
    answer = bob_client.get(ACTIVATE)
    assert unquote(answer["Location"]) == f"/accounts/reauthenticate/?next={ACTIVATE}"
    again: Any = bob_client.post(answer["Location"], {"password": PASSWORD, "next": ACTIVATE})
    assert again["Location"] == ACTIVATE
