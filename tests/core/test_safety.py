"""Audit, logs, rate limits and settings hold what they promise."""

import json
import logging
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import structlog
from django.core.exceptions import ImproperlyConfigured
from django.db import IntegrityError, InternalError, connection, transaction
from django.test import Client

from giz.core import audit, checks
from giz.core.cache import ForgivingRedisCache
from giz.core.logs import json_formatter
from giz.core.models import AuditEvent
from giz.core.throttle import blurred, count_back, count_up

SAFE_KEY = "vR8-of-a-deployment" * 4
REPEATS = "repeats a few characters"


@pytest.mark.django_db
@pytest.mark.parametrize("statement", ["UPDATE core_auditevent SET action = 'x'", "DELETE FROM core_auditevent"])
def test_the_audit_trail_only_grows(statement: str) -> None:
    audit.record("campaign_opened", subject="demo", by="test")
    with (
        pytest.raises((InternalError, IntegrityError), match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)
    assert AuditEvent.objects.get().action == "campaign_opened"


def test_a_log_line_is_one_json_object_without_private_values(capsys: pytest.CaptureFixture[str]) -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(json_formatter())
    logger = logging.getLogger("giz.test_logs")
    logger.addHandler(handler)
    structlog.get_logger("giz.test_logs").error("login\r\nfailed\x1b[31m", email="mike@example.org", ip="192.0.2.7")
    logger.removeHandler(handler)
    line = capsys.readouterr().err.strip()
    assert "\n" not in line
    assert "\x1b" not in line
    assert "mike@" not in line
    assert "192.0.2.7" not in line
    assert json.loads(line)["email"] == "[private]"


def test_events_are_counted_by_identity_until_the_window_ends() -> None:
    counts = [count_up("test", "someone", per_seconds=3600) for _ in range(3)]
    assert [counted and counted.count for counted in counts] == [1, 2, 3]
    assert counts[2] is not None
    assert 0 < counts[2].wait_seconds <= 3600
    count_back(counts[2].key)
    again, another = (count_up("test", who, per_seconds=3600) for who in ("someone", "another"))
    assert (again and again.count, another and another.count) == (3, 1)


def test_whom_a_counter_counts_can_not_be_read_from_it(settings: Any) -> None:
    """Neither in clear nor by hashing every address there is: the hash needs the site's key, and changes daily."""
    counted = count_up("test", "192.0.2.7", per_seconds=3600)
    assert counted is not None
    assert "192.0.2.7" not in counted.key
    before = blurred("192.0.2.7")
    settings.SECRET_KEY = "another" * 10
    assert blurred("192.0.2.7") != before


def test_a_cache_that_is_away_reads_as_a_miss_and_limits_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    away = ForgivingRedisCache("unix:///nonexistent/valkey.sock", {})
    away.set("a", 1)
    assert away.get("a", "missing") == "missing"
    assert away.get_many(["a"]) == {}
    monkeypatch.setattr("giz.core.throttle.cache", away)
    assert count_up("test", "someone", per_seconds=3600) is None


@pytest.mark.finding("security S19", "abuse A30")
@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"SECRET_KEY": "django-insecure-" + SAFE_KEY}, "SECRET_KEY is missing, short or marked insecure"),
        ({"SECRET_KEY": "a" * 58}, REPEATS),
        ({"SECRET_KEY": "abcabc" * 20}, REPEATS),
        ({"DEBUG": True}, "DEBUG is on"),
    ],
)
def test_unsafe_settings_are_no_start_for_a_server(changed: dict[str, Any], problem: str, settings: Any) -> None:
    safe = {"DATABASE_URL": "postgresql://giz@db/giz", "SECRET_KEY": SAFE_KEY, "SITE_URL": "https://giz.example.org"}
    for name, value in {**safe, "DEBUG": False}.items():
        setattr(settings, name, value)
    checks.refuse_unsafe_start()
    for name, value in changed.items():
        setattr(settings, name, value)
    with pytest.raises(ImproperlyConfigured, match=problem):
        checks.refuse_unsafe_start()


@pytest.mark.finding("security S19", "abuse A30")
@pytest.mark.parametrize(
    ("server", "changed", "problem"),
    [
        *(
            (f"giz.{server}", changed, problem)
            for server in ("wsgi", "asgi", "rsgi")
            for changed, problem in (({"SECRET_KEY": "a" * 58}, REPEATS), ({}, ""))
        ),
        ("giz.rsgi", {"SECRET_KEY": ""}, "SECRET_KEY"),
        ("giz.rsgi", {"DEBUG": "1"}, "DEBUG is on"),
    ],
)
def test_a_web_server_does_not_start_with_settings_that_are_unsafe(
    server: str, changed: dict[str, str], problem: str
) -> None:
    safe = {"DATABASE_URL": "postgresql://giz@db/giz", "SECRET_KEY": SAFE_KEY, "SITE_URL": "https://giz.example.org"}
    started = subprocess.run(
        [sys.executable, "-c", f"import {server}"],
        env={"PATH": os.environ["PATH"], **safe, **changed},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (started.returncode == 0) == (not problem), started.stderr
    assert problem in started.stderr


@pytest.mark.finding("security S19")
@pytest.mark.parametrize("words", [["worker", "--pool", "solo"], ["beat", "--pidfile=", "--schedule=/dev/null"]])
def test_a_worker_does_not_start_with_settings_that_are_unsafe(words: list[str]) -> None:
    unsafe = {"DATABASE_URL": "postgresql://giz@/giz?host=/nonexistent", "SECRET_KEY": "a" * 58}
    environment = {"PATH": os.environ["PATH"], **unsafe, "CELERY_BROKER_URL": "redis+socket:///nonexistent.sock"}
    command = [sys.executable, "-m", "celery", "--app", "giz", "--quiet", *words]
    started = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert started.returncode != 0
    assert REPEATS in started.stderr + started.stdout


def test_a_deployment_without_a_secret_of_its_own_is_refused(settings: Any) -> None:
    settings.DATABASE_URL = "postgresql://giz@db/giz"
    settings.SECRET_KEY = "django-insecure-short"
    settings.DEBUG = True
    settings.SITE_URL = "http://localhost:8000"
    assert [problem.id for problem in checks.deployed_settings_are_safe()] == ["giz.E001", "giz.E002", "giz.W001"]
    settings.SECRET_KEY = SAFE_KEY
    settings.DEBUG = False
    settings.SITE_URL = "https://giz.example.org"
    assert checks.deployed_settings_are_safe() == []


def test_pages_carry_a_strict_content_security_policy(client: Client) -> None:
    policy = client.get("/healthz")["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy


@pytest.mark.finding("abuse A23", "flow F8")
def test_a_foreign_host_header_is_refused(client: Client) -> None:
    answer = client.get("/accounts/login/", headers={"host": "evil.example"})
    assert answer.status_code == 400
    assert answer.json()["code"] == "bad_request"
    # Whoever runs the site learns what to set; nothing of it is read as HTML.
    assert "'evil.example'" in answer.json()["detail"]
    assert "ALLOWED_HOSTS" in answer.json()["detail"]
    assert answer["Content-Type"] == "application/json"
    assert answer["X-Content-Type-Options"] == "nosniff"


@pytest.mark.finding("security S19")
def test_security_txt_says_whom_to_tell_and_is_not_stale(client: Client, settings: Any) -> None:
    settings.SECURITY_CONTACT = "security@example.org"
    answer = client.get("/.well-known/security.txt")
    fields = dict(line.split(": ", 1) for line in answer.content.decode().splitlines())
    assert answer["Content-Type"].startswith("text/plain")
    assert fields["Contact"] == "mailto:security@example.org"
    assert datetime.now(UTC) < datetime.fromisoformat(fields["Expires"]) < datetime.now(UTC) + timedelta(days=365)
    settings.SECURITY_CONTACT = "https://example.org/report"
    assert b"Contact: https://example.org/report\n" in client.get("/.well-known/security.txt").content
