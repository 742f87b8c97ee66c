"""What can go wrong with the embedded services: one sentence about the cause, and one about what to do."""

from pathlib import Path


class EmbeddedError(Exception):
    """An embedded service can't do its work; ``what`` says why, ``hint`` what the reader can do about it."""

    def __init__(self, what: str, hint: str) -> None:
        super().__init__(f"{what}\n{hint}")
        self.what = what
        self.hint = hint


def unwritable(folder: Path, error: OSError) -> EmbeddedError:
    return EmbeddedError(
        f"GIZ cannot write to its data folder {folder} ({error.strerror or error}).",
        "Make the folder writable for this user, or choose another one with GIZ_HOME=/some/folder.",
    )


def disk_full(folder: Path, free_mb: int | None = None) -> EmbeddedError:
    seen = "is full" if free_mb is None else f"has only {free_mb} MB free"
    return EmbeddedError(
        f"The disk that holds {folder} {seen}.",
        "Free some space (200 MB at least), or keep the data elsewhere with GIZ_HOME=/some/folder.",
    )
