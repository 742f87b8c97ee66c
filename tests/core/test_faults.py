"""Servers that stop, hang or go away: requests end soon, and go on once the servers are back."""

import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
from django.conf import settings as site_settings
from django.core.cache import caches
from django.db import OperationalError, connection, connections
from django.test import Client

from giz.celery import app
from giz.core import tasks
from giz.core.cache import ForgivingRedisCache, _silent_until
from giz.core.postgres import base as postgres_base
from giz.core.postgres.base import DatabaseWrapper
from giz.core.tasks import RETRY_S, SteadyScheduler
from giz.embedded.layout import Layout
from giz.embedded.postgres import PostgresServer
from giz.embedded.valkey import ValkeyServer
from tests.browser.site import Site
from tests.conftest import REPOSITORY, TEMPLATE

PATIENCE_S = 60.0


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    """The process and its children, as SIGSTOP leaves them."""
    family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    for process in family:
        process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        for process in family:
            process.send_signal(signal.SIGCONT)


@pytest.fixture
def layout() -> Iterator[Layout]:
    with tempfile.TemporaryDirectory(prefix="giz-q-") as folder:
        found = Layout(Path(folder))
        found.make()
        yield found


@pytest.fixture
def valkey(layout: Layout) -> Iterator[ValkeyServer]:
    with ValkeyServer(layout.valkey_data, layout.valkey_socket, fsync=False) as server:
        yield server
    _silent_until.clear()


@pytest.mark.finding("fault F5")
def test_a_cache_that_is_stopped_is_asked_once_and_then_left_alone(
    valkey: ValkeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = ForgivingRedisCache(f"unix://{valkey.socket_path}?db=1", {})
    cache.set("a", 1)
    assert cache.get("a") == 1
    assert valkey.pid is not None
    asked = []
    real = cache._class.get

    def counted(*args: Any, **kwargs: Any) -> Any:
        asked.append(args)
        return real(*args, **kwargs)

    monkeypatch.setattr(cache._class, "get", counted)
    with stopped(valkey.pid):
        began = time.monotonic()
        while time.monotonic() < began + 1.0 or len(asked) == 0:
            assert cache.get("a", "missing") == "missing"
        assert len(asked) <= 2
        assert cache.is_silent()
        assert cache.add("b", 1) is True
        with pytest.raises(Exception, match="did not answer"):
            cache.incr("a")
    _silent_until.clear()
    assert cache.get("a") == 1


@pytest.mark.finding("fault F5")
def test_a_broker_that_is_stopped_holds_up_one_thread_and_is_then_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks._Broker, "silent_until", float("-inf"))
    holds, sent = threading.Event(), []
    slow = threading.Thread(target=lambda: tasks.publish(lambda: holds.wait(PATIENCE_S), effect="later"))
    slow.start()
    deadline = time.monotonic() + PATIENCE_S
    while tasks.publish(lambda: sent.append(1), effect="later"):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    holds.set()
    slow.join()
    assert tasks.publish(lambda: sent.append(1), effect="later")

    def away() -> None:
        raise OSError("connection refused")

    assert not tasks.publish(away, effect="later")
    assert not tasks.publish(lambda: sent.append(1), effect="later")


@pytest.mark.finding("fault F5")
def test_a_node_without_its_cache_stays_in_service(client: Client, db: None, settings: Any) -> None:
    settings.CACHES = {"default": {**site_settings.CACHES["default"], "LOCATION": "unix:///nonexistent/valkey.sock"}}
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["status"]) == (200, "ready")
    assert set(answer.json()["warnings"]) == {"cache"}
    assert isinstance(caches["default"], ForgivingRedisCache)


@pytest.fixture
def postgres(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> Iterator[PostgresServer]:
    # Browser tests leave an event loop in this process, and Django refuses a connection beside one.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    monkeypatch.setattr(postgres_base, "watch", postgres_base.Watch())
    with PostgresServer(layout.postgres_data(18), layout.postgres_sockets, fsync=False) as server:
        yield server


@pytest.fixture
def database(postgres: PostgresServer, django_db_blocker: Any) -> Iterator[Callable[..., Any]]:
    """Asks the server a small question by the site's own backend, as a request would; answers 1 or raises."""
    options = {**connection.settings_dict["OPTIONS"]}
    described = {**connection.settings_dict, "HOST": str(postgres.socket_dir), "NAME": "postgres", "OPTIONS": options}
    alias = "fault"
    wrapper = connections[alias] = DatabaseWrapper(described, alias)

    def ask(sql: str = "SELECT 1") -> Any:
        try:
            with wrapper.cursor() as cursor:
                cursor.execute(sql)
                return cursor.fetchone()[0]
        finally:
            wrapper.close()

    with django_db_blocker.unblock():
        yield ask
        wrapper.close()
        wrapper.close_pool()
    del connections[alias]


def ask_until_answered(ask: Callable[[], Any]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            assert ask() == 1
            return
        except OperationalError:
            assert time.monotonic() < deadline
            time.sleep(0.1)


@pytest.mark.finding("fault F20")
def test_a_database_that_is_stopped_refuses_and_answers_again(postgres: PostgresServer, database: Any) -> None:
    assert database() == 1
    assert postgres.pid is not None
    with stopped(postgres.pid):
        with pytest.raises(OperationalError):
            database()
        # Known to be away: refused without waiting for its silence again. Each of these would take seconds.
        for _ in range(50):
            with pytest.raises(OperationalError):
                database()
    ask_until_answered(database)


@pytest.mark.finding("fault F3")
def test_a_database_that_was_away_answers_soon_after_its_return(
    layout: Layout, postgres: PostgresServer, database: Any
) -> None:
    assert database() == 1
    postgres.stop()
    for _ in range(30):
        with pytest.raises(OperationalError):
            database()
    postgres.start()
    ask_until_answered(database)


@pytest.mark.finding("fault F20")
def test_a_long_statement_of_a_server_that_answers_is_waited_for(
    database: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_base, "SILENCE_S", 0.3)
    assert database("SELECT 1 FROM pg_sleep(1.5)") == 1


@pytest.mark.finding("fault F3")
@pytest.mark.django_db(transaction=True)
def test_beat_outlives_a_database_that_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    scheduler = SteadyScheduler(app=app)
    assert scheduler.tick() >= 0
    wrapper = connections["default"]
    real = wrapper.get_new_connection

    def away(_params: Any) -> Any:
        raise OperationalError("connection refused")

    wrapper.close()
    monkeypatch.setattr(wrapper, "get_new_connection", away)
    scheduler._last_timestamp = None
    scheduler._schedule_changed = True
    for _ in range(3):
        scheduler.sync()
        wrapper.close()
        monkeypatch.setattr(scheduler, "_initial_read", True)
        assert scheduler.tick() == RETRY_S
    monkeypatch.setattr(wrapper, "get_new_connection", real)
    assert scheduler.tick() >= 0
    assert app.conf.beat_scheduler == "giz.core.tasks:SteadyScheduler"


@pytest.mark.finding("fault F3", "fault F4")
@pytest.mark.parametrize("path", ["/accounts/login/", "/staff/dashboard/", "/api/v1/me/", "/me", "/metrics"])
def test_without_its_database_every_page_answers_503_with_a_time(
    alice_client: Client, monkeypatch: pytest.MonkeyPatch, settings: Any, path: str
) -> None:
    from django.db.backends.utils import CursorWrapper

    def lost(*_args: Any, **_kwargs: Any) -> Any:
        raise OperationalError("server closed the connection unexpectedly")

    # Else the session would come from there.
    settings.CACHES = {"default": {**site_settings.CACHES["default"], "LOCATION": "unix:///nonexistent/valkey.sock"}}
    alice_client.raise_request_exception = False
    monkeypatch.setattr(CursorWrapper, "execute", lost)
    answer = alice_client.get(path)
    monkeypatch.undo()
    if path == "/me":
        assert answer.status_code in (200, 503)
        return
    assert answer.status_code == 503
    assert answer["Retry-After"]


@pytest.mark.finding("fault F16")
@pytest.mark.usefixtures("django_db_setup")
def test_a_migration_lets_others_pass_while_a_table_is_in_use(tmp_path_factory: pytest.TempPathFactory) -> None:
    site = Site(Path(tempfile.mkdtemp(prefix="giz-f-")), site_settings.DATABASES["default"], TEMPLATE)
    command = [sys.executable, "manage.py", "migrate", "core", "0003"]
    try:
        with psycopg.connect(site.environment["DATABASE_URL"]) as reader:
            reader.execute("SELECT count(*) FROM core_job")
            migration = subprocess.Popen(
                command, cwd=REPOSITORY, env=site.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
            )
            assert migration.stderr is not None
            assert any("Retrying every few seconds" in line for line in migration.stderr)
            # It rests now, and holds nobody up.
            assert site.query("SELECT count(*) FROM core_job") == [(0,)]
        _said, complaints = migration.communicate(timeout=PATIENCE_S)
        assert migration.returncode == 0, complaints
        assert "Traceback" not in complaints
        assert site.query("SELECT name FROM django_migrations WHERE app = 'core' ORDER BY name DESC LIMIT 1") != []
        assert not site.query("SELECT 1 FROM information_schema.columns WHERE column_name = 'lane' LIMIT 1")
    finally:
        site.close()
