"""``manage.py up``: the whole site on this machine, database and broker included."""

import gc
import io
import os
from argparse import ArgumentTypeError
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.management import call_command, get_commands
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import OperationalError, connection, connections
from django.db.backends.postgresql.base import DatabaseWrapper
from django.db.migrations.executor import MigrationExecutor

from giz.embedded.addresses import LOOPBACKS, WILDCARDS, in_url, own_addresses, own_names
from giz.embedded.errors import EmbeddedError
from giz.embedded.layout import Layout
from giz.embedded.management.commands.migrate import as_owner
from giz.embedded.session import wanted_services
from giz.embedded.site import Site, SiteOptions, SiteSteps, frontend_hint, short_path
from giz.embedded.supervisor import Say
from giz.embedded.terminal import JobProgress, Terminal

RUNNING_STATES = ("queued", "running")
JOB_TITLES = {"demo": "Demo sky"}


def number_between(lowest: int, highest: int) -> Callable[[str], int]:
    """Return an argument type for whole numbers of a range."""

    def parse(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            raise ArgumentTypeError(f"must be a whole number, not {text!r}") from None
        if not lowest <= value <= highest:
            raise ArgumentTypeError(f"must lie between {lowest} and {highest}, not {value}")
        return value

    return parse


class Command(BaseCommand):
    help = (
        "Start the whole site in this terminal: database, broker, web server, worker and scheduler. The first "
        "start creates the database, a staff login and a demo sky. Ctrl-C shuts everything down. Set DATABASE_URL "
        "and CELERY_BROKER_URL to use your own servers instead of the embedded ones, and GIZ_HOME to keep the "
        "data elsewhere."
    )
    requires_system_checks = []
    # Django's own options would drown ours; giz.core.command does the same for the other commands.
    suppressed_base_arguments = {
        *("--version", "--settings", "--pythonpath", "--traceback", "--no-color", "--force-color")
    }

    def add_arguments(self, parser: CommandParser) -> None:
        cores = os.cpu_count() or 1
        port = number_between(1, 65535)
        some = number_between(1, 64)
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
        parser.add_argument("--port", type=port, default=8000, help="port to listen on (default: %(default)s)")
        parser.add_argument("--web-workers", type=some, default=2, help="web processes (default: %(default)s)")
        parser.add_argument(
            "--worker-concurrency", type=some, default=min(cores, 4), help="jobs at a time (default: %(default)s here)"
        )
        parser.add_argument("--no-demo", action="store_true", help="do not fill an empty database with the demo sky")

    def handle(self, *_args: Any, **options: Any) -> None:
        layout = Layout(settings.GIZ_HOME)
        terminal = Terminal(verbose=options["verbosity"] > 1)
        queues, trainer_queues = shared_queues(has_torch=find_spec("torch") is not None)
        site_options = SiteOptions(
            host=options["host"],
            port=options["port"],
            web_workers=options["web_workers"],
            worker_concurrency=options["worker_concurrency"],
            queues=queues,
            votes_queue=settings.VOTES_QUEUE,
            trainer_queues=trainer_queues,
            others_open=address_for_others(options["host"], options["port"]),
        )
        if settings.DEBUG and site_options.others_open:
            raise CommandError(
                "DEBUG shows code and settings to everybody who can open the site. Unset it, or do not use --host."
            )
        environment = part_environment(options["host"], options["port"])
        # Settings were read before the port was known, and this process prints addresses.
        settings.SITE_URL = environment.get("SITE_URL", settings.SITE_URL)
        steps = SiteSteps(
            prepare=prepare,
            fill=(lambda _say: None) if options["no_demo"] else queue_demo,
            read_jobs=read_jobs,
            close=close_connections,
            environment=environment,
        )
        hint = frontend_hint(Path(settings.FRONTEND_DIST) / "index.html")
        if hint:
            terminal.say(hint)
        try:
            Site(layout, site_options, steps, services=wanted_services(os.environ), terminal=terminal).run()
        except EmbeddedError as error:
            raise CommandError(str(error)) from None
        except OperationalError as error:
            raise CommandError(
                f"The database can't be reached: {str(error).strip()}\n"
                "Check DATABASE_URL, or unset it to use the embedded PostgreSQL."
            ) from None
        finally:
            # Without the interpreter's last garbage collection, which takes a second after Ctrl-C.
            gc.freeze()


def worker_queues() -> tuple[str, ...]:
    """Return the queues of tasks and jobs, except those that have a worker of their own."""
    routes = {route["queue"] for route in settings.CELERY_TASK_ROUTES.values()}
    wanted = {settings.CELERY_TASK_DEFAULT_QUEUE, *routes, *settings.JOB_QUEUES.values()}
    return tuple(sorted(wanted - {*settings.LONG_QUEUES, settings.VOTES_QUEUE}))


def shared_queues(*, has_torch: bool) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the queues of the worker and of the trainer. Without torch the worker refuses trainings at once."""
    if has_torch:
        return worker_queues(), settings.LONG_QUEUES
    return (*worker_queues(), *settings.LONG_QUEUES), ()


def part_environment(host: str, port: int) -> dict[str, str]:
    """Return the settings that follow from the chosen address and are not set already."""
    environment = {}
    if not os.environ.get("SITE_URL"):
        environment["SITE_URL"] = address_for_others(host, port) or f"http://localhost:{port}"
    if not os.environ.get("ALLOWED_HOSTS") and host not in LOOPBACKS:
        others = [*own_names(), *own_addresses()] if host in WILDCARDS else [host]
        environment["ALLOWED_HOSTS"] = ",".join(["localhost", "127.0.0.1", "[::1]", *map(in_url, others)])
    return environment


def address_for_others(host: str, port: int) -> str:
    """Return the address for other machines; empty where the site listens only to this one."""
    if host in LOOPBACKS:
        return ""
    if host not in WILDCARDS:
        return f"http://{in_url(host)}:{port}"
    reached = [address for address in own_addresses() if host == "::" or ":" not in address] or own_names()
    return f"http://{in_url(reached[0])}:{port}" if reached else ""


def prepare(say: Say) -> list[tuple[str, str]]:
    """Migrate the database and create the staff login; return the lines about it for the box."""
    Path(settings.STATIC_ROOT).mkdir(parents=True, exist_ok=True)
    with as_owner():
        # As the owner: before the first migration the site's own role may not exist or may see no table.
        executor = MigrationExecutor(connection)
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if missing:
        say(f"Migrating the database ({len(missing)} migrations) …")
        call_command("migrate", interactive=False, verbosity=0)
    if "models" in get_commands():
        # A newer GIZ may ship a newer network without any migration.
        call_command("models", "--shipped", stdout=io.StringIO())
    if "ensure_staff" not in get_commands():
        return []
    printed = io.StringIO()
    call_command("ensure_staff", "--print", stdout=printed)
    login = printed.getvalue().strip().removeprefix("Staff login:").strip()
    who, _at, where = login.partition("  at ")
    email, _word, password = who.partition("  password: ")
    todo = "log in and choose your own password" if password else ""
    named = (("Staff pages", where), ("Staff login", email), ("Password", password), ("First of all", todo))
    writes_mails = settings.EMAIL_BACKEND == "giz.core.mail.FolderBackend"
    mails = [("E-mails are written to", short_path(Path(settings.GIZ_HOME) / "mail"))] if writes_mails else []
    return [*((name, value) for name, value in named if value), *mails]


def queue_demo(say: Say) -> None:
    """Queue the demo sky where there is no campaign yet; the worker makes it while the site runs."""
    if "demo" not in get_commands() or apps.get_model("labeling", "Campaign").objects.exists():
        return
    say("A demo sky is being created. You can judge its first galaxies in a few seconds; the rest will follow.")
    call_command("demo", "--background", stdout=io.StringIO())


class JobReader:
    """Reads the running jobs, and once more each that has ended since."""

    def __init__(self) -> None:
        self._running: set[str] = set()

    def __call__(self) -> list[JobProgress]:
        jobs = apps.get_model("core", "Job").objects
        fields = ("id", "kind", "state", "progress_done", "progress_total", "message")
        try:
            running = list(jobs.filter(state__in=RUNNING_STATES).order_by("created_at").values(*fields)[:5])
            ended = list(jobs.filter(id__in=self._running - {str(row["id"]) for row in running}).values(*fields))
        except OperationalError:
            # The database is restarting; the next call finds it again.
            return []
        finally:
            connection.close()
        self._running = {str(row["id"]) for row in running}
        return [
            JobProgress(
                key=str(row["id"]),
                title=JOB_TITLES.get(row["kind"], row["kind"].replace("_", " ").capitalize()),
                state=row["state"],
                done=row["progress_done"],
                total=row["progress_total"],
                message=row["message"],
            )
            for row in [*running, *ended]
        ]


read_jobs = JobReader()


def close_connections() -> None:
    """Close every connection of this process: one that has lost its server would delay our end by seconds."""
    for wrapper in connections.all(initialized_only=True):
        wrapper.close()
        if isinstance(wrapper, DatabaseWrapper):
            wrapper.close_pool()
