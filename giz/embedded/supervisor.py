"""Starts services in order, restarts those that die, and stops them in reverse order."""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Protocol

from giz.embedded.child import describe_exit
from giz.embedded.errors import EmbeddedError
from giz.embedded.logs import PartLog
from giz.embedded.service import Service

ShowLine = Callable[[str, str], None]
Say = Callable[[str], None]

TICK_S = 0.05
START_TICK_S = 0.02
MAX_QUICK_FAILURES = 5
# A service that ran this long before it died was healthy: its next failure counts as the first again.
HEALTHY_S = 60.0
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0


class Supervised(Protocol):
    """What a supervisor can start, look after and stop."""

    def start(self) -> None: ...
    def tick(self) -> None: ...
    def is_ready(self) -> bool: ...
    def stop(self) -> None: ...
    def kill(self) -> None: ...


class Restarter:
    """Restarts a service that dies, after a pause that doubles each time, and gives up after ``max_failures``."""

    def __init__(
        self,
        service: Service,
        *,
        log: PartLog,
        say: Say,
        show_line: ShowLine = lambda _name, _line: None,
        max_failures: int = MAX_QUICK_FAILURES,
        healthy_s: float = HEALTHY_S,
        first_pause_s: float = FIRST_PAUSE_S,
    ) -> None:
        self.service = service
        self.log = log
        self._say = say
        self._show_line = show_line
        self._max_failures = max_failures
        self._healthy_s = healthy_s
        self._first_pause_s = first_pause_s
        self._failures = 0
        self._is_ready = False
        self._started_at = 0.0
        self._resume_at: float | None = None
        service.on_line = self._handle_line

    def start(self) -> None:
        self._resume_at = None
        self.service.start()
        self._started_at = time.monotonic()

    def is_ready(self) -> bool:
        return self._is_ready

    def tick(self) -> None:
        """Look at the process once: note that it is ready, has died or is due to be restarted."""
        child = self.service.child
        if self._resume_at is not None and time.monotonic() >= self._resume_at:
            self.start()
        elif child is None:
            return
        elif (code := child.poll()) is not None:
            self._handle_failure(describe_exit(code))
        elif not self._is_ready:
            self._is_ready = self.service.is_ready()
            if self._is_ready and self._failures:
                self._say(f"{self.service.name} is up again.")
            elif not self._is_ready and time.monotonic() - self._started_at > self.service.start_timeout_s:
                self._handle_failure(f"not ready after {self.service.start_timeout_s:.0f} s")

    def stop(self) -> None:
        self._resume_at = None
        self.service.stop()
        self.log.close()

    def kill(self) -> None:
        self.service.kill()

    def _handle_line(self, line: str) -> None:
        self.log.write(line)
        self._show_line(self.service.name, line)

    def _handle_failure(self, why: str) -> None:
        """Plan a restart; raise after too many failures in a row."""
        self._is_ready = False
        last_lines = self.service.child.tail()[-12:] if self.service.child else []
        # What the dead process left of its group must not stand in the way of the next one.
        self.service.stop(grace_s=0)
        was_healthy = time.monotonic() - self._started_at > self._healthy_s
        self._failures = 1 if was_healthy else self._failures + 1
        if self._failures >= self._max_failures:
            raise EmbeddedError(
                f"{self.service.name} ended {self._failures} times in a row ({why}). Its last output:\n"
                + "\n".join(f"    {line}" for line in last_lines),
                f"The full log is {self.log.path}. Fix the cause and start again.",
            )
        pause_s = min(self._first_pause_s * 2 ** (self._failures - 1), LONGEST_PAUSE_S)
        self._resume_at = time.monotonic() + pause_s
        self._say(f"{self.service.name} ended ({why}); starting it again in {pause_s:.1f} s.")


class StopRequestedError(Exception):
    """Somebody asked to stop (Ctrl-C or SIGTERM) while services were still starting."""


class Supervisor:
    """A stack of running services. The first request to stop is orderly, a second one kills."""

    def __init__(self) -> None:
        self._running: list[Supervised] = []
        self.stop_requested = False

    def request_stop(self) -> None:
        if self.stop_requested:
            for service in self._running:
                service.kill()
        self.stop_requested = True

    def start(self, service: Supervised, *, wait: bool = True) -> None:
        """Start one service on top of those that run; with ``wait``, return when all are ready."""
        self._raise_if_stopping()
        self._running.append(service)
        service.start()
        if wait:
            self.wait_ready()

    def wait_ready(self) -> None:
        """Return when every service started so far is ready."""
        while not all(service.is_ready() for service in self._running):
            self.tick()
            self._raise_if_stopping()
            time.sleep(START_TICK_S)

    def tick(self) -> None:
        for service in self._running:
            service.tick()

    def watch(self, each_tick: Callable[[], None] = lambda: None) -> None:
        """Keep everything alive until somebody asks to stop."""
        while not self.stop_requested:
            self.tick()
            each_tick()
            time.sleep(TICK_S)

    def stop(self) -> None:
        """Stop the services, the last started first."""
        while self._running:
            self._running[-1].stop()
            self._running.pop()

    def _raise_if_stopping(self) -> None:
        if self.stop_requested:
            raise StopRequestedError

    @contextmanager
    def stopping_on_signals(self) -> Iterator[None]:
        """Turn Ctrl-C, SIGTERM and a closed terminal into requests to stop."""

        def handle(_number: int, _frame: FrameType | None) -> None:
            self.request_stop()

        numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        before = {number: signal.signal(number, handle) for number in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
