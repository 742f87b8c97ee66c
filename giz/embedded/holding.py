"""Shares in the embedded servers of a GIZ_HOME: the first user has them started, the last one leaving ends them."""

import contextlib
import subprocess
import sys
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from giz.embedded.errors import EmbeddedError
from giz.embedded.keeper import LOG_NAMES, TITLES, Marks
from giz.embedded.layout import Layout
from giz.env import BASE_DIR

START_TIMEOUT_S = 90.0
LEAVE_TIMEOUT_S = 5.0
# A keeper that was killed while it started is started again, but not for ever.
MAX_KEEPERS = 5


class ServiceHold:
    """Our share in one server: while it lives, the server stays up."""

    def __init__(self, layout: Layout, service: str) -> None:
        self.service = service
        self._layout = layout
        self._marks = Marks(layout, service)
        self._keepers: list[subprocess.Popen[bytes]] = []

    def enter(self) -> None:
        """Count ourselves among the users; waits while a keeper is just ending its server."""
        self._marks.users.take(shared=True, wait=True)

    def call(self) -> None:
        """Start a keeper where there is none."""
        if self.has_keeper():
            return
        if len(self._keepers) >= MAX_KEEPERS:
            raise EmbeddedError(
                f"{TITLES[self.service]} could not be kept running: its keeper ended {MAX_KEEPERS} times.",
                f"Look into {self._layout.logs / LOG_NAMES[self.service]}.log",
            )
        self._keepers.append(
            subprocess.Popen(
                [sys.executable, "-m", "giz.embedded.keeper", self.service, str(self._layout.home)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                cwd=BASE_DIR,
            )
        )

    def has_keeper(self) -> bool:
        for process in self._keepers:
            if process.poll() is None:
                return True
        return not self._marks.keeper.is_free()

    def is_ready(self) -> bool:
        return self._marks.is_ready()

    def raise_failure(self) -> None:
        """Raise what the keeper said before it gave up, if it did."""
        status = self._marks.status()
        if status.get("state") == "failed":
            raise EmbeddedError(status["what"], status["way_out"])

    def wait_ready(self, timeout_s: float = START_TIMEOUT_S) -> None:
        """Wait until the server answers, or raise what its keeper said."""
        deadline = time.monotonic() + timeout_s
        while not self.is_ready():
            if not self.has_keeper():
                self.raise_failure()
                self.call()
            if time.monotonic() > deadline:
                raise EmbeddedError(
                    f"{TITLES[self.service]} was not ready after {timeout_s:.0f} s.",
                    f"Look into {self._layout.logs / LOG_NAMES[self.service]}.log, or try again on a quieter machine.",
                )
            time.sleep(0.02)

    def release(self) -> None:
        """Count ourselves out, without waiting for the server's end."""
        self._marks.users.release()

    def leave(self, timeout_s: float = LEAVE_TIMEOUT_S) -> bool:
        """Give up our share; where we were the last, wait for the server's end. True when it has ended."""
        self.release()
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            if not self.has_keeper():
                return True
            if not self._marks.users.is_free() and not self._marks.users.is_exclusive():
                return False
            time.sleep(0.02)
        return not self.has_keeper()


class Services:
    """Shares in several servers at once; a context manager."""

    def __init__(self, layout: Layout, services: Sequence[str]) -> None:
        self._layout = layout
        self.holds = [ServiceHold(layout, service) for service in services]

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start all of them side by side and wait until each is ready."""
        self._layout.make()
        try:
            for hold in self.holds:
                hold.enter()
                hold.call()
            for hold in self.holds:
                hold.wait_ready()
        except BaseException:
            with contextlib.suppress(EmbeddedError):
                self.stop()
            raise

    def stop(self) -> list[str]:
        """Leave all of them; answers the names of those that others still use."""
        for hold in self.holds:
            hold.release()
        return [TITLES[hold.service] for hold in reversed(self.holds) if not hold.leave()]
