"""What ``manage.py`` wraps around every command: the embedded services, for as long as the command runs."""

import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from giz import env
from giz.embedded.errors import EmbeddedError
from giz.embedded.layout import Layout

# Commands that read no data; ``up`` manages the services itself.
COMMANDS_WITHOUT_SERVICES = frozenset(
    {
        "bench_aggregation",
        "check",
        "collectstatic",
        "compilemessages",
        "diffsettings",
        "findstatic",
        "help",
        "makemessages",
        "spectacular",
        "startapp",
        "startproject",
        "ship_model",
        "synthesize",
        "up",
        "version",
    }
)
QUIET_START_S = 1.0


def wanted_services(environ: Mapping[str, str]) -> list[str]:
    """The embedded servers that no setting replaces."""
    services = []
    if not environ.get("DATABASE_URL", "").strip():
        services.append("postgres")
    if not environ.get("CELERY_BROKER_URL", "").strip() or not environ.get("CACHE_URL", "").strip():
        services.append("valkey")
    return services


def needs_services(argv: Sequence[str]) -> bool:
    """Whether the command line ``argv`` (with the program's name first) reads or writes data."""
    words = argv[1:]
    if not words or words[0].startswith("-") or {"--help", "-h", "--version"} & set(words):
        return False
    if words[0] == "check":
        return any(word.startswith("--database") for word in words)
    return words[0] not in COMMANDS_WITHOUT_SERVICES


@contextmanager
def services_for_command(argv: Sequence[str]) -> Iterator[None]:
    """Have the embedded services up while the command ``argv`` runs.

    Commands running at the same time, ``manage.py up`` among them, share one set of servers; the last to leave ends it.
    """
    services = wanted_services(os.environ) if needs_services(argv) else []
    if not services:
        yield
        return
    # Imported here, for it needs Unix; with DATABASE_URL and CELERY_BROKER_URL set GIZ runs anywhere.
    from giz.embedded.holding import Services

    started = time.monotonic()
    held = Services(Layout(env.giz_home()), services)
    try:
        held.start()
    except EmbeddedError as error:
        raise SystemExit(f"{error.what}\n{error.way_out}") from None
    lasted_s = time.monotonic() - started
    if lasted_s > QUIET_START_S:
        sys.stderr.write(f"Started the embedded services for this command ({lasted_s:.1f} s).\n")
    try:
        yield
    finally:
        held.stop()
