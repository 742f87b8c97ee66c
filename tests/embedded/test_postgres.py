"""The PostgreSQL of our own, run for real: made, restarted, killed, damaged, under several users."""

import os
import pwd
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from giz.embedded.binaries import Identity, find_postgres, identity_for
from giz.embedded.errors import EmbeddedError
from giz.embedded.postgres import PostgresServer

from .conftest import as_root, kill_hard, on_linux

MAJOR = find_postgres().major


def server_in(home: Path, identity: Identity | None = None, *, fsync: bool = False) -> PostgresServer:
    return PostgresServer(home / f"postgres-{MAJOR}", home / "sockets" / "postgres", fsync=fsync, identity=identity)


def write_note(server: PostgresServer, text: str) -> None:
    with psycopg.connect(server.url) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS note (text text)")
        connection.execute("INSERT INTO note VALUES (%s)", [text])


def read_notes(server: PostgresServer) -> list[str]:
    with psycopg.connect(server.url) as connection:
        return [row[0] for row in connection.execute("SELECT text FROM note ORDER BY text")]


def test_data_survive_a_restart(home: Path) -> None:
    with server_in(home) as server:
        write_note(server, "kept")
    with server_in(home) as server:
        assert read_notes(server) == ["kept"]


def test_the_role_owns_its_database_may_make_others_and_is_no_superuser(home: Path) -> None:
    with server_in(home) as server, psycopg.connect(server.url, autocommit=True) as connection:
        row = connection.execute(
            "SELECT current_user, rolsuper, rolcreatedb, pg_encoding_to_char(encoding), current_setting('TimeZone'), "
            "current_setting('listen_addresses') FROM pg_roles, pg_database "
            "WHERE rolname = current_user AND datname = current_database()"
        ).fetchone()
        connection.execute("CREATE DATABASE another TEMPLATE giz STRATEGY file_copy")
        assert row == ("giz", False, True, "UTF8", "UTC", "")
        assert connection.execute("SELECT upper('é') = 'É'").fetchone() == (True,)


def test_only_the_owner_can_enter_the_folder_of_the_socket(home: Path) -> None:
    with server_in(home) as server:
        assert server.socket_dir.stat().st_mode & 0o777 == 0o700


@pytest.mark.finding("fault F3")
@on_linux
def test_a_server_that_was_killed_hard_starts_again_with_its_data(home: Path) -> None:
    server = server_in(home, fsync=True)
    server.start()
    write_note(server, "before the kill")
    assert server.pid is not None
    kill_hard(server.pid)
    with server_in(home, fsync=True) as again:
        assert read_notes(again) == ["before the kill"]
    server.stop()


@on_linux
def test_a_server_that_lost_its_keeper_is_ended_and_followed_by_another(home: Path) -> None:
    lost = server_in(home)
    lost.start()
    write_note(lost, "kept")
    with server_in(home) as server:
        assert read_notes(server) == ["kept"]
        assert server.pid != lost.pid
    lost.stop()


def test_a_half_made_folder_is_made_anew(home: Path) -> None:
    unfinished = home / f"postgres-{MAJOR}.unfinished"
    (unfinished / "base").mkdir(parents=True)
    (unfinished / "PG_VERSION").write_text(f"{MAJOR}\n")
    with server_in(home) as server:
        write_note(server, "works")
    assert not unfinished.exists()


@pytest.mark.parametrize("missing", ["PG_VERSION", "global/pg_control"])
def test_a_damaged_folder_is_named_with_the_way_out(home: Path, missing: str) -> None:
    with server_in(home) as server:
        data_dir = server.data_dir
    (data_dir / missing).unlink()
    with pytest.raises(EmbeddedError) as caught:
        server_in(home).start()
    assert f"{data_dir} is damaged: its file {missing} is missing" in caught.value.what
    assert f"mv {data_dir} {data_dir}.damaged" in caught.value.hint


def test_damage_that_only_postgres_sees_is_told_in_its_words(home: Path) -> None:
    with server_in(home) as server:
        data_dir = server.data_dir
    (data_dir / "global" / "pg_control").write_bytes(bytes(8192))
    with pytest.raises(EmbeddedError, match=r"is damaged: PostgreSQL says '.+'"):
        server_in(home).start()


def test_data_of_another_major_version_are_never_hidden_behind_an_empty_database(home: Path) -> None:
    older = home / "postgres-12"
    older.mkdir()
    (older / "PG_VERSION").write_text("12\n")
    with pytest.raises(EmbeddedError, match=f"Your data are in {older}"):
        server_in(home).start()
    assert not (home / f"postgres-{MAJOR}").exists()


@on_linux
def test_a_pid_file_whose_number_another_program_has_now_is_no_hindrance(home: Path) -> None:
    with server_in(home) as server:
        write_note(server, "kept")
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        (server.data_dir / "postmaster.pid").write_text(f"{other.pid}\n{server.data_dir}\n1\n5432\n\n\n\nready\n")
        with server_in(home) as again:
            assert read_notes(again) == ["kept"]


def test_a_folder_that_cannot_be_written_gives_a_sentence(home: Path) -> None:
    (home / "file").write_text("")
    with pytest.raises(EmbeddedError) as caught:
        PostgresServer(home / "file" / f"postgres-{MAJOR}", home / "s" / "postgres").start()
    assert "cannot write" in caught.value.what
    assert "GIZ_HOME" in caught.value.hint


@as_root
def test_a_disk_that_is_nearly_full_gives_a_sentence(home: Path) -> None:
    disk = home / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "none", disk], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("this machine allows no mount")
    try:
        with pytest.raises(EmbeddedError) as caught:
            server_in(disk).start()
    finally:
        subprocess.run(["umount", disk], check=True)
    assert "MB free" in caught.value.what
    assert "200 MB" in caught.value.hint


@as_root
def test_it_runs_as_nobody_where_namespaces_are_forbidden(home: Path) -> None:
    nobody = pwd.getpwnam("nobody")
    with server_in(home, Identity(uid=nobody.pw_uid, gid=nobody.pw_gid)) as server:
        write_note(server, "kept")
        assert server.data_dir.stat().st_uid == nobody.pw_uid
        assert server.pid is not None
        assert Path(f"/proc/{server.pid}").stat().st_uid == nobody.pw_uid
    # From now on root serves them as that user, namespaces or not.
    assert identity_for(server.data_dir).uid == nobody.pw_uid
    with server_in(home) as again:
        assert read_notes(again) == ["kept"]


@as_root
def test_an_ordinary_user_runs_it_under_its_own_name(home: Path) -> None:
    nobody = pwd.getpwnam("nobody")
    os.chown(home, nobody.pw_uid, nobody.pw_gid)
    script = (
        "from tests.embedded.test_postgres import *\n"
        f"with server_in(Path({str(home)!r})) as server:\n"
        "    write_note(server, 'mine')\n"
        "    print(os.geteuid(), read_notes(server))\n"
    )
    try:
        done = subprocess.run(
            [sys.executable, "-c", script],
            user=nobody.pw_uid,
            group=nobody.pw_gid,
            extra_groups=[],
            capture_output=True,
            text=True,
            cwd=Path(__file__).resolve().parents[2],
            env={"PATH": os.defpath, "PYTHONDONTWRITEBYTECODE": "1"},
            check=False,
        )
    except PermissionError:
        pytest.skip("this Python lies where other users can't reach it")
    assert done.stdout == f"{nobody.pw_uid} ['mine']\n", done.stderr


@as_root
def test_data_of_an_ordinary_user_are_served_by_root_under_that_user(home: Path) -> None:
    folder = home / "postgres-1"
    folder.mkdir()
    os.chown(folder, 4321, 4321)
    assert identity_for(folder) == Identity(uid=4321, gid=4321)
