"""The process that owns one embedded server for as long as anybody uses it.

``python -m giz.embedded.keeper postgres /path/of/GIZ_HOME`` is started by the first command that needs the server
(holding.py). Every user holds a shared lock on ``<service>.users``; the keeper waits for the exclusive one, which the
kernel grants when the last user has left or died. It restarts a server that dies. Were the keeper itself killed, its
watchdog ends the server and the next user starts another keeper.
"""

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from giz.embedded.binaries import find_postgres
from giz.embedded.child import describe_exit
from giz.embedded.errors import EmbeddedError, unwritable
from giz.embedded.layout import Layout
from giz.embedded.locks import FileLock
from giz.embedded.logs import PartLog
from giz.embedded.postgres import PostgresServer
from giz.embedded.valkey import ValkeyServer

SERVICES = ("postgres", "valkey")
TITLES = {"postgres": "PostgreSQL", "valkey": "Valkey"}
LOG_NAMES = {"postgres": "database", "valkey": "broker"}
MAX_QUICK_FAILURES = 5
# A server that ran this long before it died was healthy: its next failure counts as the first.
HEALTHY_S = 30.0


class Server(Protocol):
    def start(self) -> None: ...
    def stop(self) -> None: ...
    def poll(self) -> int | None: ...
    def tail(self) -> list[str]: ...


class Marks:
    """The locks and the status file by which keeper and users of one service find each other."""

    def __init__(self, layout: Layout, service: str) -> None:
        self.users = FileLock(layout.run / f"{service}.users")
        self.keeper = FileLock(layout.run / f"{service}.keeper")
        self._status = layout.run / f"{service}.status"

    def tell(self, state: str, what: str = "", way_out: str = "") -> None:
        """Write the status so that a reader sees the old or the new one, never a half."""
        draft = self._status.with_suffix(f".{os.getpid()}")
        draft.write_text(json.dumps({"pid": os.getpid(), "state": state, "what": what, "way_out": way_out}))
        draft.replace(self._status)

    def status(self) -> dict[str, str]:
        try:
            return dict(json.loads(self._status.read_text()))
        except (FileNotFoundError, ValueError):
            return {}

    def is_ready(self) -> bool:
        """Whether a living keeper says that its server answers; what a killed one wrote does not count."""
        status = self.status()
        return status.get("state") == "ready" and is_alive(int(status["pid"])) and not self.keeper.is_free()

    def clear(self) -> None:
        self._status.unlink(missing_ok=True)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def make_server(layout: Layout, service: str, on_line: Callable[[str], None]) -> Server:
    if service == "postgres":
        binaries = find_postgres()
        data_dir = layout.postgres_data(binaries.major)
        return PostgresServer(data_dir, layout.postgres_sockets, on_line=on_line, binaries=binaries)
    return ValkeyServer(layout.valkey_data, layout.valkey_socket, on_line=on_line)


class Keeper:
    """Runs one server until its last user has left."""

    def __init__(self, layout: Layout, service: str) -> None:
        self._marks = Marks(layout, service)
        self._service = service
        self._log = PartLog(layout.logs, LOG_NAMES[service])
        self._layout = layout
        self._leave = threading.Event()

    def run(self) -> int:
        if not self._marks.keeper.take():
            return 0
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda *_: self._leave.set())
        self._marks.tell("starting")
        threading.Thread(target=self._await_last_user, daemon=True).start()
        try:
            server = make_server(self._layout, self._service, self._log.write)
            server.start()
            self._marks.tell("ready")
            self._watch(server)
        except EmbeddedError as error:
            self._log.write(f"{error.what} {error.way_out}")
            self._marks.tell("failed", error.what, error.way_out)
            return 1
        except OSError as error:
            told = unwritable(self._layout.home, error)
            self._marks.tell("failed", told.what, told.way_out)
            return 1
        server.stop()
        self._marks.clear()
        # In this order: a newcomer waits for the users' lock, and must then find no keeper.
        self._marks.keeper.release()
        return 0

    def _await_last_user(self) -> None:
        self._marks.users.take(wait=True)
        self._leave.set()

    def _watch(self, server: Server) -> None:
        """Restart the server whenever it dies, until the last user has left."""
        title, failures, started = TITLES[self._service], 0, time.monotonic()
        while not self._leave.wait(0.1):
            code = server.poll()
            if code is None:
                continue
            failures = 1 if time.monotonic() - started > HEALTHY_S else failures + 1
            tail = server.tail()
            if failures > MAX_QUICK_FAILURES:
                raise EmbeddedError(
                    f"{title} ended {failures} times in a row ({describe_exit(code)}). Its last words: "
                    + " | ".join(tail[-4:]),
                    f"Look into {self._log.path}; a full disk or too little memory are the usual reasons.",
                )
            pause_s = 0.1 * 2 ** (failures - 1)
            self._log.write(f"{title} ended ({describe_exit(code)}); starting it again in {pause_s:.1f} s")
            self._marks.tell("starting")
            server.stop()
            if self._leave.wait(pause_s):
                return
            started = time.monotonic()
            server.start()
            self._marks.tell("ready")
            self._log.write(f"{title} is up again")


def main(argv: list[str]) -> int:
    service, home = argv
    if service not in SERVICES:
        raise SystemExit(f"The service must be one of {', '.join(SERVICES)}, not {service!r}.")
    return Keeper(Layout(Path(home)), service).run()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
