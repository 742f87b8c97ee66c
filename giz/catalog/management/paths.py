"""Paths that people type: a wrong one is answered with what was probably meant."""

import difflib
from pathlib import Path

from django.core.management.base import CommandError


def existing_file(text: str) -> Path:
    """Return the file; a missing one ends the command with a hint."""
    path = Path(text).expanduser()
    if path.is_dir():
        raise CommandError(f"{path} is a folder; a file is needed.")
    if not path.exists():
        raise CommandError(f"No such file: {path}.{_hint(path, folders=False)}")
    return path.resolve()


def existing_folder(text: str) -> Path:
    """Return the folder; a missing one ends the command with a hint."""
    path = Path(text).expanduser()
    if path.is_file():
        raise CommandError(f"{path} is a file; a folder is needed. Did you mean {path.parent}?")
    if not path.exists():
        raise CommandError(f"No such folder: {path}.{_hint(path, folders=True)}")
    return path.resolve()


def _hint(path: Path, *, folders: bool) -> str:
    """Name the nearest entry of the folder that the path points into, or the part of the path that is missing."""
    parent = path.parent
    if not parent.is_dir():
        while not parent.is_dir() and parent != parent.parent:
            parent = parent.parent
        return f" The path exists up to {parent.resolve()}."
    names = [entry.name for entry in parent.iterdir() if entry.is_dir() == folders]
    by_lower = {name.lower(): name for name in names}
    close = difflib.get_close_matches(path.name.lower(), list(by_lower), n=1, cutoff=0.5)
    return f" Did you mean {parent / by_lower[close[0]]}?" if close else ""
