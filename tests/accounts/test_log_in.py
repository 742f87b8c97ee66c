"""Logging in and out: the cookie, how many wrong passwords are looked at, what a guesser can learn."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from allauth.account.adapter import get_adapter
from django.conf import settings as django_settings
from django.contrib.auth.hashers import get_hasher
from django.core.cache import cache
from django.db import connection
from django.test import Client

from giz.accounts.models import User
from giz.accounts.passwords import EVERYWHERE, PER_ACCOUNT, PER_ADDRESS
from tests.accounts.people import LOGIN, LOGOUT, NEW_PASSWORD, PASSWORD, log_in, page_text, volunteer

pytestmark = pytest.mark.django_db
COOKIE = django_settings.SESSION_COOKIE_NAME


def _hasher() -> type:
    return type(get_hasher())


def test_an_address_in_any_case_and_its_password_open_the_account(client: Client, alice: User) -> None:
    assert log_in(client, "ALICE@example.org")["Location"] == "/"
    assert volunteer(client) == alice.public_name


def test_the_cookie_is_for_this_site_and_not_for_scripts(client: Client, alice: User) -> None:
    log_in(client, "alice@example.org")
    cookie = client.cookies[COOKIE]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert cookie["domain"] == ""


@pytest.mark.parametrize(
    "page", ["/accounts/email/", "/accounts/password/change/", "/accounts/2fa/", "/staff/dashboard/"]
)
def test_no_cache_keeps_a_page_of_an_account(bob_client: Client, page: str) -> None:
    answer = bob_client.get(page)
    assert answer.status_code in (200, 302)
    assert {"no-store", "private"} <= set(answer["Cache-Control"].split(", "))


def test_the_cookie_travels_by_https_alone_where_the_site_is_https(client: Client, alice: User, settings: Any) -> None:
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = True
    log_in(client, "alice@example.org")
    assert client.cookies[COOKIE]["secure"]


def test_a_session_from_before_the_log_in_is_worth_nothing_after_it(client: Client, alice: User) -> None:
    client.session.save()
    before = client.session.session_key
    client.cookies[COOKIE] = str(before)
    log_in(client, "alice@example.org")
    assert client.session.session_key != before


def test_log_out_is_a_press_on_a_button_and_ends_the_session(client: Client, alice: User) -> None:
    log_in(client, "alice@example.org")
    cookie = client.cookies[COOKIE].value
    assert client.get(LOGOUT).status_code == 200
    assert volunteer(client) == alice.public_name
    assert client.post(LOGOUT)["Location"] == "/"
    client.cookies[COOKIE] = cookie
    assert volunteer(client) is None


def test_a_form_from_another_site_changes_nothing(alice: User) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(alice, backend="allauth.account.auth_backends.AuthenticationBackend")
    answer = strict.post(LOGOUT, headers={"origin": "null"})
    assert (answer.status_code, answer.json()["code"]) == (403, "csrf")
    for_people = strict.post(LOGOUT, headers={"origin": "null", "accept": "text/html"})
    assert for_people.status_code == 403
    assert b'data-code="csrf_failed"' in for_people.content
    assert volunteer(strict) == alice.public_name


@pytest.mark.finding("abuse A30")
def test_a_changed_password_ends_the_other_sessions_at_once(client: Client, alice: User) -> None:
    other = Client()
    log_in(client, "alice@example.org")
    log_in(other, "alice@example.org")
    form = {"oldpassword": PASSWORD, "password1": NEW_PASSWORD, "password2": NEW_PASSWORD}
    assert client.post("/accounts/password/change/", form).status_code == 302
    assert volunteer(client) == alice.public_name
    assert volunteer(other) is None


@pytest.mark.finding("abuse A30")
def test_a_closed_account_gets_no_session(client: Client, alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(is_active=False)
    log_in(client, "alice@example.org")
    assert volunteer(client) is None


@pytest.mark.finding("abuse A25")
def test_a_wrong_password_an_unknown_address_and_a_closed_door_look_alike(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Same words, same number of hashes: there is no time to measure between them either."""
    User.objects.create_user("no-password@example.org")
    hashes: list[int] = []
    encode = _hasher().encode  # type: ignore[attr-defined]

    def counted(*args: Any, **kwargs: Any) -> str:
        hashes[-1] += 1
        return str(encode(*args, **kwargs))

    verify = _hasher().verify  # type: ignore[attr-defined]

    def verified(*args: Any, **kwargs: Any) -> bool:
        hashes[-1] += 1
        return bool(verify(*args, **kwargs))

    monkeypatch.setattr(_hasher(), "encode", counted)
    monkeypatch.setattr(_hasher(), "verify", verified)
    pages = []
    for email in ("alice@example.org", "nobody@example.org", "no-password@example.org"):
        hashes.append(0)
        answer = log_in(Client(), email, "a wrong password")
        pages.append((answer.status_code, page_text(answer).replace(email, "EMAIL")))
    assert pages[0] == pages[1] == pages[2]
    assert "Wrong e-mail or password" in pages[0][1]
    assert hashes == [1, 1, 1]


@pytest.mark.finding("abuse A26")
def test_after_five_wrong_passwords_the_right_one_waits_too(client: Client, alice: User) -> None:
    for _ in range(PER_ACCOUNT.attempts):
        assert log_in(client, "alice@example.org", "wrong").status_code == 200
    answer = log_in(client, "alice@example.org")
    assert answer.status_code == 429
    assert 0 < int(answer["Retry-After"]) <= PER_ACCOUNT.per_seconds
    assert b'data-code="too_many_requests"' in answer.content
    assert volunteer(client) is None


@pytest.mark.finding("security S14", "abuse A26")
def test_a_stranger_elsewhere_locks_nobody_out(alice: User) -> None:
    """Wrong guesses from one network, more than are looked at, and again in each of its addresses."""
    for place in range(12):
        log_in(Client(), alice.email, "wrong", REMOTE_ADDR=f"203.0.113.{place}")
    assert log_in(Client(), alice.email, "wrong", REMOTE_ADDR="203.0.113.99").status_code == 429
    assert log_in(Client(), alice.email, REMOTE_ADDR="198.51.100.7").status_code == 302
    assert log_in(Client(), alice.email, REMOTE_ADDR="2001:db8::1").status_code == 302


@pytest.mark.finding("security S14", "abuse A26")
def test_many_networks_together_guess_ten_times_and_the_owner_at_home_gets_in(alice: User) -> None:
    home = "198.51.100.7"
    log_in(Client(), alice.email, REMOTE_ADDR=home)
    statuses = [
        log_in(Client(), alice.email, f"wrong {place}", REMOTE_ADDR=f"203.0.{place}.1").status_code
        for place in range(40)
    ]
    assert statuses.count(200) <= 2 * EVERYWHERE.attempts  # five minutes may end in between
    assert statuses.count(429) == 40 - statuses.count(200)
    assert log_in(Client(), alice.email, REMOTE_ADDR="192.0.2.1").status_code == 429
    assert log_in(Client(), alice.email, REMOTE_ADDR=home).status_code == 302


@pytest.mark.finding("security S14", "abuse A26")
def test_one_house_of_ipv6_addresses_is_one_guesser(alice: User) -> None:
    statuses = [
        log_in(Client(), alice.email, f"wrong {place}", REMOTE_ADDR=f"2001:db8:0:1::{place:x}").status_code
        for place in range(12)
    ]
    assert statuses.count(200) <= 2 * PER_ACCOUNT.attempts - 1


@pytest.mark.finding("security S19")
def test_an_endless_password_is_not_hashed(client: Client, alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*args: Any, **kwargs: Any) -> Any:
        raise AssertionError("it was hashed")

    for name in ("encode", "verify"):
        monkeypatch.setattr(_hasher(), name, never)
    assert log_in(client, alice.email, "x" * 900_000).status_code == 200
    assert not alice.check_password("x" * 1001)


@pytest.mark.finding("abuse A26")
@pytest.mark.django_db(transaction=True)
def test_of_a_hundred_guesses_at_once_at_most_ten_are_looked_at(alice: User) -> None:
    """X-Forwarded-For changes each time; it is believed only where a trusted proxy is configured."""

    def guess(number: int) -> int:
        try:
            forwarded = {"x-forwarded-for": f"192.0.2.{number}"}
            return int(log_in(Client(), "alice@example.org", f"wrong {number}", headers=forwarded).status_code)
        finally:
            connection.close()

    with ThreadPoolExecutor(16) as threads:
        statuses = list(threads.map(guess, range(100)))
    assert statuses.count(200) <= 10
    assert statuses.count(200) + statuses.count(429) == 100


@pytest.mark.finding("abuse A26")
def test_one_address_that_tries_many_accounts_is_slowed_down_too(db: None) -> None:
    statuses = [log_in(Client(), f"nobody{place}@example.org", "wrong").status_code for place in range(70)]
    assert statuses.count(429) >= 70 - 2 * PER_ADDRESS.attempts  # the minute may turn in between
    assert PER_ADDRESS.attempts < 70


@pytest.mark.finding("abuse A26")
def test_a_school_of_forty_behind_one_address_gets_in(db: None) -> None:
    for place in range(40):
        User.objects.create_user(f"pupil{place}@example.org", PASSWORD)
    for place in range(40):
        assert log_in(Client(), f"pupil{place}@example.org").status_code == 302


@pytest.mark.finding("security S17", "abuse A26")
def test_all_addresses_of_one_ipv6_network_are_one(rf: Any) -> None:
    """What log-in, sign-up and reset are counted by; without hashing a password for each address."""

    def counted_by(address: str) -> str:
        return get_adapter().get_client_ip(rf.get("/", REMOTE_ADDR=address))

    mine = {counted_by(f"2001:db8:1:1::{place:x}") for place in range(1, 100)}
    assert len(mine) == 1
    assert counted_by("2001:db8:1:2::1") not in mine
    assert counted_by("198.51.100.7") == counted_by("::ffff:198.51.100.7") != counted_by("198.51.100.8")


def test_a_right_password_is_not_counted_as_a_guess(client: Client, alice: User) -> None:
    for _ in range(2 * PER_ACCOUNT.attempts):
        assert log_in(Client(), "alice@example.org").status_code == 302


@pytest.mark.finding("abuse A30")
def test_counters_hold_neither_an_address_nor_an_e_mail(client: Client, alice: User) -> None:
    """Valkey writes them to the disk."""
    log_in(client, "alice@example.org", "a wrong password")
    client.post("/accounts/password/reset/", {"email": "alice@example.org"})
    log_in(client, "alice@example.org")
    server = cache._cache.get_client(None, write=True)
    names = [key for key in server.scan_iter(match=f"{cache.key_prefix}:*") if b"sessions" not in key]
    found = {key: server.get(key) for key in names}
    assert len(found) >= 4
    kept = b" ".join(part for pair in found.items() for part in pair)
    assert b"127.0.0.1" not in kept
    assert b"alice" not in kept


@pytest.mark.finding("abuse A26")
def test_asking_for_the_password_once_more_is_limited_as_well(alice_client: Client, alice: User) -> None:
    from giz.accounts.staff import email_address_add

    email_address_add(alice)
    statuses = [
        alice_client.post("/accounts/reauthenticate/", {"password": "wrong"}).status_code
        for _ in range(PER_ACCOUNT.attempts + 1)
    ]
    assert statuses[-1] == 429


def test_the_form_keeps_the_address_but_never_the_password(client: Client, alice: User) -> None:
    page = log_in(client, "alice@example.org", "not my password").content.decode()
    assert 'value="alice@example.org"' in page
    assert "not my password" not in page


def test_the_page_says_what_it_is(client: Client) -> None:
    page = client.get(LOGIN).content.decode()
    assert "<title>Log in · GIZ</title>" in page
    assert 'autocomplete="current-password"' in page
