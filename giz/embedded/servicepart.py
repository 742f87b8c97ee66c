"""An embedded server as a part of the site: other commands share it, so its keeper keeps it and we only follow."""

import contextlib
import os
import time
from pathlib import Path

from giz.embedded.errors import EmbeddedError
from giz.embedded.holding import ServiceHold
from giz.embedded.keeper import LOG_NAMES, TITLES
from giz.embedded.layout import Layout
from giz.embedded.part import Say, ShowLine

STOP_TIMEOUT_S = 4.0
START_TIMEOUT_S = 90.0


class ServiceRunner:
    """Our share in one embedded server, with its log shown while we run."""

    def __init__(self, layout: Layout, service: str, *, show_line: ShowLine, say: Say) -> None:
        self.name = LOG_NAMES[service]
        self._title = TITLES[service]
        self._hold = ServiceHold(layout, service)
        self._follower = LogFollower(layout.logs / f"{self.name}.log")
        self._show_line = show_line
        self._say = say
        self._ready = False
        self._killed = False
        self._started_at = 0.0

    def start(self) -> None:
        self._started_at = time.monotonic()
        self._follower.skip_to_end()
        self._hold.enter()
        self._hold.call()

    def is_ready(self) -> bool:
        return self._ready

    def tick(self) -> None:
        for line in self._follower.new_lines():
            self._show_line(self.name, line.partition(" ")[2])
        self._ready = self._hold.is_ready()
        if self._ready:
            self._started_at = time.monotonic()
            return
        if not self._hold.has_keeper():
            self._hold.raise_failure()
            self._say(f"The keeper of {self._title} is gone; starting another.")
            self._hold.call()
        elif time.monotonic() - self._started_at > START_TIMEOUT_S:
            raise EmbeddedError(
                f"{self._title} was not ready after {START_TIMEOUT_S:.0f} s.",
                f"Look into {self._follower.path}, or try again on a quieter machine.",
            )

    def stop(self) -> None:
        if self._killed:
            self._hold.release()
        elif not self._hold.leave(STOP_TIMEOUT_S):
            self._say(f"{self._title} stays up for another manage.py command that uses it.")

    def kill(self) -> None:
        # The keeper ends the server by itself as soon as our share is gone.
        self._killed = True


class LogFollower:
    """Reads what others append to a log file, across its turning over."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._inode = 0
        self._offset = 0

    def skip_to_end(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            found = self.path.stat()
            self._inode, self._offset = found.st_ino, found.st_size

    def new_lines(self) -> list[str]:
        try:
            with self.path.open("rb") as stream:
                found = os.fstat(stream.fileno())
                if found.st_ino != self._inode:
                    self._inode, self._offset = found.st_ino, 0
                stream.seek(self._offset)
                complete, newline, _rest = stream.read().rpartition(b"\n")
        except FileNotFoundError:
            return []
        self._offset += len(complete) + len(newline)
        return complete.decode("utf-8", "replace").splitlines()
