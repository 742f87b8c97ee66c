"""Requests that other sites or liars would make: none changes anything, none leads away, none reads a file."""

from typing import Any

import pytest
from django.test import Client
from drf_spectacular.generators import SchemaGenerator

from giz.accounts.models import User
from giz.core.views import SchemaView

AWAY = (
    *("//evil.example", "https://evil.example/", "javascript:alert(1)", "/\\evil.example", "///evil.example/%2e%2e"),
    *("http:evil.example", "https:/evil.example", "\t//evil.example", "//evil.example@localhost/", "data:text/html,x"),
)
FILES = (
    *("/media/..%2fsettings.py", "/media/../settings.py", "/static/../giz/settings.py", "/static..%2fmanage.py"),
    *("//etc/passwd", "/assets//etc/passwd", "/assets/..%2f..%2fmanage.py", "/.env", "/.git/config"),
    *("/api/file?fileName=../../../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/media/%00", "/assets/%00"),
)


@pytest.mark.finding("abuse A14")
@pytest.mark.parametrize("place", AWAY)
@pytest.mark.parametrize("door", ["/accounts/login/", "/accounts/signup/", "/accounts/logout/", "/staff/login/"])
def test_no_door_leads_to_another_site(alice_client: Client, door: str, place: str) -> None:
    for answer in (alice_client.get(door, {"next": place}), alice_client.post(f"{door}?next=x", {"next": place})):
        where = answer.get("Location", "/")
        assert where.startswith("/")
        assert not where.startswith(("//", "/\\"))


@pytest.mark.finding("abuse A14")
@pytest.mark.parametrize("path", ["/<script>alert(1)</script>", "/api/v1/<img src=x onerror=alert(1)>/", "/staff/<b>/"])
def test_nothing_of_an_address_comes_back_as_html(alice_client: Client, path: str) -> None:
    answer = alice_client.get(path, {"error": "<script>alert(1)</script>"}, headers={"accept": "text/html"})
    body = answer.content.decode(errors="replace")
    for word in ("<script>alert(1)", "<img src=x", "<b>/"):
        assert word not in body


@pytest.mark.finding("abuse A22")
@pytest.mark.parametrize("origin", ["https://evil.example", "null", ""])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("post", "/accounts/logout/"),
        ("post", "/accounts/email/"),
        ("post", "/accounts/password/change/"),
        ("patch", "/api/v1/me/"),
        ("post", "/api/v1/tasks/"),
        ("post", "/api/v1/votes/"),
    ],
)
def test_another_site_changes_nothing(alice: User, origin: str, method: str, path: str) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice, backend="allauth.account.auth_backends.AuthenticationBackend")
    headers = {"origin": origin} if origin else {}
    for kind, body in (("text/plain", "{}"), ("application/json", "{}"), ("application/x-www-form-urlencoded", "a=1")):
        answer = getattr(client, method)(path, body, content_type=kind, headers=headers)
        assert answer.status_code in (403, 404, 405, 415), (kind, answer.status_code)
        assert "Access-Control-Allow-Origin" not in answer
    assert client.get("/api/v1/me/").json()["volunteer"] == alice.public_name


@pytest.mark.finding("abuse A22")
def test_reading_an_address_that_changes_something_changes_nothing(alice_client: Client, alice: User) -> None:
    alice_client.get("/accounts/logout/")
    assert alice_client.get("/api/v1/me/").json()["volunteer"] == alice.public_name
    assert alice_client.get("/api/v1/votes/").status_code == 405


@pytest.mark.finding("abuse A23")
@pytest.mark.parametrize(
    "host", ["evil.example", "a@b", "localhost:8000@evil", "localhost evil", "localhost/x", "[::1"]
)
def test_a_host_that_is_not_ours_is_refused(client: Client, host: str, db: None) -> None:
    assert client.get("/accounts/login/", headers={"host": host}).status_code == 400


@pytest.mark.finding("abuse A23")
def test_a_forwarded_host_is_not_believed(alice: User, client: Client, mailoutbox: list[Any], settings: Any) -> None:
    liar = {"x-forwarded-host": "evil.example", "forwarded": "host=evil.example", "x-host": "evil.example"}
    client.post("/accounts/password/reset/", {"email": alice.email}, headers=liar)
    (mail,) = mailoutbox
    assert "evil" not in mail.body
    assert f"{settings.SITE_URL}/accounts/password/reset/key/" in mail.body


@pytest.mark.finding("abuse A6")
@pytest.mark.parametrize("path", FILES)
def test_no_address_reads_a_file_of_the_machine(client: Client, path: str, db: None) -> None:
    answer = client.get(path)
    body = b"".join(answer) if answer.streaming else answer.content
    for word in (b"root:", b"SECRET_KEY", b"execute_from_command_line", b"[core]"):
        assert word not in body


def test_the_schema_is_made_once_however_often_strangers_ask(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    generate = SchemaGenerator.get_schema

    def counted(*args: Any, **kwargs: Any) -> Any:
        made.append(1)
        return generate(*args, **kwargs)

    monkeypatch.setattr(SchemaGenerator, "get_schema", counted)
    monkeypatch.setattr(SchemaView, "_made", {})
    asked = [client.get("/api/v1/schema/", {"format": "json", "lang": lang, "version": lang}) for lang in ("en", "de")]
    assert [answer.status_code for answer in asked] == [200, 200]
    assert asked[0].headers["Content-Type"].startswith("application/vnd.oai.openapi+json")
    assert asked[0].content == asked[1].content
    assert "/api/v1/votes/" in asked[0].json()["paths"]
    assert sum(made) == 1
    assert b"/api/v1/votes/:" in client.get("/api/v1/schema/").content
    assert sum(made) == 2
