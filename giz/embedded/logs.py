"""Log files of the parts: one each, rotated when they grow."""

import contextlib
import logging
import logging.handlers
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

MAX_BYTES = 5_000_000
KEPT_FILES = 3


class _LogFile(logging.handlers.RotatingFileHandler):
    """Reports once that a log can't be written, where logging would print a traceback for each line."""

    has_failed = False

    def emit(self, record: logging.LogRecord) -> None:
        before, self.has_failed = self.has_failed, False
        super().emit(record)
        if self.has_failed and not before:
            sys.stderr.write(f"{self.baseFilename} can't be written; the site continues without this log.\n")

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's own name
        self.has_failed = True


class PartLog:
    """Writes the lines of one part to ``<folder>/<name>.log``, each with the time in UTC."""

    def __init__(self, folder: Path, name: str) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.path = folder / f"{name}.log"
        self._handler = _LogFile(self.path, maxBytes=MAX_BYTES, backupCount=KEPT_FILES, encoding="utf-8", delay=True)

    def write(self, line: str) -> None:
        stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
        # A full disk must not end the part that writes.
        self._handler.handle(logging.makeLogRecord({"msg": f"{stamp} {line}", "levelno": logging.INFO}))

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._handler.close()


class LogFollower:
    """Reads what others append to a log file, also after it was rotated."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._inode = 0
        self._offset = 0

    def skip_to_end(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            found = self.path.stat()
            self._inode, self._offset = found.st_ino, found.st_size

    def new_lines(self) -> list[str]:
        try:
            with self.path.open("rb") as stream:
                found = os.fstat(stream.fileno())
                if found.st_ino != self._inode:
                    self._inode, self._offset = found.st_ino, 0
                stream.seek(self._offset)
                complete, newline, _rest = stream.read().rpartition(b"\n")
        except FileNotFoundError:
            return []
        self._offset += len(complete) + len(newline)
        return complete.decode("utf-8", "replace").splitlines()
