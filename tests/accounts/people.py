"""What the tests of accounts do again and again: post the forms as a browser would, read the letters."""

import re
from typing import Any

from django.core import mail
from django.test import Client

PASSWORD = "correct horse battery"
NEW_PASSWORD = "seven spirals seen edge-on"
LOGIN, LOGOUT, SIGNUP = "/accounts/login/", "/accounts/logout/", "/accounts/signup/"
RESET = "/accounts/password/reset/"


def log_in(client: Client, email: str, password: str = PASSWORD, **extra: Any) -> Any:
    return client.post(LOGIN, {"login": email, "password": password}, **extra)


def sign_up(client: Client, email: str, password: str = PASSWORD, headers: Any = None, **fields: str) -> Any:
    return client.post(SIGNUP, {"email": email, "password1": password, **fields}, headers=headers)


def page_text(answer: Any) -> str:
    """The page without the form's CSRF token, which is another each time."""
    return re.sub(r'(name="csrfmiddlewaretoken" value=")[^"]+', r"\1", answer.content.decode())


def volunteer(client: Client) -> str | None:
    """The public name behind this client's cookie, as the pages learn it; None for a stranger."""
    name: str | None = client.get("/api/v1/me/").json()["volunteer"]
    return name


def mailed_path(letter: Any = None) -> str:
    """The path of the first link of the newest letter."""
    text = (letter or mail.outbox[-1]).body
    found = re.search(r"https?://[^/\s]+(/accounts/\S+)", text)
    assert found, text
    return found[1]
