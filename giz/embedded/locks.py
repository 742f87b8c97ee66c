"""Locks between processes (flock): the kernel gives them back whatever way a process ends."""

import fcntl
import os
from pathlib import Path


class FileLock:
    """An advisory lock on a file; ``shared`` by many or ``exclusive`` to one."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle: int | None = None

    def take(self, *, shared: bool = False, wait: bool = False) -> bool:
        """True when the lock is ours now; with ``wait`` it blocks until it is."""
        if self._handle is not None:
            return True
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        operation = (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | (0 if wait else fcntl.LOCK_NB)
        try:
            fcntl.flock(handle, operation)
        except BlockingIOError:
            os.close(handle)
            return False
        except BaseException:
            os.close(handle)
            raise
        self._handle = handle
        return True

    def release(self) -> None:
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    @property
    def is_held(self) -> bool:
        """Whether this object holds it."""
        return self._handle is not None

    def is_free(self) -> bool:
        """Whether nobody holds it, neither shared nor exclusively, at this moment."""
        probe = FileLock(self._path)
        if probe.take():
            probe.release()
            return True
        return False

    def is_exclusive(self) -> bool:
        """Whether somebody holds it exclusively at this moment."""
        probe = FileLock(self._path)
        if probe.take(shared=True):
            probe.release()
            return False
        return True

    def write(self, text: str) -> None:
        """Put a note for others into the file of a lock that is held."""
        if self._handle is None:
            raise RuntimeError(f"{self._path} is not held, so nothing may be written into it")
        os.ftruncate(self._handle, 0)
        os.pwrite(self._handle, text.encode(), 0)

    def read(self) -> str:
        try:
            return self._path.read_text()
        except FileNotFoundError:
            return ""
