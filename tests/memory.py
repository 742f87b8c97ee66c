"""How much memory a piece of work takes at its worst, whatever the process has taken before."""

import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def at_most(megabytes: float) -> Iterator[None]:
    """Fail if the process's resident memory rises by more than this at any moment of the block.

    Linux sets its own high-water mark back first; elsewhere what earlier tests took may hide a rise.
    """
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
    before = _peak_kib()
    yield
    risen = (_peak_kib() - before) / 1000
    assert risen <= megabytes, f"memory rose by {risen:.0f} MB"


def _peak_kib() -> int:
    if not Path("/proc/self/status").exists():
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak // 1024 if sys.platform == "darwin" else peak
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("VmHWM")))
