"""What storages of display files raise beside FileNotFoundError."""


class StorageError(OSError):
    """The storage does not answer, or refuses: that says nothing of the file. It may be asked again later."""
