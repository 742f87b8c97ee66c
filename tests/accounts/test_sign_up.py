"""Making an account: in at once, a number as the only public name, nothing set that is not one's own to set."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.core import mail
from django.db import connection
from django.test import Client

from giz.accounts.models import FIRST_NUMBER, LAST_NUMBER, User, random_volunteer_number
from giz.accounts.staff import email_address_add
from tests.accounts.people import LOGIN, PASSWORD, SIGNUP, log_in, mailed_path, page_text, sign_up, volunteer

pytestmark = pytest.mark.django_db


def test_who_signs_up_is_in_at_once_and_is_called_by_a_number(client: Client) -> None:
    answer = sign_up(client, "Mike@Example.org", next="/label/demo")
    assert (answer.status_code, answer["Location"]) == (302, "/label/demo")
    made = User.objects.get()
    assert made.email == "mike@example.org"
    assert made.role == User.Role.VOLUNTEER
    assert volunteer(client) == made.public_name == f"v{made.volunteer_number}"
    assert made.password.startswith("argon2$argon2id$")


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
    assert letter.subject == "[GIZ] Please confirm your address"
    path = mailed_path(letter)
    assert b"mike@example.org" in client.get(path).content
    assert client.post(path).status_code == 302
    assert User.objects.get().emailaddress_set.get().verified


@pytest.mark.parametrize("twin", ["mike@example.org", "MIKE@EXAMPLE.ORG", "Mike@example.ORG "])
def test_an_address_has_one_account_in_any_case(client: Client, twin: str) -> None:
    sign_up(Client(), "mike@example.org")
    page = sign_up(client, twin).content.decode()
    assert "There is an account with this address already" in page
    assert User.objects.count() == 1
    assert volunteer(client) is None


@pytest.mark.parametrize("lookalike", ["m\u0131ke@example.org", "\uff4dike@example.org", "mi\u200bke@example.org"])
def test_lookalike_letters_make_no_second_account(client: Client, lookalike: str) -> None:
    sign_up(Client(), "mike@example.org")
    assert b"field-error" in sign_up(client, lookalike).content
    assert User.objects.count() == 1


@pytest.mark.parametrize(
    ("password", "word"),
    [("sh0rt", "at least 10"), ("password123", "common"), ("telescopes", "similar")],
)
def test_a_weak_password_is_told_in_words(client: Client, password: str, word: str) -> None:
    page = sign_up(client, "telescope@example.org", password).content.decode()
    assert word in page
    assert password not in page
    assert not User.objects.exists()


@pytest.mark.parametrize(
    "field", ["is_staff", "is_superuser", "role", "supervisor_rank", "volunteer_number", "email_verified", "id"]
)
def test_nobody_makes_themselves_staff(client: Client, field: str) -> None:
    answer = sign_up(client, "mike@example.org", **{field: "staff"})
    assert (answer.status_code, answer.json()["code"]) == (400, "unknown_field")
    assert not User.objects.exists()


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


def test_where_mail_leaves_sign_up_does_not_tell_who_has_an_account(alice: User, settings: Any) -> None:
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"
    email_address_add(alice)
    answers = []
    for email in ("alice@example.org", "fresh@example.org"):
        client = Client()
        answer = sign_up(client, email, "another good password")
        page = client.get(answer["Location"])
        answers.append((answer.status_code, answer["Location"], page.status_code, page_text(page)))
        assert volunteer(client) is None
    assert answers[0] == answers[1]
    assert [(letter.to, letter.subject) for letter in mail.outbox] == [
        (["alice@example.org"], "[GIZ] You have an account already"),
        (["fresh@example.org"], "[GIZ] Please confirm your address"),
    ]
    assert log_in(Client(), "alice@example.org", "another good password").status_code == 200


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
