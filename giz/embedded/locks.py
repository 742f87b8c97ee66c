"""Locks between processes (flock): the kernel gives them back whatever way a process ends."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from giz.embedded.errors import EmbeddedError
from giz.embedded.layout import Layout

TITLES = {"postgres": "PostgreSQL", "valkey": "Valkey"}
LOG_NAMES = {"postgres": "database", "valkey": "broker"}


class FileLock:
    """An advisory lock on a file, ``shared`` by many or exclusive to one; ``handle`` is one that was handed over."""

    def __init__(self, path: Path, handle: int | None = None) -> None:
        self.path = path
        self._handle = handle

    def take(self, *, shared: bool = False, wait: bool = False) -> bool:
        """Return whether the lock is ours now; with ``wait`` block until it is."""
        if self._handle is not None:
            return True
        handle = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        operation = (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | (0 if wait else fcntl.LOCK_NB)
        try:
            fcntl.flock(handle, operation)
        except BaseException as error:
            os.close(handle)
            if isinstance(error, BlockingIOError):
                return False
            raise
        self._handle = handle
        return True

    def release(self) -> None:
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    @contextmanager
    def to_hand_over(self) -> Iterator[int | None]:
        """Take the lock for a process started here, which inherits the handle; None where somebody holds it."""
        self.take()
        yield self._handle
        # Closing our copy leaves the lock with the process that has the other.
        self.release()

    def could_be_taken(self, *, shared: bool = False) -> bool:
        """Return whether a newcomer would get the lock at this moment."""
        probe = FileLock(self.path)
        taken = probe.take(shared=shared)
        probe.release()
        return taken


class ServerState:
    """The locks and the status file through which the users of one embedded server and its keeper find each other.

    Every user holds ``users`` shared; the keeper waits for it exclusively, which it gets when the last user has left.
    """

    def __init__(self, layout: Layout, service: str, keeper_handle: int | None = None) -> None:
        self.title = TITLES[service]
        self.log_name = LOG_NAMES[service]
        self.users = FileLock(layout.run / f"{service}.users")
        self.keeper = FileLock(layout.run / f"{service}.keeper", keeper_handle)
        self._status = layout.run / f"{service}.status"
        self._written = ""

    def write(self, state: str, error: EmbeddedError | None = None) -> None:
        """Replace the status where it has changed, so that a reader never sees half of it."""
        if state == self._written:
            return
        what, hint = (error.what, error.hint) if error else ("", "")
        draft = self._status.with_suffix(f".{os.getpid()}")
        draft.write_text(json.dumps({"pid": os.getpid(), "state": state, "what": what, "way_out": hint}))
        draft.replace(self._status)
        self._written = state

    def clear(self) -> None:
        self._status.unlink(missing_ok=True)

    def is_ready(self) -> bool:
        """Return whether a keeper that is alive says that its server answers; what a killed one wrote is ignored."""
        status = read_note(self._status)
        return status.get("state") == "ready" and is_alive(int(status["pid"])) and not self.keeper.could_be_taken()

    def raise_failure(self) -> None:
        """Raise the error with which the last keeper gave up, if it did."""
        status = read_note(self._status)
        if status.get("state") == "failed":
            raise EmbeddedError(status["what"], status["way_out"])


@contextmanager
def only_site(layout: Layout, address: str) -> Iterator[None]:
    """Let only one ``manage.py up`` run for each GIZ_HOME; the second one learns the address of the first."""
    lock = FileLock(layout.up_lock)
    if not lock.take():
        note = read_note(layout.up_lock)
        raise EmbeddedError(
            f"GIZ is already running for {layout.home}: {note.get('address', 'its address is not known yet')} "
            f"(process {note.get('pid', '?')}).",
            f"Use that site, or stop it with Ctrl-C in its terminal or with: kill {note.get('pid', 'PID')}; "
            "a second site needs its own data folder (GIZ_HOME) and port.",
        )
    layout.up_lock.write_text(json.dumps({"pid": os.getpid(), "address": address}))
    try:
        yield
    finally:
        layout.up_lock.write_text("")
        lock.release()


def running_address(home: Path) -> str | None:
    """Return the address of the site of this data folder, if ``manage.py up`` runs for it."""
    path = Layout(home).up_lock
    return None if FileLock(path).could_be_taken() else read_note(path).get("address")


def read_note(path: Path) -> dict[str, Any]:
    """Return the JSON object in a file; an empty one where the file is missing or just being written."""
    try:
        return dict(json.loads(path.read_text()))
    except (FileNotFoundError, ValueError):
        return {}


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
