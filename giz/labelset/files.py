"""Files of a label set: hashed while written, visible only when complete, never outside their folder."""

from __future__ import annotations

import contextlib
import glob
import hashlib
import os
import re
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from giz.core.machine import is_running
from giz.labelset.schema import LabelSetError

DAY_S = 86_400
_MEMBER = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*(/[A-Za-z0-9_-][A-Za-z0-9_.-]*)?")


class HashedFile:
    """A binary file that is hashed while it is written; enough of a file for csv, zipfile and pyarrow."""

    closed = False

    def __init__(self, binary: IO[bytes]) -> None:
        self._binary = binary
        self._digest = hashlib.sha256()
        self.bytes_written = 0

    def write(self, data: bytes | memoryview) -> int:
        self._digest.update(data)
        written = self._binary.write(data)
        self.bytes_written += written
        return written

    def tell(self) -> int:
        return self.bytes_written

    def flush(self) -> None:
        self._binary.flush()

    def close(self) -> None:
        """Do nothing: whoever opened the underlying file closes it."""

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()


@contextmanager
def whole_file(path: Path) -> Iterator[HashedFile]:
    """Write a file that appears under its name only when complete: temporary name, fsync, rename.

    Temporary files left by killed writers of the same file are removed first.
    """
    _sweep(path)
    temporary = path.with_name(f".{path.name}.{socket.gethostname()}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as binary:
            yield HashedFile(binary)
            binary.flush()
            os.fsync(binary.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _sweep(path: Path) -> None:
    """Remove temporary files of writers that ended on this machine, or of another machine after a day unchanged.

    Files that can't be removed are harmless and stay.
    """
    pattern = re.compile(rf"\.{re.escape(path.name)}\.((?P<host>.+)\.)?(?P<process>\d{{1,9}})\.tmp")
    for found in path.parent.glob(f".{glob.escape(path.name)}.*.tmp"):
        named = pattern.fullmatch(found.name)
        if named is None:
            continue
        with contextlib.suppress(OSError):
            if named["host"] == socket.gethostname():
                is_gone = not is_running(int(named["process"]))
            else:
                is_gone = time.time() - found.stat().st_mtime > DAY_S
            if is_gone:
                found.unlink()


def member_path(folder: Path, name: str) -> Path:
    """Return the path of a file of a label set; refuse paths outside the folder, links and odd characters."""
    if not _MEMBER.fullmatch(name):
        raise LabelSetError(
            "unsafe_path", f"The manifest names {name!r}, which is not a plain path inside the label set."
        )
    path = folder / name
    if path.is_symlink() or path.parent.is_symlink():
        raise LabelSetError("unsafe_path", f"{name} is a link; a label set must contain the files themselves.")
    return path
