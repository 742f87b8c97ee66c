"""Display files in MEDIA_ROOT."""

from pathlib import Path
from typing import Any

from django.core.files.storage import FileSystemStorage

from giz.core.machine import sync_folder, write_whole


class FolderStorage(FileSystemStorage):
    """A folder in which files appear only when complete, even after a crash."""

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        """Keep the name: it is a hash of the content, so an existing file of that name is the same."""
        return name

    def _save(self, name: str, content: Any) -> str:
        path = Path(self.path(name))
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, content.read())
        sync_folder(path.parent)
        return name
