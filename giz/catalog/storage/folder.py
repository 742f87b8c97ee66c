"""Display files in MEDIA_ROOT."""

from pathlib import Path
from typing import Any

from django.core.files.storage import FileSystemStorage

from giz.imaging.display_folder import sync_folder, write_whole


class FolderStorage(FileSystemStorage):
    """A folder in which a file is whole or not there: a crash leaves no half of one under a name that is known."""

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        """Names are hashes of content: the same name again is the same file."""
        return name

    def _save(self, name: str, content: Any) -> str:
        path = Path(self.path(name))
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, content.read())
        sync_folder(path.parent)
        return name
