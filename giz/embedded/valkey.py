"""A Valkey server of our own (broker and cache) on a unix socket, its queue kept in an append-only file."""

import contextlib
import shutil
import signal
import socket
import time
from pathlib import Path

from giz.embedded.binaries import find_valkey
from giz.embedded.child import LineSink, describe_exit, ignore_line
from giz.embedded.errors import EmbeddedError, disk_full, unwritable
from giz.embedded.layout import check_free_space, private_folder
from giz.embedded.service import Server

# Where the append-only file lies. One that is only cut off Valkey mends by itself.
QUEUE_FOLDER = "appendonlydir"


class _EndedAtStartError(EmbeddedError):
    """The server ended by itself before it answered, and not because the disk is full."""


class ValkeyServer(Server):
    """One Valkey that keeps its data in ``data_dir`` and listens on ``socket_path`` only."""

    name = "Valkey"
    start_timeout_s = 30.0
    grace_s = 2.0

    def __init__(
        self, data_dir: Path, socket_path: Path, *, fsync: bool = True, on_line: LineSink = ignore_line
    ) -> None:
        super().__init__(data_dir, fsync=fsync, on_line=on_line)
        self.socket_path = socket_path

    def start(self) -> None:
        """Start the server and wait until it answers and has loaded its data."""
        binary = find_valkey()
        try:
            self.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise unwritable(self.data_dir, error) from None
        check_free_space(self.data_dir)
        private_folder(self.socket_path.parent)
        try:
            self._launch_or_raise(binary)
        except _EndedAtStartError as error:
            self._start_with_an_empty_queue(binary, error)

    def is_ready(self) -> bool:
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as client:
            client.settimeout(1)
            client.connect(str(self.socket_path))
            client.sendall(b"PING\r\n")
            return client.recv(16).startswith(b"+PONG")
        return False

    def _start_with_an_empty_queue(self, binary: Path, error: EmbeddedError) -> None:
        """Set the queue aside and start without it: a damaged file ends Valkey in many ways, crashes among them."""
        queue = self.data_dir / QUEUE_FOLDER
        if not queue.is_dir():
            raise error
        kept = queue.with_name(f"{queue.name}.damaged-{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}")
        queue.rename(kept)
        try:
            self._launch_or_raise(binary)
        except EmbeddedError:
            # The queue was not the reason.
            shutil.rmtree(queue, ignore_errors=True)
            kept.rename(queue)
            raise error from None
        self.on_line(
            f"WARNING: the queue of Valkey was damaged; it was moved to {kept}, and an empty one was started. "
            "Nothing is lost: votes and jobs are in PostgreSQL, and jobs are queued again within a minute."
        )

    def _launch_or_raise(self, binary: Path) -> None:
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
        failure = self._launch(
            [str(binary), *(word for name, value in options.items() for word in (f"--{name}", value))]
        )
        if failure is None:
            return
        lines, code = failure
        if any("No space left on device" in line for line in lines):
            raise disk_full(self.data_dir)
        if code is None:
            raise EmbeddedError(
                f"Valkey on {self.data_dir} did not answer within {self.start_timeout_s:.0f} s.",
                "The machine may be very busy: try again, or name another broker with CELERY_BROKER_URL.",
            )
        # Its lines begin with process number, role and time; what follows " # " is a warning or an error.
        errors = [line.split(" # ", 1)[1] for line in lines if " # " in line]
        why = errors[-1] if errors else (lines[-1] if lines else describe_exit(code))
        kind = EmbeddedError if code in (-signal.SIGKILL, -signal.SIGTERM) else _EndedAtStartError
        raise kind(
            f"Valkey could not start on {self.data_dir}: {why}",
            "It holds only the queue and the cache, not your labels; to start with an empty queue: "
            f"mv {self.data_dir} {self.data_dir}.damaged",
        )
