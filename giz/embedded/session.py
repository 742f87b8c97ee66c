"""The embedded services around each command of ``manage.py``, for as long as it runs."""

import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager

from giz import env
from giz.embedded.errors import EmbeddedError
from giz.embedded.layout import Layout

# Commands that read no data; ``up`` manages the services itself.
COMMANDS_WITHOUT_SERVICES = frozenset(
    {
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
        "synthesize",
        "up",
        "version",
    }
)
QUIET_START_S = 1.0


def wanted_services(environ: Mapping[str, str]) -> list[str]:
    """Return the embedded servers that no setting replaces."""
    services = []
    if not environ.get("DATABASE_URL", "").strip():
        services.append("postgres")
    if not environ.get("CELERY_BROKER_URL", "").strip() or not environ.get("CACHE_URL", "").strip():
        services.append("valkey")
    return services


def needs_services(argv: Sequence[str]) -> bool:
    """Return whether the command line ``argv`` (program name first) reads or writes data."""
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
    # Imported here because it needs Unix; with DATABASE_URL and CELERY_BROKER_URL set GIZ runs anywhere.
    from giz.embedded.shared import shared_servers

    started = time.monotonic()
    with ExitStack() as stack:
        try:
            stack.enter_context(shared_servers(Layout(env.giz_home()), services))
        except EmbeddedError as error:
            raise SystemExit(str(error)) from None
        elapsed_s = time.monotonic() - started
        if elapsed_s > QUIET_START_S:
            sys.stderr.write(f"Started the embedded services for this command ({elapsed_s:.1f} s).\n")
        yield
