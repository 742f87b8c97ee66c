"""Real servers and processes, each in a short folder of its own."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
# Long enough for the busiest machine; nothing waits that long where it works.
PATIENCE_S = 60.0


def wait_until(condition: Callable[[], bool], timeout_s: float, *, every_s: float = 0.02) -> bool:
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(every_s)
    return True


on_linux = pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="looks into /proc")
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as another user")

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def home() -> Iterator[Path]:
    """A GIZ_HOME that other users may enter, as one under /srv or /var/lib would be."""
    folder = Path(tempfile.mkdtemp(prefix="giz-e-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def migrated() -> Iterator[Path]:
    """A GIZ_HOME whose database has every table and nobody in it, with no server running: to be copied."""
    folder = Path(tempfile.mkdtemp(prefix="giz-e-"))
    folder.chmod(0o755)
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "--no-input", "--verbosity", "0"],
        cwd=REPOSITORY,
        env={**plain_environment(), "GIZ_HOME": str(folder)},
        capture_output=True,
        check=True,
    )
    assert wait_until(lambda: not processes_with(str(folder)), PATIENCE_S), processes_with(str(folder))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def migrated_home(home: Path, migrated: Path) -> Path:
    """``home``, with a database that needs no making and no migrations."""
    copy_home(migrated, home)
    return home


def copy_home(source: Path, home: Path) -> None:
    # cp keeps owners: as root, the database's files belong to another user.
    subprocess.run(["cp", "-a", f"{source}/.", str(home)], check=True)
    shutil.rmtree(home / "run", ignore_errors=True)


@pytest.fixture
def start(home: Path) -> Iterator[Start]:
    """Runs Python (a script's text, or words for the interpreter) with GIZ_HOME set; ends what is left afterwards."""
    with starting(home) as run:
        yield run


@contextmanager
def starting(home: Path) -> Iterator[Start]:
    processes: list[subprocess.Popen[str]] = []

    def run(*words: str, script: str = "", giz_home: Path = home, **environ: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, *(words or ("-c", script))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=REPOSITORY,
            env={**plain_environment(), "GIZ_HOME": str(giz_home), **environ},
        )
        processes.append(process)
        return process

    yield run
    for process in processes:
        process.kill()
        process.communicate()
    assert wait_until(lambda: not processes_with(str(home)), PATIENCE_S), processes_with(str(home))


def plain_environment() -> dict[str, str]:
    """Ours, less what would replace the embedded servers."""
    replaced = ("DATABASE_URL", "CELERY_BROKER_URL", "CACHE_URL", "SITE_URL", "MEDIA_ROOT", "STATIC_ROOT")
    return {name: value for name, value in os.environ.items() if name not in replaced}


def line_of(process: subprocess.Popen[str], start: str = "") -> str:
    """The next line of its output that begins with ``start``."""
    assert process.stdout is not None
    seen = []
    for line in process.stdout:
        seen.append(line)
        if line.startswith(start):
            return line.rstrip("\n")
    raise AssertionError(f"{start!r} was not said, but: {''.join(seen)}")


def is_running(pid: int) -> bool:
    """Whether the process exists and is no zombie."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in ("Z", "X")


def processes_with(text: str) -> list[str]:
    """Command lines of the running processes that mention ``text`` there or as the value of a variable."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        if int(folder.name) == os.getpid() or not is_running(int(folder.name)):
            continue
        try:
            command = (folder / "cmdline").read_bytes()
            variables = (folder / "environ").read_bytes()
        except OSError:
            continue
        if text.encode() in command + variables:
            found.append(f"{folder.name}: {command.replace(bytes(1), b' ').decode()}")
    return found


def kill_hard(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    assert wait_until(lambda: not is_running(pid), PATIENCE_S)
