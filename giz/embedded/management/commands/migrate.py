"""``manage.py migrate``: Django's, run as the owner of the tables; then the site's role gets its rights."""

import time
from argparse import SUPPRESS
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import psycopg
from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from django.core.management.commands import migrate
from django.db import OperationalError, connections
from django.db.backends.postgresql.base import DatabaseWrapper
from psycopg.errors import LockNotAvailable

from giz.embedded.roles import grant_runtime, has_role, make_role

_IDENTITY = ("HOST", "PORT", "NAME", "USER", "PASSWORD")
_LOCK = 0x61A8
LONGEST_WAIT = "10min"
# A change to a table waits for those who use it, and everybody else waits for the change.
LOCK_WAIT_MS, PAUSE_S, TRIES = 1_500, 3.0, 40


@contextmanager
def as_owner(alias: str = "default") -> Iterator[None]:
    """Connect this process as the owner of the tables (DATABASE_OWNER_URL, or the embedded server's)."""
    wrapper = cast("DatabaseWrapper", connections[alias])
    usual = {name: wrapper.settings_dict[name] for name in _IDENTITY}
    if not settings.DATABASE_OWNER or settings.DATABASE_OWNER["USER"] == usual["USER"]:
        yield
        return
    _connect_as(wrapper, settings.DATABASE_OWNER)
    try:
        yield
    finally:
        _connect_as(wrapper, usual)


def rights_grant(alias: str = "default") -> None:
    """Create the role that runs the site where it does not exist, and grant it its rights on every table."""
    wrapper = cast("DatabaseWrapper", connections[alias])
    role, password = wrapper.settings_dict["USER"], wrapper.settings_dict["PASSWORD"]
    if not settings.DATABASE_OWNER or settings.DATABASE_OWNER["USER"] == role:
        return
    with as_owner(alias):
        wrapper.ensure_connection()
        connection = cast("psycopg.Connection", wrapper.connection)
        try:
            if password or not has_role(connection, role):
                make_role(connection, role, password)
        except psycopg.errors.InsufficientPrivilege:
            if not has_role(connection, role):
                raise CommandError(
                    f"The role {role} of DATABASE_URL does not exist, and {settings.DATABASE_OWNER['USER']} may not "
                    f"create it. As an administrator of the database: CREATE ROLE {role} LOGIN PASSWORD '…';"
                ) from None
        grant_runtime(connection, role, owner=settings.DATABASE_OWNER["USER"])


def _connect_as(wrapper: DatabaseWrapper, identity: dict[str, Any]) -> None:
    wrapper.close()
    wrapper.close_pool()
    wrapper.settings_dict.update(identity)


class Command(migrate.Command):
    help = (
        "Migrate the database to this version, as the owner of its tables (DATABASE_OWNER_URL); then grant the "
        "role in DATABASE_URL, which runs the site, its rights. That role is created if it does not exist."
    )
    # Django's own options would drown these; giz.core.command does the same for our other commands.
    suppressed_base_arguments = {
        *("--version", "--verbosity", "--settings", "--pythonpath", "--traceback", "--no-color", "--force-color")
    }

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        for action in parser._actions:
            if "--skip-checks" in action.option_strings:
                action.help = SUPPRESS

    def execute(self, *args: Any, **options: Any) -> Any:
        if not _changes_nothing(options):
            # Before the system checks, which connect as the site's role, and before the tables are changed, so that
            # the role can read those which an interrupted run leaves.
            rights_grant(options["database"])
        return super().execute(*args, **options)

    def handle(self, *args: Any, **options: Any) -> None:
        alias = options["database"]
        if _changes_nothing(options):
            super().handle(*args, **options)
            return
        with as_owner(alias), _one_at_a_time(alias):
            self._migrate_beside_others(*args, **options)
        # Again, for the rights on each new table.
        rights_grant(alias)

    def _migrate_beside_others(self, *args: Any, **options: Any) -> None:
        """Wait only briefly for a table in use, then let the others pass and retry, so that voting goes on."""
        for attempt in range(1, TRIES + 1):
            try:
                super().handle(*args, **options)
                return
            except OperationalError as error:
                if not isinstance(error.__cause__, LockNotAvailable):
                    raise
            if attempt == 1:
                self.stderr.write(
                    "A table is in use by a long statement. Retrying every few seconds; voting continues.",
                    style_func=str,
                )
            time.sleep(PAUSE_S)
        raise CommandError(
            "Migration stopped: a table is in use by a long statement (a dump, for example). Wait until it has ended, "
            "then run `manage.py migrate` again; completed migrations stay applied."
        )


def _changes_nothing(options: dict[str, Any]) -> bool:
    return bool(options["plan"] or options["check_unapplied"])


@contextmanager
def _one_at_a_time(alias: str) -> Iterator[None]:
    """Hold a lock, so that of two commands started at once the second finds the tables created."""
    connection = connections[alias]
    with connection.cursor() as cursor:
        cursor.execute(f"SET lock_timeout = '{LONGEST_WAIT}'")
        cursor.execute(f"SET statement_timeout = '{LONGEST_WAIT}'")
        cursor.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
        # A migration may take long to build an index on a large table, but not to wait for a lock.
        cursor.execute(f"SET lock_timeout = '{LOCK_WAIT_MS}ms'")
        cursor.execute("SET statement_timeout = 0")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("RESET lock_timeout")
            cursor.execute("RESET statement_timeout")
            cursor.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])
