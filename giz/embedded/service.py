"""One process that GIZ runs: what the parts of the site and the embedded servers have in common."""

import http.client
import signal
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Self

from giz.embedded.child import Child, LineSink, ignore_line
from giz.embedded.errors import EmbeddedError


class Service(ABC):
    """A process that is started, becomes ready and is stopped; a context manager."""

    name: str
    on_line: LineSink = staticmethod(ignore_line)
    start_timeout_s: float = 60.0
    grace_s: float = 1.5
    # Sent one second apart where the process outlives its grace.
    last_signals: ClassVar[Sequence[int]] = (signal.SIGKILL,)
    child: Child | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int | None:
        return self.child.pid if self.child else None

    @abstractmethod
    def start(self) -> None:
        """Start the process; it may become ready later."""

    def is_ready(self) -> bool:
        """Return whether a process that runs does its work already."""
        return self.child is not None

    def stop(self, grace_s: float | None = None) -> None:
        """Ask the process to end, wait ``grace_s`` and kill what is left of its group."""
        if self.child is not None:
            self.child.stop(self.grace_s if grace_s is None else grace_s, then=self.last_signals)
            self.child = None

    def kill(self) -> None:
        if self.child is not None:
            self.child.send(signal.SIGKILL)


@dataclass(eq=False)
class Part(Service):
    """One process of the site: its command line, when it is ready, how it is asked to end."""

    name: str
    argv: tuple[str, ...]
    ready: Callable[[Child], bool]
    env: Mapping[str, str] | None = None
    cwd: Path | None = None
    grace_s: float = 1.5

    def start(self) -> None:
        try:
            self.child = Child(self.argv, env=self.env, cwd=self.cwd, on_line=self.on_line, grace_s=self.grace_s)
        except OSError as error:
            raise EmbeddedError(
                f"{self.name} can't be started: {self.argv[0]}: {error.strerror}.", "Install GIZ again: make install"
            ) from None

    def is_ready(self) -> bool:
        return self.child is not None and self.ready(self.child)


class Server(Service):
    """An embedded server of ``data_dir``, whose ``start`` returns when it answers.

    ``fsync=False`` is for throw-away servers of tests only.
    """

    def __init__(self, data_dir: Path, *, fsync: bool = True, on_line: LineSink = ignore_line) -> None:
        self.data_dir = data_dir
        self.on_line = on_line
        self._fsync = fsync

    def _launch(self, argv: Sequence[str], **how: Any) -> tuple[list[str], int | None] | None:
        """Run ``argv`` until it is ready, or return its last lines and its exit code (None where it still ran)."""
        child = self.child = Child(argv, cwd=self.data_dir, on_line=self.on_line, **how)
        deadline = time.monotonic() + self.start_timeout_s
        while child.poll() is None and time.monotonic() < deadline:
            if self.is_ready():
                return None
            time.sleep(0.02)
        lines, code = child.tail(), child.poll()
        self.stop(grace_s=0)
        return lines, code


def answers_http(host: str, port: int, path: str) -> Callable[[Child], bool]:
    """Return a test that is true once ``GET path`` answers 200."""
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


def has_printed(words: str) -> Callable[[Child], bool]:
    """Return a test that is true once the process has printed a line with ``words``."""
    return lambda child: any(words in line for line in list(child.last_lines))
