"""``manage.py up`` as a whole: real servers, web, worker and beat, and everything that may befall them."""

import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from giz.embedded.layout import Layout

from .conftest import (
    PATIENCE_S,
    REPOSITORY,
    Start,
    copy_home,
    is_running,
    kill_hard,
    line_of,
    on_linux,
    plain_environment,
    processes_with,
    starting,
    wait_until,
)

pytestmark = on_linux


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def up(start: Start, port: int, *words: str, **environ: str) -> subprocess.Popen[str]:
    return start("manage.py", "up", "--no-demo", "--web-workers", "1", "--port", str(port), *words, **environ)


def answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def pid_of(home: Path, words: str) -> int:
    """The oldest process of this data folder whose command line holds ``words``."""
    return min(int(line.partition(":")[0]) for line in processes_with(str(home)) if words in line)


def has_process(home: Path, words: str) -> bool:
    return any(words in line for line in processes_with(str(home)))


def rest_of(process: subprocess.Popen[str]) -> str:
    said, _ = process.communicate(timeout=PATIENCE_S)
    return said


def test_it_starts_says_where_and_ctrl_c_leaves_nothing(start: Start, home: Path) -> None:
    port = free_port()
    site = up(start, port)
    said = []
    while not (said and said[-1].startswith("╰")):
        said.append(line_of(site))
    text = "\n".join(said)
    for words in (
        f"http://localhost:{port}",
        f"http://localhost:{port}/staff/",
        "staff@localhost",
        "Password",
        "Ctrl-C",
    ):
        assert words in text
    assert answers(port)
    site.send_signal(signal.SIGINT)
    assert rest_of(site).splitlines()[-2] == "Stopping …"
    assert site.returncode == 0
    assert not processes_with(str(home))
    assert not list(home.rglob("*.sock"))
    assert not list(home.rglob(".s.PGSQL*"))
    assert not answers(port)


def test_a_second_one_says_where_the_first_one_runs(start: Start, migrated_home: Path) -> None:
    home = migrated_home
    port = free_port()
    site = up(start, port)
    line_of(site, "╰")
    second = up(start, free_port())
    assert f"GIZ is already running for {home}: http://localhost:{port} (process {site.pid})." in rest_of(second)
    assert second.returncode == 1
    # Commands share its database.
    command = start("manage.py", "ensure_staff", "--print")
    said = rest_of(command)
    assert said.startswith("Staff login: staff@localhost")
    assert f"at http://localhost:{port}/staff/" in said
    assert answers(port)
    site.send_signal(signal.SIGTERM)
    rest_of(site)


@pytest.fixture(scope="module")
def running(migrated: Path) -> Iterator[tuple[subprocess.Popen[str], Path, int]]:
    """One site for all parts that are killed, its GIZ_HOME and its port; Ctrl-C leaves nothing of it."""
    home, port = Path(tempfile.mkdtemp(prefix="giz-e-")), free_port()
    home.chmod(0o755)
    copy_home(migrated, home)
    with starting(home) as start:
        site = up(start, port)
        line_of(site, "╰")
        assert wait_until(lambda: has_process(home, "celery --app giz --quiet beat"), PATIENCE_S)
        yield site, home, port
        site.send_signal(signal.SIGINT)
        rest_of(site)
        assert not processes_with(str(home))
    shutil.rmtree(home)


@pytest.mark.finding("fault F1")
@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("bin/postgres -D", "PostgreSQL ended (signal SIGKILL); starting it again"),
        ("valkey-server", "Valkey ended (signal SIGKILL); starting it again"),
        ("-m granian", "web ended (signal SIGKILL); starting it again"),
        ("celery --app giz --quiet worker", "worker ended (signal SIGKILL); starting it again"),
        ("celery --app giz --quiet beat", "beat ended (signal SIGKILL); starting it again"),
    ],
)
def test_a_part_that_is_killed_comes_back_with_a_word(
    running: tuple[subprocess.Popen[str], Path, int], words: str, told: str
) -> None:
    site, home, port = running
    kill_hard(pid_of(home, words))
    assert site.stdout is not None
    assert any(told in line for line in site.stdout)
    assert any(f"{told.split()[0]} is up again" in line for line in site.stdout)
    assert wait_until(lambda: answers(port), PATIENCE_S)
    assert wait_until(lambda: has_process(home, words), PATIENCE_S)


def test_a_supervisor_that_is_killed_leaves_nothing_and_the_next_one_starts(start: Start, migrated_home: Path) -> None:
    home = migrated_home
    port = free_port()
    site = up(start, port)
    line_of(site, "╰")
    kill_hard(site.pid)
    assert wait_until(lambda: not processes_with(str(home)), PATIENCE_S), processes_with(str(home))
    again = up(start, port)
    line_of(again, "╰")
    assert answers(port)
    again.send_signal(signal.SIGHUP)
    rest_of(again)
    assert again.returncode == 0


def test_a_port_in_use_is_named_with_the_next_one(start: Start, home: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        said = rest_of(up(start, port))
    assert f"Port {port} on 127.0.0.1 is in use by another program." in said
    assert "make run PORT=" in said
    assert "Traceback" not in said
    assert not list(home.glob("postgres-*"))


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--port", "80000"], "must lie between 1 and 65535, not 80000"),
        (["--port", "abc"], "must be a whole number, not 'abc'"),
        (["--host", "no.such.host.invalid"], "The host 'no.such.host.invalid' is not known"),
        (["--prot", "8000"], "unrecognized arguments"),
    ],
)
def test_a_slip_on_the_command_line_gives_a_sentence(start: Start, words: list[str], told: str) -> None:
    said = rest_of(start("manage.py", "up", *words))
    assert told in said
    assert "Traceback" not in said


def test_a_damaged_database_gives_a_sentence_and_a_way_out(start: Start, migrated_home: Path) -> None:
    folder = next(migrated_home.glob("postgres-*"))
    (folder / "global" / "pg_control").unlink()
    said = rest_of(up(start, free_port()))
    assert f"The database folder {folder} is damaged: its file global/pg_control is missing." in said
    assert f"mv {folder} {folder}.damaged" in said
    assert "Traceback" not in said


@pytest.mark.finding("fault F13")
def test_a_full_disk_gives_a_sentence(home: Path) -> None:
    """On a file system of 100 MB of our own, where the system lets us have one."""
    script = (
        f"mount -t tmpfs -o size=100m tmpfs {home} && exec {sys.executable} manage.py up --no-demo --port {free_port()}"
    )
    answer = subprocess.run(
        ["unshare", "--mount", "sh", "-c", script],
        cwd=REPOSITORY,
        env={**plain_environment(), "GIZ_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    if "unshare" in answer.stderr or "mount:" in answer.stderr:
        pytest.skip("this system lets us mount nothing")
    assert answer.returncode == 1
    assert "MB free" in answer.stderr
    assert "GIZ_HOME=/some/folder" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_a_locked_keeper_is_no_obstacle_after_a_crash(start: Start, migrated_home: Path) -> None:
    """Lock and status files of a crash stay; only living processes count."""
    home = migrated_home
    Layout(home).make()
    (Layout(home).run / "postgres.status").write_text('{"pid": 1, "state": "ready"}')
    Layout(home).up_lock.write_text('{"pid": 1, "address": "http://localhost:1"}')
    site = up(start, free_port())
    line_of(site, "╰")
    site.send_signal(signal.SIGINT)
    rest_of(site)
    assert not is_running(site.pid)
