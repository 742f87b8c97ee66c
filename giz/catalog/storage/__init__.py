"""Display files in STORAGES["default"]: a folder, or an S3-compatible bucket. Names are hashes of the content, so
existing files are right and never change."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, storages

from giz.core.errors import Refused
from giz.core.machine import sync_folder, write_whole
from giz.imaging.sizes import DisplayFiles, display_path

# The address of a display file for browsers; giz/catalog/urls.py serves it from either storage.
IMAGE_PATH = "/media/{stem}-{size}.webp"


class StorageError(OSError):
    """The storage does not answer, or refuses, which says nothing about the file; it may be asked again later."""


class FolderStorage(FileSystemStorage):
    """The folder MEDIA_ROOT, in which files appear only when complete, even after a crash."""

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        """Keep the name: it is a hash of the content, so an existing file of that name is the same."""
        return name

    def _save(self, name: str, content: Any) -> str:
        path = Path(self.path(name))
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, content.read())
        sync_folder(path.parent)
        return name


def display_name(stem: str, size_px: int) -> str:
    return f"{stem}-{size_px}.webp"


def display_files_write(display: DisplayFiles) -> None:
    """Write the files that do not exist yet. Threads may call it.

    Raises
    ------
    Refused
        ``media_unwritable`` if the disk or the bucket fails.
    """
    for size_px, data in display.files.items():
        _write(display_name(display.stem, size_px), data)


def display_files_exist(stem: str, sizes_px: Sequence[int]) -> bool:
    storage = storages["default"]
    return all(storage.exists(display_name(stem, size_px)) for size_px in sizes_px)


def display_names(folder: str) -> set[str]:
    """Return the names (`display_name`) of all display files in one of the two-letter folders.

    Raises
    ------
    Refused
        ``media_unreadable`` if the disk or the bucket fails.
    """
    try:
        return {f"{folder}/{name}" for name in storages["default"].listdir(folder)[1]}
    except FileNotFoundError:
        return set()
    except OSError as error:
        reason = error.strerror or error
        raise Refused("media_unreadable", f"Pictures can't be listed: {reason}.", status=503) from None


def display_file_read(stem: str, size_px: int) -> bytes:
    """Return the file. Raises FileNotFoundError if it does not exist, StorageError if the storage fails."""
    with storages["default"].open(display_name(stem, size_px)) as file:
        data: bytes = file.read()
    return data


def display_folder() -> Path | None:
    """Return the folder of display files, for programs without Django; None if they are in a bucket."""
    storage = storages["default"]
    return Path(storage.location) if isinstance(storage, FolderStorage) else None


def display_files_take_over(folder: Path, stem: str, sizes_px: Sequence[int]) -> None:
    """Move display files from a folder, where a program without Django wrote them, into the storage."""
    for size_px in sizes_px:
        path = display_path(folder, stem, size_px)
        _write(display_name(stem, size_px), path.read_bytes())
        path.unlink()


def _write(name: str, data: bytes) -> None:
    storage = storages["default"]
    try:
        if not storage.exists(name):
            storage.save(name, ContentFile(data))
    except OSError as error:
        reason = error.strerror or error
        raise Refused("media_unwritable", f"Pictures can't be written: {reason}.", status=507) from None
