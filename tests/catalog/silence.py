"""A storage of display files that does not answer, for `display_file_read`."""

from giz.catalog.storage import StorageError


def no_answer(_stem: str, _size_px: int) -> bytes:
    raise StorageError("The bucket does not answer (SlowDown).")
