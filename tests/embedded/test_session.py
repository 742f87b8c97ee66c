"""Commands share the embedded servers: the first has them started, the last one leaving ends them, whatever happens."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from giz.embedded.layout import Layout
from giz.embedded.locks import ServerState
from giz.embedded.session import needs_services, wanted_services
from giz.embedded.shared import SharedServer

from .conftest import (
    PATIENCE_S,
    REPOSITORY,
    Start,
    is_running,
    kill_hard,
    line_of,
    on_linux,
    plain_environment,
    processes_with,
    wait_until,
)

# Stands for a manage.py command: says its servers' numbers, and goes on when it is told to.
COMMAND = """
import itertools, psycopg, redis, sys
from giz import env
from giz.embedded.layout import Layout
from giz.embedded.session import services_for_command
from giz.embedded.layout import postgres_url
home = env.giz_home()
with services_for_command(["manage.py", "anything"]):
    for line in itertools.chain(["first"], sys.stdin):
        with psycopg.connect(postgres_url(Layout(home).postgres_sockets), autocommit=True) as database:
            # Two commands may be here at once, and IF NOT EXISTS does not see what another has not committed.
            database.execute("SELECT pg_advisory_lock(1)")
            database.execute("CREATE TABLE IF NOT EXISTS note (text text)")
            database.execute("INSERT INTO note VALUES ('x')")
            notes = database.execute("SELECT count(*) FROM note").fetchone()[0]
        pid_file = next(home.glob("postgres-*/postmaster.pid"))
        with redis.Redis(unix_socket_path=str(Layout(home).valkey_socket)) as valkey:
            valkey_pid = valkey.info("server")["process_id"]
        print("pids", int(pid_file.read_text().split()[0]), valkey_pid, notes, flush=True)
print("left", flush=True)
"""

pytestmark = on_linux


def server_pids(line: str) -> list[int]:
    return [int(word) for word in line.split()[1:3]]


def say(process: object, text: str) -> None:
    process.stdin.write(text)  # type: ignore[attr-defined]
    process.stdin.flush()  # type: ignore[attr-defined]


def are_gone(pids: list[int]) -> bool:
    return not any(is_running(pid) for pid in pids)


def test_two_commands_share_one_server_and_the_last_one_ends_it(start: Start, home: Path) -> None:
    first, second = start(script=COMMAND), start(script=COMMAND)
    pids = server_pids(line_of(first, "pids"))
    assert server_pids(line_of(second, "pids")) == pids
    first.communicate()
    assert not are_gone(pids[:1])
    say(second, "still there?\n")
    assert server_pids(line_of(second, "pids")) == pids
    second.communicate()
    assert are_gone(pids)
    assert not processes_with(str(home))


def test_commands_one_after_the_other_find_the_same_data(start: Start) -> None:
    counts = []
    for _ in range(3):
        command = start(script=COMMAND)
        counts.append(int(line_of(command, "pids").split()[3]))
        command.communicate()
    assert counts == [1, 2, 3]


def test_a_command_that_is_killed_takes_the_servers_from_nobody_and_leaves_none_behind(start: Start) -> None:
    starter = start(script=COMMAND)
    pids = server_pids(line_of(starter, "pids"))
    other = start(script=COMMAND)
    assert server_pids(line_of(other, "pids")) == pids
    kill_hard(starter.pid)
    say(other, "still there?\n")
    assert server_pids(line_of(other, "pids")) == pids
    kill_hard(other.pid)
    assert wait_until(lambda: are_gone(pids), PATIENCE_S)


def test_a_keeper_holds_its_lock_from_the_first_moment(home: Path) -> None:
    """Others take the lock for an instant to see whether there is one, and must not stop it from starting."""
    layout = Layout(home)
    layout.make()
    server = SharedServer(layout, "valkey", say=print)
    server.start()
    try:
        assert not ServerState(layout, "valkey").keeper.could_be_taken()
    finally:
        server.stop()
    assert not processes_with(str(home))


def test_a_server_that_is_killed_comes_back_while_the_command_runs(start: Start, home: Path) -> None:
    command = start(script=COMMAND)
    pids = server_pids(line_of(command, "pids"))
    for pid in pids:
        kill_hard(pid)
    log = Layout(home).logs / "database.log"
    broker_log = Layout(home).logs / "broker.log"
    assert wait_until(lambda: "PostgreSQL is up again" in log.read_text(), PATIENCE_S)
    assert wait_until(lambda: "Valkey is up again" in broker_log.read_text(), PATIENCE_S)
    say(command, "again\n")
    line = line_of(command, "pids")
    assert not set(server_pids(line)) & set(pids)
    assert line.split()[3] == "2"
    assert "PostgreSQL ended (signal SIGKILL)" in log.read_text()


def test_a_keeper_that_is_killed_leaves_no_server_and_the_next_command_works(start: Start, home: Path) -> None:
    command = start(script=COMMAND)
    pids = server_pids(line_of(command, "pids"))
    for line in processes_with("giz.embedded.keeper"):
        if str(home) in line:
            kill_hard(int(line.partition(":")[0]))
    assert wait_until(lambda: are_gone(pids), PATIENCE_S)
    following = start(script=COMMAND)
    assert line_of(following, "pids").split()[3] == "2"


def test_a_long_data_folder_works_too(start: Start, home: Path) -> None:
    long = home / ("a-folder-with-a-long-name-" * 4) / "and spaces, commas" / "giz"
    command = start(script=COMMAND, giz_home=long)
    assert line_of(command, "pids").split()[3] == "1"
    sockets = Layout(long).sockets
    assert len(os.fsencode(sockets)) < 60
    assert sockets.stat().st_mode & 0o777 == 0o711
    assert (sockets / "postgres").stat().st_mode & 0o777 == 0o700
    command.communicate()


def test_a_damaged_database_ends_the_command_with_a_sentence(start: Start, home: Path) -> None:
    start(script=COMMAND).communicate()
    folder = next(home.glob("postgres-*"))
    (folder / "PG_VERSION").unlink()
    command = start(script=COMMAND)
    said, _ = command.communicate()
    assert command.returncode == 1
    assert said == (
        f"The database folder {folder} is damaged: its file PG_VERSION is missing.\n"
        f"Restore it from a backup, or move it away and start with an empty database: mv {folder} {folder}.damaged\n"
    )


@pytest.mark.parametrize("folder", ["file/giz", "/proc/giz"])
def test_a_data_folder_that_cannot_be_made_ends_the_command_with_a_sentence(
    start: Start, home: Path, folder: str
) -> None:
    """Neither below a file nor where even root may not write."""
    (home / "file").write_text("")
    command = start("manage.py", "check", "--database", "default", giz_home=home / folder)
    said, _ = command.communicate()
    assert command.returncode == 1
    assert "folder" in said
    assert "Traceback" not in said


def test_sigterm_ends_a_command_and_its_servers(start: Start) -> None:
    command = start(script=COMMAND)
    pids = server_pids(line_of(command, "pids"))
    command.send_signal(signal.SIGTERM)
    assert command.wait(PATIENCE_S) == -signal.SIGTERM
    assert wait_until(lambda: are_gone(pids), PATIENCE_S)


@pytest.mark.parametrize(
    ("words", "needed"),
    [
        ("", False),
        ("help", False),
        ("--version", False),
        ("migrate", True),
        ("migrate --help", False),
        ("import_galaxies -h", False),
        ("check", False),
        ("check --deploy", False),
        ("check --database default", True),
        ("up --port 8123", False),
        ("spectacular --file schema.yml", False),
        ("collectstatic", False),
        ("makemigrations --check", True),
        ("shell", True),
    ],
)
def test_only_commands_that_read_data_have_the_services_started(words: str, needed: bool) -> None:
    assert needs_services(["manage.py", *words.split()]) is needed


@pytest.mark.parametrize(
    ("environ", "services"),
    [
        ({}, ["postgres", "valkey"]),
        ({"DATABASE_URL": " "}, ["postgres", "valkey"]),
        ({"DATABASE_URL": "postgresql://h/n"}, ["valkey"]),
        ({"CELERY_BROKER_URL": "redis://h/0"}, ["postgres", "valkey"]),
        ({"CELERY_BROKER_URL": "redis://h/0", "CACHE_URL": "redis://h/1"}, ["postgres"]),
        ({"DATABASE_URL": "postgresql://h/n", "CELERY_BROKER_URL": "amqp://h", "CACHE_URL": "redis://h/1"}, []),
    ],
)
def test_servers_named_by_settings_replace_the_embedded_ones(environ: dict[str, str], services: list[str]) -> None:
    assert wanted_services(environ) == services


def test_a_slip_in_the_command_s_name_starts_no_server(start: Start, home: Path) -> None:
    said, _ = start("manage.py", "improt_galaxies", "x.csv").communicate(timeout=PATIENCE_S)
    assert "Did you mean import_galaxies?" in said
    assert not list(home.glob("postgres-*"))


def test_a_setting_that_can_not_be_used_gives_one_sentence(start: Start) -> None:
    said, _ = start("manage.py", "aggregate", DATABASE_POOL_SIZE="many").communicate(timeout=PATIENCE_S)
    assert said.startswith("DATABASE_POOL_SIZE must be a whole number, not 'many'.")
    assert "Traceback" not in said


def test_a_deployment_without_a_secret_key_is_told_so_in_one_sentence(start: Start) -> None:
    said, _ = start("manage.py", "check", SECRET_KEY="", DATABASE_URL="postgresql://giz@db/giz").communicate(
        timeout=PATIENCE_S
    )
    assert said.startswith("SECRET_KEY must be set when DATABASE_URL is set.")
    assert "Traceback" not in said


def test_a_reader_who_leaves_early_ends_a_command_without_a_traceback() -> None:
    ours, theirs = os.pipe()
    os.close(ours)
    ended = subprocess.run(
        [sys.executable, "manage.py", "help"],
        stdout=theirs,
        stderr=subprocess.PIPE,
        text=True,
        cwd=REPOSITORY,
        env=plain_environment(),
        check=False,
    )
    os.close(theirs)
    assert ended.stderr == ""
    assert ended.returncode == 141
