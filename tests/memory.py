"""How much memory a piece of work takes at its worst, whatever the process has taken before."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def at_most(megabytes: float) -> Iterator[None]:
    """Fail if the process's resident memory rises by more than this at any moment of the block (Linux; else no check).

    The kernel's own high-water mark is set back first: what earlier tests took would hide a rise.
    """
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        yield
        return
    before = _peak_kib()
    yield
    risen = (_peak_kib() - before) / 1000
    assert risen <= megabytes, f"memory rose by {risen:.0f} MB"


def _peak_kib() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("VmHWM")))
