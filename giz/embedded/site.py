"""The whole site in one terminal: what ``manage.py up`` starts, in which order, and what it says about it."""

import errno
import json
import os
import shutil
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from giz.embedded.errors import EmbeddedError
from giz.embedded.layout import Layout
from giz.embedded.locks import FileLock
from giz.embedded.part import Part, PartRunner, Say, answers_http, has_said
from giz.embedded.servicepart import ServiceRunner
from giz.embedded.supervisor import StopRequestedError, Supervisor
from giz.embedded.terminal import JobFollower, Reader, Terminal
from giz.env import BASE_DIR

# Celery warns whoever runs it as root, and the like: of no use to somebody who only starts the site.
QUIET_PYTHON = {"PYTHONUNBUFFERED": "1", "PYTHONWARNINGS": "ignore::UserWarning,ignore::RuntimeWarning"}
# Threads that share two heaps hold 15 MB less than threads with one each (glibc; others pay no heed).
FEW_ARENAS = {"MALLOC_ARENA_MAX": "2"}


@dataclass(frozen=True)
class SiteOptions:
    """What the command line chooses."""

    host: str = "127.0.0.1"
    port: int = 8000
    web_workers: int = 2
    web_threads: int = 4
    worker_concurrency: int = 2
    queues: tuple[str, ...] = ("default",)
    trainer_queues: tuple[str, ...] = ()

    @property
    def address(self) -> str:
        local = ("127.0.0.1", "::1", "0.0.0.0", "::")  # noqa: S104
        shown = "localhost" if self.host in local else self.host
        return f"http://{f'[{shown}]' if ':' in shown else shown}:{self.port}"


@dataclass(frozen=True)
class SiteSteps:
    """What happens between the parts; each is Django's business and comes from the command.

    ``prepare`` brings the database to the newest schema and answers the named lines that the closing box shows (the
    staff login); ``fill`` queues the demo sky where there is nothing yet; ``read_jobs`` reads the rows of running jobs;
    ``close`` lets go of the database before it ends.
    """

    prepare: Callable[[Say], list[tuple[str, str]]]
    fill: Callable[[Say], None]
    read_jobs: Reader
    close: Callable[[], None]
    environment: dict[str, str] = field(default_factory=dict)


class OnlyOne:
    """The lock that lets one ``up`` run per GIZ_HOME, with a note for the second one."""

    def __init__(self, layout: Layout, address: str) -> None:
        self._lock = FileLock(layout.up_lock)
        self._address = address
        self._home = layout.home

    def __enter__(self) -> Self:
        if not self._lock.take():
            note = _read_note(self._lock)
            raise EmbeddedError(
                f"GIZ is already running for {self._home}: {note.get('address', 'its address is not known yet')} "
                f"(process {note.get('pid', '?')}).",
                f"Use that one, stop it with Ctrl-C in its terminal or: kill {note.get('pid', 'PID')}; "
                "a second site needs its own data folder (GIZ_HOME) and port.",
            )
        self._lock.write(json.dumps({"pid": os.getpid(), "address": self._address}))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lock.write("")
        self._lock.release()


def _read_note(lock: FileLock) -> dict[str, str]:
    try:
        return dict(json.loads(lock.read() or "{}"))
    except ValueError:
        return {}


def running_address(home: Path) -> str | None:
    """Return where the site of this data folder answers, if ``manage.py up`` runs for it."""
    lock = FileLock(Layout(home).up_lock)
    return None if lock.is_free() else _read_note(lock).get("address")


def check_port(host: str, port: int) -> None:
    """Raise where ``host:port`` can't be bound; the web server itself would share a used port silently."""
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
    """granian serving WSGI; its workers are started anew where one dies."""
    argv = (
        *(sys.executable, "-m", "granian", "--interface", "wsgi", "--host", options.host, "--port", str(options.port)),
        *("--workers", str(options.web_workers), "--blocking-threads", str(options.web_threads)),
        *("--respawn-failed-workers", "--respawn-interval", "0.5", "--workers-kill-timeout", "2", "--no-ws"),
        *("--log-level", "warning", "giz.wsgi:application"),
    )
    ready = answers_http(options.host, options.port, "/healthz")
    return Part("web", argv, ready, env={**FEW_ARENAS, **environment}, cwd=BASE_DIR, grace_s=1.5)


def worker_part(options: SiteOptions, environment: dict[str, str]) -> Part:
    argv = (
        *(sys.executable, "-m", "celery", "--app", "giz", "--quiet", "worker", "--loglevel", "INFO"),
        *("--concurrency", str(options.worker_concurrency), "--queues", ",".join(options.queues)),
        *("--without-gossip", "--without-mingle"),
    )
    return Part("worker", argv, has_said(" ready."), env=environment, cwd=BASE_DIR, grace_s=1.5)


def trainer_part(options: SiteOptions, environment: dict[str, str]) -> Part:
    """A worker for work of hours, one at a time and behind everybody else where the cores are few."""
    nice = shutil.which("nice")
    argv = (
        *((nice, "-n", "10") if nice else ()),
        *(sys.executable, "-m", "celery", "--app", "giz", "--quiet", "worker", "--loglevel", "INFO"),
        *("--hostname", "trainer@%h", "--concurrency", "1", "--queues", ",".join(options.trainer_queues)),
        *("--without-gossip", "--without-mingle"),
    )
    return Part("trainer", argv, has_said(" ready."), env=environment, cwd=BASE_DIR, grace_s=1.5)


def beat_part(environment: dict[str, str]) -> Part:
    argv = (sys.executable, "-m", "celery", "--app", "giz", "--quiet", "beat", "--loglevel", "INFO", "--pidfile=")
    return Part("beat", argv, has_said("beat: Starting"), env=environment, cwd=BASE_DIR, grace_s=0.8)


class Site:
    """Brings the site up, keeps it up, takes it down."""

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
        """Return when somebody asked to stop and everything has ended; raise EmbeddedError where it can't go on."""
        self._layout.make()
        with OnlyOne(self._layout, self._options.address), self._supervisor.stopping_on_signals():
            check_port(self._options.host, self._options.port)
            try:
                self._start()
                self._supervisor.watch([lambda: self._terminal.show_jobs(self._jobs.take())])
            except StopRequestedError:
                pass
            finally:
                self._stop()

    def _start(self) -> None:
        started = time.monotonic()
        self._terminal.say("Starting …")
        environment = {**QUIET_PYTHON, **os.environ, **self._steps.environment}
        for service in self._services:
            runner = ServiceRunner(self._layout, service, show_line=self._terminal.part_line, say=self._terminal.say)
            self._supervisor.start(runner, wait=False)
        self._supervisor.wait_ready()
        shown = self._steps.prepare(self._terminal.say)
        self._supervisor.start(self._runner(web_part(self._options, environment)))
        self._supervisor.start(self._runner(worker_part(self._options, environment)), wait=False)
        self._supervisor.start(self._runner(beat_part(environment)), wait=False)
        if self._options.trainer_queues:
            self._supervisor.start(self._runner(trainer_part(self._options, environment)), wait=False)
        self._terminal.box(
            f"GIZ is up after {time.monotonic() - started:.1f} s",
            [
                ("Open", self._options.address),
                *shown,
                ("Data and logs", short_path(self._layout.home)),
                ("Stop", "Ctrl-C"),
            ],
        )
        self._steps.fill(self._terminal.say)
        self._jobs.start()

    def _runner(self, part: Part) -> PartRunner:
        return PartRunner(
            part, log_folder=self._layout.logs, show_line=self._terminal.part_line, say=self._terminal.say
        )

    def _stop(self) -> None:
        self._jobs.stop()
        self._terminal.close()
        self._terminal.say("Stopping …")
        started = time.monotonic()
        self._steps.close()
        self._supervisor.stop()
        self._terminal.say(f"Stopped in {time.monotonic() - started:.1f} s.")


def short_path(folder: Path) -> str:
    """The folder as somebody in the current one would name it."""
    here = Path.cwd()
    return str(folder.relative_to(here)) if folder.is_relative_to(here) and folder != here else str(folder)


def frontend_hint(document: Path) -> str:
    """A word for those who have not built the pages."""
    return "" if document.exists() else "The pages are not built yet: make install builds them (the API works without)."
