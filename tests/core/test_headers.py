"""What every answer carries, what production adds, and what no log line holds."""

import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from django.test import Client

from giz.core.logs import json_formatter, without_private

REPOSITORY = Path(__file__).resolve().parent.parent.parent
PAGES = ["/healthz", "/accounts/login/", "/api/v1/stats/", "/nothing/here", "/staff/dashboard/"]


@pytest.mark.django_db
@pytest.mark.parametrize("page", PAGES)
def test_every_answer_carries_the_headers_that_protect_its_reader(bob_client: Client, page: str) -> None:
    answer = bob_client.get(page)
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["Referrer-Policy"] == "same-origin"
    assert answer["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "camera=()" in answer["Permissions-Policy"]
    policy = answer["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "base-uri 'none'" in policy
    assert "unsafe" not in policy


@pytest.mark.finding("security S18")
@pytest.mark.django_db
def test_only_the_admins_own_scripts_get_a_looser_policy(bob_client: Client) -> None:
    assert "script-src 'self' 'unsafe-eval';" in bob_client.get("/staff/core/job/")["Content-Security-Policy"] + ";"
    schedule = bob_client.get("/staff/django_celery_beat/periodictask/")["Content-Security-Policy"]
    assert "script-src 'self' 'unsafe-eval' 'unsafe-inline'" in schedule
    assert "unsafe" not in bob_client.get("/staff/dashboard/jobs/")["Content-Security-Policy"]


def _manage(*words: str, **extra: str) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "DATABASE_URL": "postgresql://giz@/giz?host=/nonexistent",
        "SECRET_KEY": "vR8" * 30 + "-of-a-deployment",
        "SITE_URL": "https://giz.example.org",
        "TRUSTED_PROXY_COUNT": "1",
        **extra,
    }
    command = [sys.executable, "manage.py", *words]
    return subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, timeout=120)


def test_production_settings_pass_the_deployment_check() -> None:
    done = _manage("check", "--deploy", "--fail-level", "WARNING")
    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout


@pytest.mark.parametrize(
    ("extra", "ids"),
    [({"SECRET_KEY": "short", "DEBUG": "1"}, {"giz.E001", "giz.E002"}), ({"SITE_URL": ""}, {"giz.W001"})],
)
def test_a_deployment_with_a_hole_is_refused(extra: dict[str, str], ids: set[str]) -> None:
    done = _manage("check", "--deploy", "--fail-level", "WARNING", **extra)
    assert done.returncode != 0
    assert all(id in done.stderr for id in ids)


@pytest.mark.django_db
def test_an_https_site_speaks_https_alone(client: Client, settings: Any) -> None:
    settings.SECURE_SSL_REDIRECT = True
    settings.SECURE_HSTS_SECONDS = 31_536_000
    settings.SECURE_HSTS_INCLUDE_SUBDOMAINS = settings.SECURE_HSTS_PRELOAD = True
    assert client.get("/accounts/login/")["Location"].startswith("https://")
    answer = client.get("/accounts/login/", secure=True)
    assert answer["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains; preload"


# --- logs ------------------------------------------------------------------------------------------------------------
@pytest.fixture
def lines(settings: Any) -> Iterator[list[str]]:
    """Every line that the site's loggers write during a test, as they would reach standard error."""
    kept: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            kept.append(self.format(record))

    handler = Keep()
    handler.setFormatter(json_formatter())
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield kept
    root.removeHandler(handler)
    root.setLevel(level)


@pytest.mark.django_db
def test_nothing_that_a_person_did_leaves_an_address_or_a_key_in_the_logs(lines: list[str], alice: Any) -> None:
    from django.core import mail

    from tests.accounts.people import RESET, log_in, mailed_path, sign_up

    visitor = {"REMOTE_ADDR": "203.0.113.77"}
    client = Client(**visitor)
    sign_up(client, "canary@example.org")
    confirm = mailed_path()
    client.get(confirm)
    client.post(RESET, {"email": "canary@example.org"})
    reset = mailed_path(mail.outbox[-1])
    Client(**visitor).get(reset)
    log_in(Client(**visitor), "canary@example.org", "a wrong password")
    client.get("/nothing/here?email=canary@example.org")
    client.get("/people/canary@example.org")
    client.get("/certificate/12/ABCD-EFGH/pdf")
    text = "\n".join(lines)
    assert '"path": "/certificate/12/[private]/pdf"' in text
    assert '"path": "/accounts/password/reset/key/[private]"' in text
    assert '"path": "/accounts/confirm-email/[private]"' in text
    secrets = (
        "canary@",
        "203.0.113.77",
        "a wrong password",
        confirm.split("/")[-2],
        reset.split("/")[-2].split("-", 1)[1],
    )
    for secret in (*secrets, client.cookies["sessionid"].value):
        assert secret not in text
    for line in lines:
        assert json.loads(line)["event"]


def test_an_error_is_written_with_its_traceback_but_without_the_address_in_it(lines: list[str]) -> None:
    try:
        raise ValueError("Key (lower(email))=(mike@example.org) already exists")
    except ValueError:
        structlog.get_logger("giz.test").exception(
            "not_saved", who={"email": "mike@example.org", "tries": [1, "a@b.c"]}
        )
    written = json.loads(lines[-1])
    assert "Traceback" in written["exception"]
    assert "already exists" in written["exception"]
    assert written["who"] == {"email": "[private]", "tries": [1, "[private]"]}
    assert "mike@" not in lines[-1]


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("import of spirals.csv: 12 rows", "import of spirals.csv: 12 rows"),
        ("to <mike@example.org>", "to <[private]>"),
        ("staff@localhost", "[private]"),
        ("/accounts/password/reset/key/3-abc-def/", "/accounts/password/reset/key/[private]"),
        ("/accounts/login/", "/accounts/login/"),
    ],
)
def test_only_what_is_private_is_blotted_out(text: str, clean: str) -> None:
    assert without_private(text) == clean


def test_a_long_hostile_text_is_read_in_one_pass(lines: list[str]) -> None:
    """A pattern that tries again from each letter would take hours for this one."""
    assert without_private("a" * 200_000) == "a" * 200_000
