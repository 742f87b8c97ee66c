"""A small process that stops guarded children when their parent dies, even by kill -9.

The parent writes ``+pid signal grace_s`` and ``-pid`` into a pipe. When the pipe ends, the parent has died: the process
group of each guarded child gets its signal and, after its grace, SIGKILL. This works on every Unix and reaches
grandchildren, which Linux' parent-death signal does not. As a script it needs only the standard library.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time


def signal_group(pid: int, number: int) -> bool:
    """Send a signal to the process group of ``pid``; return False when nothing of it is left."""
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


class Watchdog:
    """The parent's side: starts the watching process with the first child and sends it the children to guard."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._guarded: dict[int, bytes] = {}
        self._lock = threading.Lock()

    def guard(self, pid: int, *, stop_signal: int = signal.SIGTERM, grace_s: float = 3.0) -> None:
        with self._lock:
            self._guarded[pid] = f"+{pid} {int(stop_signal)} {grace_s}\n".encode()
            if self._process is None or self._process.poll() is not None:
                self._start()
            else:
                self._send(self._guarded[pid])

    def release(self, pid: int) -> None:
        with self._lock:
            if self._guarded.pop(pid, None) is not None:
                self._send(f"-{pid}\n".encode())

    def _start(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            cwd="/",
        )
        for line in self._guarded.values():
            self._send(line)

    def _send(self, line: bytes) -> None:
        if self._process is None or self._process.stdin is None:
            return
        # The watching process may have been killed; the next guard() starts another one.
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(line)
            self._process.stdin.flush()


watchdog = Watchdog()


def _end(guarded: dict[int, tuple[int, float]]) -> None:
    started = time.monotonic()
    for pid, (number, _) in reversed(guarded.items()):
        signal_group(pid, number)
    while guarded:
        for pid, (_, grace_s) in list(guarded.items()):
            overdue = time.monotonic() - started > grace_s
            if not signal_group(pid, signal.SIGKILL if overdue else 0) or overdue:
                del guarded[pid]
        time.sleep(0.05)


def watch() -> None:
    """Read the parent's messages from standard input until it dies, then stop the children that it has left."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    guarded: dict[int, tuple[int, float]] = {}
    for line in sys.stdin:
        words = line[1:].split()
        if line.startswith("+"):
            guarded[int(words[0])] = (int(words[1]), float(words[2]))
        else:
            guarded.pop(int(words[0]), None)
    _end(guarded)


if __name__ == "__main__":
    watch()
