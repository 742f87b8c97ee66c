"""A child process that can't outlive us: in a session of its own, read line by line, stopped in order."""

import contextlib
import os
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from giz.embedded.watchdog import signal_group, watchdog

LineSink = Callable[[str], None]


def ignore_line(_line: str) -> None:
    """Drop a line of output."""


class Child:
    """A running process in a session of its own; a watchdog ends it when this process dies.

    Its last lines are kept for error messages, and every line goes to ``on_line`` (from another thread).
    """

    def __init__(
        self,
        argv: Sequence[str | Path],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        uid: int | None = None,
        gid: int | None = None,
        on_line: LineSink = ignore_line,
        stop_signal: int = signal.SIGTERM,
        grace_s: float = 3.0,
    ) -> None:
        self.stop_signal = stop_signal
        self.last_lines: deque[str] = deque(maxlen=40)
        self._on_line = on_line
        self._process = subprocess.Popen(
            [os.fspath(word) for word in argv],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=dict(env) if env is not None else None,
            cwd=cwd,
            user=uid,
            group=gid,
            extra_groups=None if uid is None else [],
            start_new_session=True,
        )
        watchdog.guard(self.pid, stop_signal=stop_signal, grace_s=grace_s)
        self._pump = threading.Thread(target=self._follow, name=f"output of {self.pid}", daemon=True)
        self._pump.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def poll(self) -> int | None:
        """The exit code, or None while it runs."""
        code = self._process.poll()
        if code is not None:
            watchdog.release(self.pid)
        return code

    def wait(self, timeout_s: float) -> int | None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout_s)
        return self.poll()

    def send(self, number: int) -> None:
        signal_group(self.pid, number)

    def stop(self, timeout_s: float, *, then: Sequence[int] = (signal.SIGKILL,)) -> None:
        """Ask it to end; after ``timeout_s`` send the signals of ``then``, one second apart, until it has ended."""
        if self.poll() is None:
            self.send(self.stop_signal)
            self.wait(timeout_s)
        for number in then:
            if self.poll() is None:
                self.send(number)
                self.wait(1.0)
        # Nothing of its process group may stay.
        signal_group(self.pid, signal.SIGKILL)
        watchdog.release(self.pid)

    def tail(self) -> list[str]:
        """Return its last lines; of a process that has ended, all that it wrote."""
        if self._process.poll() is not None:
            self._pump.join(0.5)
        return list(self.last_lines)

    def _follow(self) -> None:
        stream = self._process.stdout
        if stream is None:
            return
        with stream:
            for raw in stream:
                line = raw.decode("utf-8", "replace").rstrip("\r\n")
                self.last_lines.append(line)
                self._on_line(line)


def describe_exit(code: int) -> str:
    """Return ``exit code 3`` or ``signal SIGKILL``."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"signal {signal.Signals(-code).name}"
    except ValueError:
        return f"signal {-code}"
