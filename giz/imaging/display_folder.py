"""Display files in a folder: written whole or not at all, never changed afterwards."""

import os
import tempfile
from pathlib import Path

from giz.imaging.sizes import DisplayFiles


def display_path(root: Path, stem: str, size_px: int) -> Path:
    return root / f"{stem}-{size_px}.webp"


def write_display_files(root: Path, display: DisplayFiles) -> None:
    """Write the files that are not there yet. A name is a hash of its content, so what is there is right.

    Each file is written beside its place, brought to the disk and renamed: a crash leaves no half file under a name
    that the database knows.
    """
    folder = display_path(root, display.stem, 0).parent
    folder.mkdir(parents=True, exist_ok=True)
    written = False
    for size_px, data in display.files.items():
        path = display_path(root, display.stem, size_px)
        if not path.exists():
            write_whole(path, data)
            written = True
    if written:
        sync_folder(folder)


def write_whole(path: Path, data: bytes) -> None:
    """Write a file beside its place, bring it to the disk and rename it; the folder exists."""
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
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
