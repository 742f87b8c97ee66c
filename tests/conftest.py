"""Fixtures of all tests: a database cloned from one migrated template, the cast, the folder of real data."""

import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.apps import apps
from django.conf import settings
from django.core.cache import cache
from django.core.management import call_command
from django.db import connections
from django.db.models.signals import post_migrate
from django.test import Client

pytest_plugins = ["tests.bucket"]

TEMPLATE = "giz_template"
REPOSITORY = Path(__file__).resolve().parent.parent


def shared_folder() -> Path:
    """The folder of real data beside the repository; a user's clone has none."""
    return Path(os.environ.get("GIZ_SHARED", REPOSITORY.parent / "shared"))


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_blocker: Any) -> None:
    """Migrate one template database (the first worker does it), from which each worker's database is cloned."""
    # A test that wants the network that came with GIZ registers it, in a folder of its own.
    post_migrate.disconnect(dispatch_uid="training.register_shipped", sender=apps.get_app_config("training"))
    database = settings.DATABASES["default"]
    lock = Path(settings.GIZ_HOME) / "template.lock"
    with lock.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        maintenance = f"host={database['HOST']} user={database['USER']} dbname=postgres port={database['PORT']}"
        with psycopg.connect(maintenance, autocommit=True) as server:
            if not server.execute("SELECT 1 FROM pg_database WHERE datname = %s", [TEMPLATE]).fetchone():
                server.execute(f'CREATE DATABASE "{TEMPLATE}"')
                with django_db_blocker.unblock():
                    _migrate(database["NAME"])
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    name = "test_giz" + (f"_{worker}" if worker else "")
    database["TEST"] = {**database.get("TEST", {}), "NAME": name, "TEMPLATE": TEMPLATE, "MIGRATE": True}
    connections["default"].settings_dict["TEST"].update(database["TEST"])


def _migrate(usual_name: str) -> None:
    connection = connections["default"]
    connection.settings_dict["NAME"] = TEMPLATE
    try:
        call_command("migrate", verbosity=0)
    finally:
        connection.close()
        connection.close_pool()
        connection.settings_dict["NAME"] = usual_name


@pytest.fixture(autouse=True)
def _own_media(tmp_path: Path, settings: Any) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"


@pytest.fixture(autouse=True)
def _empty_cache() -> Iterator[None]:
    """Rate limits and sessions of one test must not reach the next."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    cache.key_prefix = f"giz-{worker}"
    yield
    _forget_own_keys()


def _forget_own_keys() -> None:
    """Not ``cache.clear()``: that empties the server, and with it the counters and sessions of the other workers."""
    client = cache._cache.get_client(None, write=True)  # type: ignore[attr-defined]
    for key in client.scan_iter(match=f"{cache.key_prefix}:*"):
        client.delete(key)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real galaxies, votes and standards."""
    folder = shared_folder() / "real"
    if not folder.is_dir():
        pytest.skip("the real galaxies and votes (../shared/real) are not beside this repository")
    return folder


def _person(role: str, email: str, **extra: Any) -> Any:
    from giz.accounts.models import User

    return User.objects.create_user(email, "correct horse battery", role=role, **extra)


@pytest.fixture
def alice(db: None) -> Any:
    """A volunteer."""
    return _person("volunteer", "alice@example.org")


@pytest.fixture
def bob(db: None) -> Any:
    """A member of staff (superuser)."""
    return _person("staff", "bob@example.org", is_superuser=True)


@pytest.fixture
def charlie(db: None) -> Any:
    """Another volunteer, a stranger to alice's work."""
    return _person("volunteer", "charlie@example.org")


def _client_of(user: Any) -> Client:
    client = Client()
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


@pytest.fixture
def alice_client(alice: Any) -> Client:
    return _client_of(alice)


@pytest.fixture
def bob_client(bob: Any) -> Client:
    return _client_of(bob)


@pytest.fixture
def charlie_client(charlie: Any) -> Client:
    return _client_of(charlie)
