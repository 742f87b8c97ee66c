"""Starts parts in order, keeps them alive, ends them in reverse order; knows nothing of what they do."""

import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

from giz.embedded.part import Runner

TICK_S = 0.05


class StopRequestedError(Exception):
    """Somebody asked us to end (Ctrl-C or SIGTERM) while parts were still starting."""


class Supervisor:
    """A stack of running parts. The first request to stop is orderly, a second one immediate."""

    def __init__(self) -> None:
        self._runners: list[Runner] = []
        self.stop_requested = False
        self.was_killed = False

    def request_stop(self) -> None:
        if self.stop_requested:
            self.was_killed = True
            for runner in self._runners:
                runner.kill()
        self.stop_requested = True

    def start(self, runner: Runner, *, wait: bool = True) -> None:
        """Start one part on top of those that run; with ``wait``, return when it is ready."""
        self._refuse_when_stopping()
        self._runners.append(runner)
        runner.start()
        if wait:
            self.wait_ready()

    def wait_ready(self) -> None:
        """Return when every part started so far is ready."""
        while not all(runner.is_ready() for runner in self._runners):
            self.tick()
            self._refuse_when_stopping()
            time.sleep(TICK_S)

    def tick(self) -> None:
        for runner in self._runners:
            runner.tick()

    def watch(self, each_tick: Sequence[Callable[[], None]] = ()) -> None:
        """Keep everything alive until somebody asks to stop."""
        while not self.stop_requested:
            self.tick()
            for call in each_tick:
                call()
            time.sleep(TICK_S)

    def stop(self) -> None:
        """End the parts, the last started first."""
        while self._runners:
            self._runners[-1].stop()
            self._runners.pop()

    def _refuse_when_stopping(self) -> None:
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
