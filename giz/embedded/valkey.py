"""A Valkey server of our own (broker and cache) on a unix socket, its queue kept in an append-only file."""

import contextlib
import socket
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from giz.embedded.binaries import find_valkey
from giz.embedded.child import Child, LineSink, describe_exit, ignore_line
from giz.embedded.errors import EmbeddedError, disk_full, unwritable
from giz.embedded.layout import check_free_space, private_folder

START_TIMEOUT_S = 30.0


class ValkeyServer:
    """One Valkey that keeps its data in ``data_dir`` and listens on ``socket_path`` only; a context manager."""

    def __init__(
        self,
        data_dir: Path,
        socket_path: Path,
        *,
        fsync: bool = True,
        on_line: LineSink = ignore_line,
        binary: Path | None = None,
    ) -> None:
        self.data_dir = data_dir
        self.socket_path = socket_path
        self._fsync = fsync
        self._on_line = on_line
        self._binary = binary
        self._child: Child | None = None

    @property
    def broker_url(self) -> str:
        return f"redis+socket://{self.socket_path}?virtual_host=0"

    @property
    def cache_url(self) -> str:
        return f"unix://{self.socket_path}?db=1"

    @property
    def pid(self) -> int | None:
        return self._child.pid if self._child else None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self, timeout_s: float = START_TIMEOUT_S) -> None:
        """Start the server and wait until it answers and has loaded its data."""
        binary = self._binary or find_valkey()
        try:
            self.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise unwritable(self.data_dir, error) from None
        check_free_space(self.data_dir)
        private_folder(self.socket_path.parent)
        child = self._child = Child(self._command(binary), cwd=self.data_dir, on_line=self._on_line)
        deadline = time.monotonic() + timeout_s
        while child.poll() is None and time.monotonic() < deadline:
            if self.answers():
                return
            time.sleep(0.02)
        tail, code = child.tail(), child.poll()
        child.stop(0)
        self._child = None
        raise _start_error(self.data_dir, tail, code, timeout_s)

    def answers(self) -> bool:
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as client:
            client.settimeout(1)
            client.connect(str(self.socket_path))
            client.sendall(b"PING\r\n")
            return client.recv(16).startswith(b"+PONG")
        return False

    def stop(self, timeout_s: float = 2.0) -> None:
        if self._child is not None:
            self._child.stop(timeout_s)
            self._child = None

    def poll(self) -> int | None:
        """The exit code of a server that ended by itself, None while it runs."""
        return self._child.poll() if self._child else 0

    def tail(self) -> list[str]:
        return self._child.tail() if self._child else []

    def _command(self, binary: Path) -> list[str]:
        options = {
            "port": "0",
            "unixsocket": str(self.socket_path),
            "unixsocketperm": "700",
            "dir": str(self.data_dir),
            "save": "",
            "appendonly": "yes",
            "appendfsync": "everysec" if self._fsync else "no",
            # An evicted key would be a lost job: rather refuse writes.
            "maxmemory-policy": "noeviction",
            "daemonize": "no",
            "logfile": "",
            "loglevel": "warning",
        }
        return [str(binary), *(word for name, value in options.items() for word in (f"--{name}", value))]


def _start_error(data_dir: Path, lines: list[str], code: int | None, timeout_s: float) -> EmbeddedError:
    if any("No space left on device" in line for line in lines):
        return disk_full(data_dir)
    if code is None:
        return EmbeddedError(
            f"Valkey on {data_dir} did not answer within {timeout_s:.0f} s.",
            "The machine may be very busy: try again, or name another broker with CELERY_BROKER_URL.",
        )
    # Its lines begin with process number, role and time; what follows " # " is a warning or an error.
    telling = [line.split(" # ", 1)[1] for line in lines if " # " in line]
    why = telling[-1] if telling else (lines[-1] if lines else describe_exit(code))
    return EmbeddedError(
        f"Valkey could not start on {data_dir}: {why}",
        "It holds only the queue and the cache, not your labels; to begin with an empty queue: "
        f"mv {data_dir} {data_dir}.damaged",
    )
