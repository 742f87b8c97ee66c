"""Making an account: in at once, a number as the only public name, nothing set that is not one's own to set."""

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.contrib.auth.hashers import get_hasher
from django.core import mail
from django.db import connection
from django.test import Client

from giz import settings as site_settings
from giz.accounts.models import FIRST_NUMBER, LAST_NUMBER, User, random_volunteer_number
from giz.accounts.staff import email_address_add
from tests.accounts.people import (
    LOGIN,
    NEW_PASSWORD,
    PASSWORD,
    SIGNUP,
    log_in,
    mailed_path,
    page_text,
    sign_up,
    volunteer,
)

pytestmark = pytest.mark.django_db


def test_who_signs_up_is_in_at_once_and_is_called_by_a_number(client: Client) -> None:
    answer = sign_up(client, "Mike@Example.org", next="/label/demo")
    assert (answer.status_code, answer["Location"]) == (302, "/label/demo")
    made = User.objects.get()
    assert made.email == "mike@example.org"
    assert made.role == User.Role.VOLUNTEER
    assert volunteer(client) == made.public_name == f"v{made.volunteer_number}"


def test_a_password_is_stored_by_the_sites_hasher_and_opens_the_account(client: Client, settings: Any) -> None:
    settings.PASSWORD_HASHERS = site_settings.PASSWORD_HASHERS
    sign_up(client, "mike@example.org")
    # Django's parameters: 100 MB, two passes, eight lanes.
    assert User.objects.get().password.startswith("argon2$argon2id$v=19$m=102400,t=2,p=8$")
    assert log_in(Client(), "mike@example.org", PASSWORD)["Location"] == "/"


def test_volunteer_numbers_are_random_and_far_apart(db: None) -> None:
    numbers = [random_volunteer_number() for _ in range(2000)]
    # Nine hundred million numbers: two of 2,000 are alike once in five hundred times, and people's are unique by a
    # constraint; three pairs, by chance, never.
    assert len(set(numbers)) >= 1998
    assert min(numbers) >= FIRST_NUMBER
    assert max(numbers) <= LAST_NUMBER
    assert numbers != sorted(numbers)
    assert len({number // 100_000_000 for number in numbers}) == 10  # spread over the whole range


def test_the_letter_after_sign_up_confirms_the_address(client: Client) -> None:
    sign_up(client, "mike@example.org")
    (letter,) = mail.outbox
    assert letter.to == ["mike@example.org"]
    assert letter.subject == "[GIZ] Please confirm your e-mail address"
    path = mailed_path(letter)
    assert b"mike@example.org" in client.get(path).content
    assert client.post(path).status_code == 302
    assert User.objects.get().emailaddress_set.get().verified


@pytest.mark.finding("abuse A24")
@pytest.mark.parametrize("twin", ["mike@example.org", "MIKE@EXAMPLE.ORG", "Mike@example.ORG "])
def test_an_address_has_one_owner_in_any_case(client: Client, twin: str) -> None:
    """Who signs up once more with the same password is simply in; with another they get an account of their own."""
    sign_up(Client(), "mike@example.org")
    mike = User.objects.get()
    sign_up(client, twin)
    assert volunteer(client) == mike.public_name
    assert User.objects.count() == 1
    other = Client()
    sign_up(other, twin, NEW_PASSWORD)
    assert volunteer(other) not in (None, mike.public_name)
    assert User.objects.get(email="mike@example.org") == mike


@pytest.mark.finding("abuse A24")
@pytest.mark.parametrize("lookalike", ["m\u0131ke@example.org", "\uff4dike@example.org", "mi\u200bke@example.org"])
def test_lookalike_letters_make_no_second_account(client: Client, lookalike: str) -> None:
    sign_up(Client(), "mike@example.org")
    assert b"field-error" in sign_up(client, lookalike).content
    assert User.objects.count() == 1


@pytest.mark.parametrize(
    ("password", "word"),
    [
        ("sh0rt", "at least 10"),
        ("password123", "common"),
        ("telescopes", "similar"),
        (" " * 10, "different characters"),
        ("\t \u3000\u2003\u200b" * 4, "different characters"),
        ("aaaaaaaaaaab", "different characters"),
        ("abab abab abab", "different characters"),
        ("galaxyzoo1", "too easy to guess"),
        ("Galaxy-Zoo 2026!", "too easy to guess"),
        ("my-inclination", "too easy to guess"),
        ("31415926535897", "entirely numeric"),
        ("a long one " * 100, "at most 1,000"),
    ],
)
@pytest.mark.finding("security S19")
def test_a_weak_password_is_told_in_words(client: Client, password: str, word: str) -> None:
    page = sign_up(client, "telescope@example.org", password).content.decode()
    assert word in page
    assert not password.strip() or password not in page
    assert not User.objects.exists()


@pytest.mark.finding("abuse A19")
@pytest.mark.parametrize(
    "field", ["is_staff", "is_superuser", "role", "supervisor_rank", "volunteer_number", "email_verified", "id"]
)
def test_nobody_makes_themselves_staff(client: Client, field: str) -> None:
    answer = sign_up(client, "mike@example.org", **{field: "staff"})
    assert (answer.status_code, answer.json()["code"]) == (400, "unknown_field")
    assert not User.objects.exists()


@pytest.mark.finding("abuse A14")
@pytest.mark.parametrize("page", [SIGNUP, LOGIN])
@pytest.mark.parametrize(
    "target", ["//evil.example", "https://evil.example/", "javascript:alert(1)", "/\\evil.example"]
)
def test_the_way_back_leads_to_this_site_alone(client: Client, alice: User, page: str, target: str) -> None:
    if page == SIGNUP:
        answer = sign_up(client, "mike@example.org", next=target)
    else:
        answer = client.post(LOGIN, {"login": alice.email, "password": PASSWORD, "next": target})
    assert (answer.status_code, answer["Location"]) == (302, "/")
    shown = client.get(page, {"next": '"><script>alert(1)</script>'}).content
    assert b"<script>alert" not in shown


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Counts the hashes that are computed, the costly part of a sign-up: append a 0 before each."""
    counts: list[int] = []
    hasher: Any = type(get_hasher())
    for name in ("encode", "verify"):
        real = getattr(hasher, name)

        def counted(self: Any, *args: Any, real: Any = real, **kwargs: Any) -> Any:
            counts[-1] += 1
            return real(self, *args, **kwargs)

        monkeypatch.setattr(hasher, name, counted)
    return counts


@pytest.mark.finding("security S8", "abuse A25")
@pytest.mark.parametrize("mode", ["optional", "mandatory", "none"])
def test_sign_up_does_not_tell_who_has_an_account(alice: User, settings: Any, work: list[int], mode: str) -> None:
    """Same status, page, cookies and number of hashes for an address that has an account and for one that has none."""
    settings.ACCOUNT_EMAIL_VERIFICATION = mode
    email_address_add(alice)
    alice.emailaddress_set.update(verified=mode == "mandatory")
    answers = []
    for email in ("alice@example.org", "fresh@example.org"):
        client = Client()
        work.append(0)
        answer = sign_up(client, email, "another good password", next="/label/demo")
        cookies = sorted((name, len(morsel.value)) for name, morsel in client.cookies.items())
        client.post("/accounts/email/", {"email": email, "action_add": ""})  # the same refusal
        page = client.get("/accounts/email/", follow=True)
        shown = re.sub(r"v\d{6,9}", "NUMBER", page_text(page)).replace(email, "ADDRESS")
        answers.append((answer.status_code, answer["Location"], len(answer.content), cookies, page.status_code, shown))
        assert (volunteer(client) is None) == (mode == "mandatory")
        work.append(0)
        answers[-1] += (log_in(Client(), email, "another good password")["Location"],) if mode != "mandatory" else ()
    assert answers[0] == answers[1]
    assert work == [1, 1, 1, 1] if mode != "mandatory" else work == [1, 0, 1, 0]
    if mode != "none":
        assert [(letter.to, letter.subject) for letter in mail.outbox] == [
            (["alice@example.org"], "[GIZ] You already have an account"),
            (["fresh@example.org"], "[GIZ] Please confirm your e-mail address"),
        ]
    work.append(0)
    mine = Client()
    log_in(mine, "alice@example.org")
    assert volunteer(mine) == alice.public_name
    assert work[-1] == 1


@pytest.mark.finding("security S8", "abuse A25")
def test_log_in_takes_one_hash_however_many_name_the_address(alice: User, work: list[int]) -> None:
    for number in range(3):
        work.append(0)
        sign_up(Client(), alice.email, f"a guess of a stranger {number}")
    for email, password in ((alice.email, "wrong " * 3), ("nobody@example.org", "wrong " * 3), (alice.email, PASSWORD)):
        work.append(0)
        log_in(Client(), email, password)
    assert work == [1] * 6


def test_a_stranger_who_typed_an_address_does_not_get_it(alice: User, client: Client) -> None:
    """Neither by a click of its owner nor by a reset; and the owner's letter says what happened."""
    email_address_add(alice)
    sign_up(client, alice.email, NEW_PASSWORD)
    stranger = User.objects.exclude(pk=alice.pk).get()
    assert stranger.email is None
    assert mail.outbox[-1].subject == "[GIZ] You already have an account"
    client.post("/accounts/email/", {"action_send": "", "email": alice.email})
    confirm = mail.outbox[-1]
    assert confirm.subject == "[GIZ] Please confirm your e-mail address"
    Client().post(mailed_path(confirm))
    stranger.refresh_from_db()
    alice.refresh_from_db()
    assert (stranger.email, alice.email) == (None, "alice@example.org")
    assert not stranger.emailaddress_set.filter(verified=True).exists()
    before = len(mail.outbox)
    Client().post("/accounts/password/reset/", {"email": alice.email})
    assert len(mail.outbox) == before + 1
    page = Client().get(mailed_path(), follow=True)
    Client().get(page.request["PATH_INFO"])
    assert log_in(client, alice.email, PASSWORD).status_code == 302


def test_a_second_account_of_one_address_is_opened_by_its_own_password(alice: User) -> None:
    sign_up(Client(), alice.email, NEW_PASSWORD)
    second = Client()
    log_in(second, alice.email, NEW_PASSWORD)
    assert volunteer(second) == User.objects.exclude(pk=alice.pk).get().public_name
    alice.set_password("quite another password")
    alice.save()
    for password in (NEW_PASSWORD, "quite another password"):
        assert log_in(Client(), alice.email, password).status_code == 302


@pytest.mark.finding("security S8", "abuse A26")
def test_sign_up_is_no_way_round_the_limit_of_guesses(alice: User) -> None:
    """For known and unknown addresses alike, or the limit would tell."""
    for email in (alice.email, "fresh@example.org"):
        statuses = [sign_up(Client(), email, f"a guess of a stranger {number}").status_code for number in range(6)]
        assert statuses == [302] * 5 + [429]


@pytest.mark.finding("security S8")
def test_nobody_gets_a_heap_of_letters_from_strangers(alice: User) -> None:
    email_address_add(alice)
    for number in range(4):
        sign_up(Client(), alice.email, f"a guess of a stranger {number}")
        Client().post("/accounts/password/reset/", {"email": "nobody@example.org"})
    assert sorted(letter.to[0] for letter in mail.outbox) == ["alice@example.org", "nobody@example.org"]


@pytest.mark.finding("ux D25")
def test_the_focus_is_where_the_mistake_is(client: Client) -> None:
    def focused(page: Any) -> list[str]:
        return re.findall(r'<input[^>]* name="(\w+)"[^>]* autofocus', page.content.decode())

    assert focused(client.get(SIGNUP)) == ["email"]
    assert focused(sign_up(client, "mike@example.org", "short")) == ["password1"]
    assert focused(sign_up(client, "no address", "short")) == ["email"]
    assert focused(sign_up(client, "no address")) == ["email"]
    assert focused(client.get(LOGIN)) == ["login"]
    assert focused(log_in(client, "mike@example.org", "wrong")) == ["password"]


def test_where_mail_leaves_the_letter_opens_the_account(client: Client, settings: Any) -> None:
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"
    sign_up(client, "mike@example.org")
    assert log_in(client, "mike@example.org")["Location"] == "/accounts/confirm-email/"
    assert volunteer(client) is None
    client.post(mailed_path())
    log_in(client, "mike@example.org")
    assert volunteer(client) == User.objects.get().public_name


@pytest.mark.django_db(transaction=True)
def test_two_sign_ups_at_one_moment_make_one_account() -> None:
    def attempt(_: int) -> int:
        try:
            return int(sign_up(Client(), "mike@example.org").status_code)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as threads:
        statuses = list(threads.map(attempt, range(4)))
    assert User.objects.count() == 1
    assert set(statuses) <= {200, 302}
