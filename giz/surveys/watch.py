"""A watchdog for one attempt of a request: closes the connection to a server that sends too little for too long."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from types import TracebackType

TICK_S = 0.2
# Once the time of the request as a whole is up, an answer that is coming in may pause only so long.
PAUSE_S = 5.0


class Watch:
    """Limits an attempt from connection to last byte; a socket's timeout only limits the wait for each byte.

    silence_s : longest time without a byte; also the longest time until the body begins.
    slow_after_s, least_bytes_per_s : least mean speed of a body that has been coming for so long.
    longest_s : longest time for the body.
    deadline : when, by ``time.monotonic()``, the request with all its attempts must have an answer coming in.
    """

    def __init__(
        self, *, silence_s: float, slow_after_s: float, least_bytes_per_s: float, longest_s: float, deadline: float
    ) -> None:
        self._silence_s = silence_s
        self._slow_after_s = slow_after_s
        self._least_bytes_per_s = least_bytes_per_s
        self._longest_s = longest_s
        self._deadline = deadline
        self._begin = self._last = time.monotonic()
        self._body_began: float | None = None
        self._size = 0
        self._line: socket.socket | None = None
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name="survey-watch")
        self.cut_because = ""

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped.set()
        self._thread.join()

    @property
    def left_s(self) -> float:
        """Time left for connecting."""
        return max(0.1, min(self._begin + self._silence_s, self._deadline) - time.monotonic())

    def line(self, stream: socket.socket) -> None:
        """Set the connection to close."""
        self._line = stream

    def body_begins(self) -> None:
        self._body_began = self._last = time.monotonic()

    def received(self, size: int) -> None:
        """Count received bytes of the body."""
        self._size += size
        self._last = time.monotonic()

    def _run(self) -> None:
        while not self._stopped.wait(min(TICK_S, self._silence_s / 5)):
            reason = self.complaint(time.monotonic())
            if reason and self._line is not None:
                self.cut_because = reason
                with suppress(OSError):
                    # Not a TLS socket's own method, which would destroy its state while another thread reads.
                    socket.socket.shutdown(self._line, socket.SHUT_RDWR)
                return

    def complaint(self, now: float) -> str:
        """Return what is wrong with the connection at this time, in words, or an empty string."""
        if self._body_began is None:
            return "does not answer in time" if now > min(self._begin + self._silence_s, self._deadline) else ""
        spent, pause = now - self._body_began, now - self._last
        is_late = now > self._deadline
        is_slow = self._size < spent * self._least_bytes_per_s
        if spent > self._longest_s or (is_slow and (is_late or spent > self._slow_after_s)):
            return f"is too slow: {self._size:,} bytes in {spent:.0f} s"
        return "stopped in the middle of its answer" if pause > (PAUSE_S if is_late else self._silence_s) else ""
