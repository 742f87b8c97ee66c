"""A label set as one tar file, made while it is sent: nothing is written, and the size is known beforehand."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from pathlib import Path

from giz.labelset.files import BLOCK_BYTES


def tar_bytes(folder: Path) -> int:
    """The exact number of bytes that `tar_blocks` gives."""
    sizes = (path.stat().st_size for path in _files(folder))
    return sum(tarfile.BLOCKSIZE + _padded(size) for size in sizes) + 2 * tarfile.BLOCKSIZE


def tar_blocks(folder: Path) -> Iterator[bytes]:
    """The files of a label set as a tar archive, below a folder of its name; no owner, no time, always the same."""
    for path in _files(folder):
        size = path.stat().st_size
        entry = tarfile.TarInfo(f"{folder.name}/{path.relative_to(folder)}")
        entry.size = size
        yield entry.tobuf(tarfile.USTAR_FORMAT)
        with path.open("rb") as binary:
            while block := binary.read(BLOCK_BYTES):
                yield block
        yield b"\0" * (_padded(size) - size)
    yield b"\0" * (2 * tarfile.BLOCKSIZE)


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _padded(size: int) -> int:
    return -(-size // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE
