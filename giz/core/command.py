"""The base of our commands (short help, a migrated database, errors in one sentence), and jobs run with a bar."""

import errno
import sys
from argparse import SUPPRESS, RawDescriptionHelpFormatter
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import OperationalError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from giz.core.database import missing_migrations
from giz.core.errors import Refused
from giz.core.jobs import run_job
from giz.core.models import Job, JobLogLine
from giz.core.words import counted

# Django adds these options to every command; they work, but the help does not list them.
DJANGO_OPTIONS = frozenset(
    {
        *("--version", "--verbosity", "--settings", "--pythonpath"),
        *("--traceback", "--no-color", "--force-color", "--skip-checks"),
    }
)


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]


# Errors of write(), which name no file.
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
MAX_LINES = 40


class GizCommand(BaseCommand):
    """The base of our commands; ``needs_database`` is False where a command only reads files."""

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
            if error.filename is not None:
                raise CommandError(f"{error.filename}: {error.strerror}") from error
            if error.errno in _FULL:
                raise CommandError(
                    f"The disk is full ({error.strerror}). Complete files are kept; free some space and run the "
                    "command again."
                ) from error
            raise

    def _prepare_database(self) -> None:
        """Migrate an embedded database; for one of DATABASE_URL only say what to do."""
        missing = missing_migrations()
        if not missing:
            return
        if settings.DATABASE_URL:
            raise CommandError(
                f"{missing} migrations of this version of GIZ have not been applied. Run `manage.py migrate` first."
            )
        self.stderr.write(f"Preparing the database ({missing} migrations) …", style_func=str)
        call_command("migrate", interactive=False, verbosity=0)


def run_job_with_bar(job: Job, *, title: str = "") -> Job:
    """Run the job in this process with a progress bar; after Ctrl-C it can be resumed."""
    console = Console(stderr=True)
    if job.attempt:
        place = f" ({job.progress_done:,} of {job.progress_total:,})" if job.progress_total else ""
        console.print(f"Resuming {job.kind} where it stopped{place}.")
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[message]}"),
    )
    try:
        with Progress(*columns, console=console, disable=not sys.stderr.isatty()) as bar:
            task = bar.add_task(title or job.kind.replace("_", " "), total=None, message="")
            finished = run_job(
                job, on_progress=lambda done, total, text: bar.update(task, completed=done, total=total, message=text)
            )
    except KeyboardInterrupt:
        raise CommandError("Stopped. Run the same command again to continue from here.", returncode=130) from None
    except Refused as error:
        print_job_log(console, job)
        raise CommandError(error.detail) from None
    print_job_log(console, finished)
    if finished.state == Job.State.CANCELLED:
        raise CommandError("Cancelled by staff. Run the same command again to start again.")
    return finished


def print_job_log(console: Console, job: Job) -> None:
    """Print the log of the job, at most MAX_LINES lines."""
    lines = list(JobLogLine.objects.filter(job=job)[: MAX_LINES + 1])
    for line in lines[:MAX_LINES]:
        style = {"warning": "yellow", "error": "red"}.get(line.level, "")
        console.print(line.text, style=style, markup=False, highlight=False)
    if len(lines) > MAX_LINES:
        total = JobLogLine.objects.filter(job=job).count()
        console.print(f"… and {counted(total - MAX_LINES, 'more line')}: see the job {job.id} on the staff page.")
