"""What the supervisor runs: a description of one part, and the life of that part."""

import http.client
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from typing import Protocol

from giz.embedded.child import Child, describe_exit
from giz.embedded.errors import EmbeddedError
from giz.embedded.logs import PartLog, last_lines

ShowLine = Callable[[str, str], None]
Say = Callable[[str], None]

MAX_QUICK_FAILURES = 5
# A part that ran this long before it died was healthy: its next failure counts as the first again.
HEALTHY_S = 60.0
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0


@dataclass(frozen=True)
class Part:
    """One process of the site: how it is started, when it is ready, how it is asked to end."""

    name: str
    argv: tuple[str, ...]
    ready: Callable[[Child], bool]
    env: Mapping[str, str] | None = None
    cwd: Path | None = None
    start_timeout_s: float = 60.0
    stop_signal: int = signal.SIGTERM
    grace_s: float = 1.5


class State(Enum):
    STARTING = auto()
    READY = auto()
    PAUSING = auto()
    ENDED = auto()


class Runner(Protocol):
    """Anything that the supervisor can start, follow and end."""

    name: str

    def start(self) -> None: ...
    def tick(self) -> None: ...
    def is_ready(self) -> bool: ...
    def stop(self) -> None: ...
    def kill(self) -> None: ...


class PartRunner:
    """Keeps the process of one part alive: starts it again when it dies, later each time, and gives up in the end."""

    def __init__(
        self,
        part: Part,
        *,
        log_folder: Path,
        show_line: ShowLine,
        say: Say,
        max_failures: int = MAX_QUICK_FAILURES,
        first_pause_s: float = FIRST_PAUSE_S,
    ) -> None:
        self.name = part.name
        self.part = part
        self.failures = 0
        self._log = PartLog(log_folder, part.name)
        self._show_line = show_line
        self._say = say
        self._max_failures = max_failures
        self._first_pause_s = first_pause_s
        self._child: Child | None = None
        self._state = State.ENDED
        self._started_at = 0.0
        self._resume_at = 0.0

    @property
    def pid(self) -> int | None:
        return self._child.pid if self._child else None

    def is_ready(self) -> bool:
        return self._state is State.READY

    def start(self) -> None:
        self._started_at = time.monotonic()
        self._state = State.STARTING
        try:
            self._child = Child(
                self.part.argv,
                env=self.part.env,
                cwd=self.part.cwd,
                on_line=self._hear,
                stop_signal=self.part.stop_signal,
                grace_s=self.part.grace_s,
            )
        except OSError as error:
            raise EmbeddedError(
                f"{self.name} can't be started: {self.part.argv[0]}: {error.strerror}.",
                "Install GIZ again with: make install",
            ) from None

    def tick(self) -> None:
        """Look at the process once, and do what its state asks for."""
        if self._state is State.PAUSING:
            if time.monotonic() >= self._resume_at:
                self.start()
            return
        if self._state is State.ENDED or self._child is None:
            return
        code = self._child.poll()
        if code is not None:
            self._failed(describe_exit(code))
        elif self._state is State.STARTING:
            if self.part.ready(self._child):
                self._state = State.READY
                if self.failures:
                    self._say(f"{self.name} is up again.")
            elif time.monotonic() - self._started_at > self.part.start_timeout_s:
                self._failed(f"not ready after {self.part.start_timeout_s:.0f} s")

    def stop(self) -> None:
        self._state = State.ENDED
        if self._child is not None:
            self._child.stop(self.part.grace_s)
            self._child = None
        self._log.close()

    def kill(self) -> None:
        if self._child is not None:
            self._child.send(signal.SIGKILL)

    def _hear(self, line: str) -> None:
        self._log.write(line)
        self._show_line(self.name, line)

    def _failed(self, why: str) -> None:
        if self._child is not None:
            self._child.tail()
            # What the dead process left of its group must not stand in the way of the next one.
            self._child.stop(0)
            self._child = None
        healthy = time.monotonic() - self._started_at > HEALTHY_S
        self.failures = 1 if healthy else self.failures + 1
        if self.failures >= self._max_failures:
            self._state = State.ENDED
            raise EmbeddedError(
                f"{self.name} ended {self.failures} times in a row ({why}). Its last words:\n"
                + "\n".join(f"    {line}" for line in last_lines(self._log.path)),
                f"The whole log is {self._log.path}. Put the cause right and start again.",
            )
        pause_s = min(self._first_pause_s * 2 ** (self.failures - 1), LONGEST_PAUSE_S)
        self._resume_at = time.monotonic() + pause_s
        self._state = State.PAUSING
        self._say(f"{self.name} ended ({why}); starting it again in {pause_s:.1f} s.")


def answers_http(host: str, port: int, path: str) -> Callable[[Child], bool]:
    """Ready when ``GET path`` answers 200."""
    target = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)  # noqa: S104

    def ready(_child: Child) -> bool:
        connection = http.client.HTTPConnection(target, port, timeout=2)
        try:
            connection.request("GET", path, headers={"Host": "localhost"})
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    return ready


def has_said(words: str) -> Callable[[Child], bool]:
    """Ready when one of its lines holds ``words``."""

    def ready(child: Child) -> bool:
        return any(words in line for line in list(child.last_lines))

    return ready
