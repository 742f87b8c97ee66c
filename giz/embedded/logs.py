"""Log files of the parts: one each, turned over when they grow."""

import logging
import logging.handlers
from datetime import UTC, datetime
from pathlib import Path

MAX_BYTES = 5_000_000
KEPT_FILES = 3


class PartLog:
    """Writes the lines of one part to ``<folder>/<name>.log``, with the time in UTC in front."""

    def __init__(self, folder: Path, name: str) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.path = folder / f"{name}.log"
        self._handler = logging.handlers.RotatingFileHandler(
            self.path, maxBytes=MAX_BYTES, backupCount=KEPT_FILES, encoding="utf-8", delay=True
        )

    def write(self, line: str) -> None:
        stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
        # A full disk must not end the part that talks: logging's handler reports the error and goes on.
        self._handler.handle(logging.makeLogRecord({"msg": f"{stamp} {line}", "levelno": logging.INFO}))

    def close(self) -> None:
        self._handler.close()


def last_lines(path: Path, count: int = 12) -> list[str]:
    """The last lines of a log file, or nothing where there is none yet."""
    try:
        with path.open("rb") as stream:
            stream.seek(0, 2)
            stream.seek(max(0, stream.tell() - 16_384))
            return stream.read().decode("utf-8", "replace").splitlines()[-count:]
    except FileNotFoundError:
        return []
