"""The whole site in one terminal: what ``manage.py up`` starts, and in which order."""

import errno
import os
import shutil
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from giz.embedded.addresses import LOOPBACKS, WILDCARDS, in_url
from giz.embedded.errors import EmbeddedError
from giz.embedded.layout import Layout
from giz.embedded.locks import only_site
from giz.embedded.logs import PartLog
from giz.embedded.service import Part, answers_http, has_printed
from giz.embedded.shared import SharedServer
from giz.embedded.supervisor import Restarter, Say, StopRequestedError, Supervisor
from giz.embedded.terminal import JobFollower, Reader, Terminal
from giz.env import BASE_DIR

# Celery warns about running as root and the like, which is of no use to somebody who only starts the site.
QUIET_PYTHON = {"PYTHONUNBUFFERED": "1", "PYTHONWARNINGS": "ignore::UserWarning,ignore::RuntimeWarning"}
# Threads that share two heaps take 15 MB less than threads with one each (glibc only).
FEW_ARENAS = {"MALLOC_ARENA_MAX": "2"}
# Only HTTP/1: with the choice of a version, a silent connection would not be closed after 30 s. A slow reader or an
# open page costs a connection, so many are allowed.
WEB_OPTIONS = (
    *("--interface", "rsgi", "--http", "1", "--no-ws", "--http1-header-read-timeout", "30000"),
    *("--backlog", "1024", "--backpressure", "4000", "--respawn-failed-workers", "--log-level", "warning"),
)


@dataclass(frozen=True)
class SiteOptions:
    """What the command line chooses."""

    host: str = "127.0.0.1"
    port: int = 8000
    web_workers: int = 2
    web_threads: int | None = None
    worker_concurrency: int = 2
    queues: tuple[str, ...] = ("default",)
    votes_queue: str = "votes"
    trainer_queues: tuple[str, ...] = ()
    # The address for on other machines, if they can reach this one.
    others_open: str = ""

    @property
    def address(self) -> str:
        shown = "localhost" if self.host in (*LOOPBACKS, *WILDCARDS) else self.host
        return f"http://{in_url(shown)}:{self.port}"


@dataclass(frozen=True)
class SiteSteps:
    """The steps between the parts that need Django; they come from the command.

    ``prepare`` migrates the database and returns the lines for the box at the end (the staff login), as pairs of name
    and value; ``fill`` queues the demo sky where there is no campaign yet; ``read_jobs`` reads the rows of running
    jobs; ``close`` closes the database connections before the database stops.
    """

    prepare: Callable[[Say], list[tuple[str, str]]]
    fill: Callable[[Say], None]
    read_jobs: Reader
    close: Callable[[], None]
    environment: dict[str, str] = field(default_factory=dict)


def check_port(host: str, port: int) -> None:
    """Raise where ``host:port`` can't be bound; the web server would silently share a port in use."""
    other = port + 1 if port < 65535 else port - 1
    try:
        family, kind, protocol, _name, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except socket.gaierror as error:
        raise EmbeddedError(f"The host {host!r} is not known ({error.strerror}).", "Try --host 127.0.0.1") from None
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise EmbeddedError(
                f"Port {port} on {host} is in use by another program.",
                f"Choose another one: make run PORT={other}   (or: manage.py up --port {other})",
            ) from None
        if error.errno == errno.EACCES:
            raise EmbeddedError(
                f"Port {port} may only be opened by root.", "Choose one above 1023: make run PORT=8000"
            ) from None
        raise EmbeddedError(f"{host}:{port} can't be opened ({error.strerror}).", "Try --host 127.0.0.1") from None


def web_part(options: SiteOptions, environment: dict[str, str]) -> Part:
    """granian serving the site; it restarts a worker that dies."""
    argv = (
        *(sys.executable, "-m", "granian", *WEB_OPTIONS, "--host", options.host, "--port", str(options.port)),
        *("--workers", str(options.web_workers), "--respawn-interval", "0.5", "--workers-kill-timeout", "2"),
        "giz.rsgi:application",
    )
    ready = answers_http(options.host, options.port, "/healthz")
    threads = {"WEB_THREADS": str(options.web_threads)} if options.web_threads else {}
    return Part("web", argv, ready, env={**FEW_ARENAS, **environment, **threads}, cwd=BASE_DIR)


def worker_part(options: SiteOptions, environment: dict[str, str]) -> Part:
    words = ("--concurrency", str(options.worker_concurrency), "--queues", ",".join(options.queues))
    return _celery_worker("worker", environment, *words)


def votes_part(options: SiteOptions, environment: dict[str, str]) -> Part:
    """A worker for the short tasks that voting waits for: one process without a pool, to save memory."""
    return _celery_worker(
        "votes", environment, "--hostname", "votes@%h", "--pool", "solo", "--queues", options.votes_queue
    )


def trainer_part(options: SiteOptions, environment: dict[str, str]) -> Part:
    """A worker for jobs that take hours, one at a time and at low priority."""
    nice = shutil.which("nice")
    words = ("--hostname", "trainer@%h", "--concurrency", "1", "--queues", ",".join(options.trainer_queues))
    return _celery_worker("trainer", environment, *words, before=(nice, "-n", "10") if nice else ())


def _celery_worker(name: str, environment: dict[str, str], *words: str, before: tuple[str, ...] = ()) -> Part:
    argv = (
        *(*before, sys.executable, "-m", "celery", "--app", "giz", "--quiet", "worker", "--loglevel", "INFO"),
        *(*words, "--without-gossip", "--without-mingle"),
    )
    return Part(name, argv, has_printed(" ready."), env=environment, cwd=BASE_DIR)


def beat_part(environment: dict[str, str]) -> Part:
    argv = (sys.executable, "-m", "celery", "--app", "giz", "--quiet", "beat", "--loglevel", "INFO", "--pidfile=")
    return Part("beat", argv, has_printed("beat: Starting"), env=environment, cwd=BASE_DIR, grace_s=0.8)


class Site:
    """Starts the site, keeps it running and stops it."""

    def __init__(
        self, layout: Layout, options: SiteOptions, steps: SiteSteps, *, services: list[str], terminal: Terminal
    ) -> None:
        self._layout = layout
        self._options = options
        self._steps = steps
        self._services = services
        self._terminal = terminal
        self._supervisor = Supervisor()
        self._jobs = JobFollower(steps.read_jobs)

    def run(self) -> None:
        """Return when somebody has asked to stop and everything has ended; raise EmbeddedError where it can't run."""
        self._layout.make()
        with only_site(self._layout, self._options.address), self._supervisor.stopping_on_signals():
            check_port(self._options.host, self._options.port)
            try:
                self._start()
                self._supervisor.watch(lambda: self._terminal.show_jobs(self._jobs.take()))
            except StopRequestedError:
                pass
            finally:
                self._stop()

    def _start(self) -> None:
        started = time.monotonic()
        self._terminal.say("Starting …")
        environment = {**QUIET_PYTHON, **os.environ, **self._steps.environment}
        for service in self._services:
            server = SharedServer(self._layout, service, say=self._terminal.say, show_line=self._terminal.part_line)
            self._supervisor.start(server, wait=False)
        self._supervisor.wait_ready()
        shown = self._steps.prepare(self._terminal.say)
        self._start_part(web_part(self._options, environment), wait=True)
        self._start_part(worker_part(self._options, environment))
        self._start_part(votes_part(self._options, environment))
        self._start_part(beat_part(environment))
        if self._options.trainer_queues:
            self._start_part(trainer_part(self._options, environment))
        self._terminal.box(
            f"GIZ is up after {time.monotonic() - started:.1f} s",
            [
                ("Open", self._options.address),
                *([("For others", self._options.others_open)] if self._options.others_open else []),
                *shown,
                ("Data and logs", short_path(self._layout.home)),
                ("Stop", "Ctrl-C"),
            ],
        )
        self._steps.fill(self._terminal.say)
        self._jobs.start()

    def _start_part(self, part: Part, *, wait: bool = False) -> None:
        log = PartLog(self._layout.logs, part.name)
        restarter = Restarter(part, log=log, say=self._terminal.say, show_line=self._terminal.part_line)
        self._supervisor.start(restarter, wait=wait)

    def _stop(self) -> None:
        self._jobs.stop()
        self._terminal.close()
        self._terminal.say("Stopping …")
        started = time.monotonic()
        self._steps.close()
        self._supervisor.stop()
        self._terminal.say(f"Stopped in {time.monotonic() - started:.1f} s.")


def short_path(folder: Path) -> str:
    """Return the folder relative to the current one, where it lies inside."""
    here = Path.cwd()
    return str(folder.relative_to(here)) if folder.is_relative_to(here) and folder != here else str(folder)


def frontend_hint(document: Path) -> str:
    """Return a message where the pages have not been built."""
    return "" if document.exists() else "The pages are not built yet: make install builds them (the API works without)."
