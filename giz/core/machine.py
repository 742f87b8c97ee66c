"""This machine: files that appear only when complete, folders that survive a crash, processes that run. Pure."""

import hashlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

BLOCK_BYTES = 1 << 20


def write_whole(path: Path, data: bytes) -> None:
    """Write a file under a temporary name, sync it and rename it, so that a crash leaves no partial file."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def sync_folder(folder: Path) -> None:
    """Sync the folder's entries (the names of its files) to disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sha256_of(path: Path, on_bytes: Callable[[int], None] | None = None) -> str:
    """Return the SHA-256 of a file, read in blocks; `on_bytes` is called with the size of each block."""
    digest = hashlib.sha256()
    with path.open("rb") as binary:
        while block := binary.read(BLOCK_BYTES):
            digest.update(block)
            if on_bytes:
                on_bytes(len(block))
    return digest.hexdigest()


def is_running(process: int) -> bool:
    """Return whether a process with this number runs, of whatever user."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's
        return True
    return True
