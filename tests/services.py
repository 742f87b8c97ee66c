"""Pytest plugin (loaded first, see pyproject.toml): throw-away PostgreSQL and Valkey of our own for the whole run.

The controlling process starts them in a temporary GIZ_HOME; xdist's workers inherit its address. A DATABASE_URL
of the developer's is left aside on purpose: tests must never touch a database that somebody uses.
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path

import pytest

IS_WORKER = "PYTEST_XDIST_WORKER" in os.environ
_servers: list[object] = []

if not IS_WORKER:
    # Tests start some hundred programs; without byte code each of them would compile the site anew.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False
    for name in (
        "DATABASE_URL",
        "DATABASE_OWNER_URL",
        "CELERY_BROKER_URL",
        "CACHE_URL",
        "MEDIA_ROOT",
        "STATIC_ROOT",
        "SITE_URL",
    ):
        os.environ.pop(name, None)
    os.environ["GIZ_HOME"] = tempfile.mkdtemp(prefix="giz-test-")
    os.environ["SECRET_KEY"] = "test-only-" + "k" * 50
    os.environ["EMAIL_BACKEND"] = "django.core.mail.backends.locmem.EmailBackend"
    os.environ["LOG_LEVEL"] = "WARNING"


def pytest_configure(config: pytest.Config) -> None:
    if IS_WORKER or config.option.collectonly:
        return
    from giz.embedded.layout import Layout
    from giz.embedded.postgres import PostgresServer
    from giz.embedded.valkey import ValkeyServer

    layout = Layout(Path(os.environ["GIZ_HOME"]))
    layout.make()
    for server in (
        PostgresServer(layout.postgres_data(18), layout.postgres_sockets, fsync=False),
        ValkeyServer(layout.valkey_data, layout.valkey_socket, fsync=False),
    ):
        server.start()
        _servers.append(server)


def pytest_unconfigure() -> None:
    while _servers:
        _servers.pop().stop()  # type: ignore[attr-defined]
    if not IS_WORKER:
        shutil.rmtree(os.environ["GIZ_HOME"], ignore_errors=True)
