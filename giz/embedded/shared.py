"""Shares in the embedded servers of a GIZ_HOME: the first user has them started, the last one leaving stops them."""

import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from giz.embedded.errors import EmbeddedError
from giz.embedded.layout import Layout
from giz.embedded.locks import ServerState
from giz.embedded.logs import LogFollower
from giz.embedded.supervisor import Say, ShowLine, Supervisor
from giz.env import BASE_DIR

START_TIMEOUT_S = 90.0
LEAVE_TIMEOUT_S = 5.0
# A keeper that was killed while it started is started again, but not for ever.
MAX_KEEPERS = 5


class SharedServer:
    """Our share in one server: while we hold it, the server's keeper (keeper.py) keeps it up."""

    def __init__(
        self, layout: Layout, service: str, *, say: Say, show_line: ShowLine = lambda _name, _line: None
    ) -> None:
        self._service = service
        self._layout = layout
        self._state = ServerState(layout, service)
        self._log = LogFollower(layout.logs / f"{self._state.log_name}.log")
        self._say = say
        self._show_line = show_line
        self._keepers: list[subprocess.Popen[bytes]] = []
        self._ready_at = 0.0
        self._is_ready = False
        self._was_killed = False

    def start(self) -> None:
        """Count ourselves among the users, once a keeper that is just stopping has ended, and see to a keeper."""
        self._log.skip_to_end()
        self._state.users.take(shared=True, wait=True)
        self._ready_at = time.monotonic()
        self._start_keeper()

    def is_ready(self) -> bool:
        return self._is_ready

    def tick(self) -> None:
        for line in self._log.new_lines():
            self._show_line(self._state.log_name, line.partition(" ")[2])
        self._is_ready = self._state.is_ready()
        if self._is_ready:
            self._ready_at = time.monotonic()
        elif not self._has_keeper():
            self._state.raise_failure()
            self._say(f"The keeper of {self._state.title} is gone; starting another.")
            self._start_keeper()
        elif time.monotonic() - self._ready_at > START_TIMEOUT_S:
            raise EmbeddedError(
                f"{self._state.title} was not ready after {START_TIMEOUT_S:.0f} s.",
                f"See {self._log.path}, or try again on a quieter machine.",
            )

    def release(self) -> None:
        """Give up our share without waiting: the keeper of a server that nobody uses any more stops it."""
        self._state.users.release()

    def stop(self) -> None:
        """Give up our share; where we were the last, wait until the server has stopped."""
        self.release()
        deadline = time.monotonic() + LEAVE_TIMEOUT_S
        # A keeper gives up its own lock first; the users' lock is free once its process has ended.
        while not self._was_killed and (self._has_keeper() or not self._state.users.could_be_taken(shared=True)):
            # The keeper takes the lock exclusively before it stops; as long as it can be shared, somebody shares it.
            is_used = not self._state.users.could_be_taken() and self._state.users.could_be_taken(shared=True)
            if is_used or time.monotonic() > deadline:
                self._say(f"{self._state.title} stays up for another manage.py command that uses it.")
                return
            time.sleep(0.02)

    def kill(self) -> None:
        self._was_killed = True

    def _has_keeper(self) -> bool:
        # Each is asked, so that none stays a zombie.
        are_running = [process.poll() is None for process in self._keepers]
        return any(are_running) or not self._state.keeper.could_be_taken()

    def _start_keeper(self) -> None:
        """Start a keeper that holds its lock from the first moment, unless another user has just done so."""
        if len(self._keepers) >= MAX_KEEPERS:
            raise EmbeddedError(
                f"{self._state.title} could not be kept running: its keeper ended {MAX_KEEPERS} times.",
                f"See {self._log.path}",
            )
        with self._state.keeper.to_hand_over() as handle:
            if handle is not None:
                # What the last one wrote must not be taken for the word of this one.
                self._state.clear()
                words = ["-m", "giz.embedded.keeper", self._service, str(self._layout.home), str(handle)]
                self._keepers.append(
                    subprocess.Popen(
                        [sys.executable, *words],
                        stdin=subprocess.DEVNULL,
                        stdout=subprocess.DEVNULL,
                        stderr=subprocess.DEVNULL,
                        start_new_session=True,
                        pass_fds=[handle],
                        cwd=BASE_DIR,
                    )
                )


@contextmanager
def shared_servers(layout: Layout, services: Sequence[str]) -> Iterator[None]:
    """Have these embedded servers ready; raise EmbeddedError where one can't be."""
    layout.make()
    servers = [SharedServer(layout, service, say=lambda _text: None) for service in services]
    supervisor = Supervisor()
    try:
        for server in servers:
            supervisor.start(server, wait=False)
        supervisor.wait_ready()
        yield
    finally:
        # All at once, so that they stop side by side.
        for server in servers:
            server.release()
        supervisor.stop()
