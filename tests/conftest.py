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
from django.db import connections, transaction
from django.db.models.signals import post_migrate
from django.test import Client, TransactionTestCase, override_settings
from whitenoise.middleware import WhiteNoiseMiddleware

from giz.embedded.layout import DATABASE_RUNTIME_USER
from giz.embedded.roles import grant_runtime
from tests.fresh import remember_fresh_database, restore_fresh_database
from tests.hashing import QuickArgon2

pytest_plugins = ["tests.bucket"]

TESTS = Path(__file__).resolve().parent
REPOSITORY = TESTS.parent
TEMPLATE = "giz_template"
# Folders and modules that start servers, sites, browsers, workers or programs of their own, that train, or that make
# whole skies. Single tests of other modules that take long have the marker themselves.
SLOW = (
    "browser/",
    "embedded/",
    "front/",
    "training/",
    "architecture/test_floors.py",
    "catalog/test_fetch_whole.py",
    "catalog/test_import_surveys.py",
    "catalog/test_synthesize.py",
    "core/test_command.py",
    "core/test_faults.py",
    "core/test_headers.py",
    "core/test_mail.py",
    "core/test_redelivery.py",
    "core/test_safety.py",
    "dashboard/test_reports_by_worker.py",
    "imaging/test_decoder.py",
    "inference/test_bulk.py",
    "inference/test_hostile_uploads.py",
    "inference/test_the_loop.py",
    "lab/test_ship_model.py",
    "labeling/test_demo.py",
    "labeling/test_demo_renderers.py",
    "surveys/test_client.py",
)
# Modules of the browser that take minutes: they go before the others, so that no worker waits for one at the end.
LONG_IN_BROWSER = ("test_accessibility", "test_main_job", "test_no_vote_lost", "test_staff", "test_staff_training")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Import nothing that ``make test-fast`` leaves out: torch and Playwright alone take seconds in each worker."""
    if config.option.markexpr == "not slow" and TESTS in collection_path.parents:
        part = collection_path.relative_to(TESTS).as_posix()
        if f"{part}/".startswith(SLOW) or part.startswith(SLOW):
            return True
    return None


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> Iterator[None]:
    """Mark tests before ``-m`` selects, and order what is selected."""
    _mark_cases(config, items)
    for item in items:
        if _is_slow(item.path):
            item.add_marker("slow")
    yield
    _start_long_modules_first(items)


def _mark_cases(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Let ``pytest -m A12`` run the tests of abuse case A12 and ``-m F7`` those of fault case F7 (HARDENING.md)."""
    cases = {f"abuse A{n}" for n in range(1, 31)} | {f"fault F{n}" for n in range(1, 21)}
    for case in cases:
        config.addinivalue_line("markers", f"{case.split()[1]}: {case}")
    for item in items:
        for marker in item.iter_markers("finding"):
            for case in cases.intersection(marker.args):
                item.add_marker(case.split()[1])


def _is_slow(path: Path) -> bool:
    return path.relative_to(TESTS).as_posix().startswith(SLOW)


def _start_long_modules_first(items: list[pytest.Item]) -> None:
    """Have workers that take a module at a time end together: quick modules fill what is left after the long ones.

    Those of the browser come last: Playwright's event loop stays in its thread, where Django then refuses to work.
    """

    def turn(item: pytest.Item) -> int:
        if item.path.parent == TESTS / "browser":
            return 3 - (item.path.stem in LONG_IN_BROWSER)
        return 1 - _is_slow(item.path)

    items.sort(key=turn)


def shared_folder() -> Path:
    """The folder of real data beside the repository; a user's clone has none."""
    return Path(os.environ.get("GIZ_SHARED", REPOSITORY.parent / "shared"))


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_blocker: Any) -> None:
    """Migrate one template database (the first worker does it), from which each worker's database is cloned."""
    # A test that wants the network that came with GIZ registers it, in a folder of its own.
    post_migrate.disconnect(dispatch_uid="training.register_shipped", sender=apps.get_app_config("training"))
    database = settings.DATABASES["default"]
    # Tests make databases and empty tables, which takes the owner; the site runs as another role (test_roles.py).
    database["USER"] = settings.DATABASE_OWNER["USER"]
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
        migrate_and_grant()
    finally:
        connection.close()
        connection.close_pool()
        connection.settings_dict["NAME"] = usual_name


def migrate_and_grant() -> None:
    """Migrate this database and grant the site's role its rights, which ``migrate`` as the owner does not."""
    call_command("migrate", verbosity=0)
    connection = connections["default"]
    connection.ensure_connection()
    grant_runtime(connection.connection, DATABASE_RUNTIME_USER, owner=connection.settings_dict["USER"])


@pytest.fixture(autouse=True, scope="session")
def _quick_passwords() -> Iterator[None]:
    """Hash passwords with little work; tests/accounts/test_sign_up.py tries the site's own hasher."""
    quick = [f"{QuickArgon2.__module__}.{QuickArgon2.__qualname__}", *settings.PASSWORD_HASHERS[1:]]
    with override_settings(PASSWORD_HASHERS=quick):
        yield


@pytest.fixture(autouse=True, scope="session")
def _static_files_are_listed_once() -> Iterator[None]:
    """Share one list of the static files among all test clients; WhiteNoise would read the folders for each."""
    read = WhiteNoiseMiddleware.__init__
    first: dict[str, Any] = {}

    def share(self: WhiteNoiseMiddleware, get_response: Any = None) -> None:
        if not first:
            read(self, get_response)
            first.update(vars(self))
        vars(self).update(first, get_response=get_response)

    WhiteNoiseMiddleware.__init__ = share
    yield
    WhiteNoiseMiddleware.__init__ = read


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Have tests with transactions of their own leave the database as new."""
    with django_db_blocker.unblock():
        remember_fresh_database()
    flush = TransactionTestCase._fixture_teardown
    TransactionTestCase._fixture_teardown = restore_fresh_database
    yield
    TransactionTestCase._fixture_teardown = flush


@pytest.fixture(scope="module")
def module_rows(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Keep what fixtures of a module write until its end; each test gets a transaction within theirs.

    For modules whose tests neither commit nor read the time of the transaction.
    """
    with django_db_blocker.unblock(), transaction.atomic():
        yield
        transaction.set_rollback(True)


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


def person(role: str, email: str, **extra: Any) -> Any:
    from giz.accounts.models import User

    return User.objects.create_user(email, "correct horse battery", role=role, **extra)


@pytest.fixture
def alice(db: None) -> Any:
    """A volunteer."""
    return person("volunteer", "alice@example.org")


@pytest.fixture
def bob(db: None) -> Any:
    """A member of staff (superuser)."""
    return person("staff", "bob@example.org", is_superuser=True)


@pytest.fixture
def charlie(db: None) -> Any:
    """Another volunteer, a stranger to alice's work."""
    return person("volunteer", "charlie@example.org")


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
