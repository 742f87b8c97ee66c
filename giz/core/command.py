"""The base of our own commands: help without Django's options, a prepared database, refusals in one sentence."""

from argparse import SUPPRESS, RawDescriptionHelpFormatter
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import OperationalError, connection
from django.db.migrations.executor import MigrationExecutor

from giz.core.errors import Refused

# Django gives these to every command; they work, but who asks for help wants to read about the command.
DJANGO_OPTIONS = frozenset(
    {
        *("--version", "--verbosity", "--settings", "--pythonpath"),
        *("--traceback", "--no-color", "--force-color", "--skip-checks"),
    }
)
_MIGRATION_LOCK = 0x61A8


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]


class GizCommand(BaseCommand):
    """What each command of ours shares; ``needs_database`` is False where a command reads files alone."""

    needs_database = True

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        if "\n" in self.help:
            kwargs.setdefault("formatter_class", RawDescriptionHelpFormatter)
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        for action in parser._actions:
            if DJANGO_OPTIONS.intersection(action.option_strings):
                action.help = SUPPRESS
        return parser

    def execute(self, *args: Any, **options: Any) -> str | None:
        try:
            if self.needs_database:
                self._prepare_database()
            return super().execute(*args, **options)
        except Refused as error:
            raise CommandError(error.detail) from None
        except OperationalError as error:
            raise CommandError(f"The database does not answer: {_first_line(error)}") from error
        except OSError as error:
            if error.filename is None:
                raise
            raise CommandError(f"{error.filename}: {error.strerror}") from error

    def _prepare_database(self) -> None:
        """Bring an embedded database to the schema of this version; where somebody deploys, only say what to do."""
        missing = _missing_migrations()
        if not missing:
            return
        if settings.DATABASE_URL:
            raise CommandError(
                f"The database lacks {missing} migrations of this version of GIZ. Run `manage.py migrate` first."
            )
        with connection.cursor() as cursor:
            # Two commands that begin at once must not both make the tables.
            cursor.execute("SELECT pg_advisory_lock(%s)", [_MIGRATION_LOCK])
        try:
            missing = _missing_migrations()
            if missing:
                self.stderr.write(f"Preparing the database ({missing} migrations) …", style_func=str)
                call_command("migrate", interactive=False, verbosity=0)
        finally:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [_MIGRATION_LOCK])


def _missing_migrations() -> int:
    executor = MigrationExecutor(connection)
    return len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
