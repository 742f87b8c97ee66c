"""The embedded PostgreSQL: created once, run in the foreground on a unix socket, recovered after any crash."""

import contextlib
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import psycopg

from giz.embedded.binaries import Identity, PostgresBinaries, find_postgres, identity_for
from giz.embedded.child import LineSink, describe_exit, ignore_line
from giz.embedded.errors import EmbeddedError, disk_full, unwritable
from giz.embedded.layout import (
    DATABASE_NAME,
    DATABASE_RUNTIME_USER,
    DATABASE_USER,
    POSTGRES_PORT,
    check_free_space,
    postgres_url,
    private_folder,
)
from giz.embedded.roles import grant_runtime, has_role, make_role
from giz.embedded.service import Server

SUPERUSER = "postgres"
# After a kill -9 the old server's children need a moment to end, and its pid may be a zombie for a while.
CRASH_RETRY_S = 10.0
# Above every kernel's largest process number.
NO_PROCESS = 2**31 - 1
_STILL_THERE = ("lock file", "pre-existing shared memory block", "Is another postmaster")
_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "effective_cache_size": "512MB",
    "work_mem": "8MB",
    "maintenance_work_mem": "64MB",
    "jit": "off",
    "log_checkpoints": "off",
    "log_line_prefix": "[%p] ",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
_UNSAFE_BUT_FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class PostgresServer(Server):
    """One PostgreSQL on ``data_dir``, reachable over the socket in ``socket_dir``.

    Whoever can enter the socket's folder (mode 0700) is trusted, so there is no password. The role ``giz`` owns the
    database ``giz`` and may create others, but is no superuser; the site itself runs as ``giz_runtime`` (roles.py).
    Each start creates the roles that are missing.
    """

    name = "PostgreSQL"
    grace_s = 3.0
    # A fast shutdown that takes too long is followed by an immediate one: the next start recovers.
    last_signals = (signal.SIGQUIT, signal.SIGKILL)

    def __init__(
        self,
        data_dir: Path,
        socket_dir: Path,
        *,
        fsync: bool = True,
        on_line: LineSink = ignore_line,
        binaries: PostgresBinaries | None = None,
        identity: Identity | None = None,
    ) -> None:
        super().__init__(data_dir, fsync=fsync, on_line=on_line)
        self.socket_dir = socket_dir
        self._binaries = binaries
        self._identity = identity

    @property
    def url(self) -> str:
        return postgres_url(self.socket_dir)

    def start(self) -> None:
        """Create the data folder where there is none, start the server and wait until it answers."""
        binaries = self._binaries = self._binaries or find_postgres()
        try:
            self.data_dir.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise unwritable(self.data_dir.parent, error) from None
        check_free_space(self.data_dir.parent)
        identity = self._identity or identity_for(self.data_dir)
        if not _holds_something(self.data_dir):
            create_database_folder(self.data_dir, binaries, identity)
            if self._fsync:
                # Waiting until the new files are on the disk would double the time of the first start.
                threading.Thread(target=os.sync, daemon=True).start()
        refuse_damaged(self.data_dir, binaries.major)
        private_folder(self.socket_dir, identity.uid)
        self._launch_after_crash(binaries, identity)
        self._create_runtime_role()

    def is_ready(self) -> bool:
        """Return what pg_ctl looks for: the server writes ``ready`` into the eighth line of its pid file."""
        lines = _lines_of(self.data_dir / "postmaster.pid")
        return len(lines) >= 8 and lines[0].strip() == str(self.pid) and lines[7].strip() == "ready"

    def _launch_after_crash(self, binaries: PostgresBinaries, identity: Identity) -> None:
        """Start the server, again for some seconds while processes of one that crashed are still there."""
        settings = {**_SETTINGS, "unix_socket_directories": str(self.socket_dir), "port": str(POSTGRES_PORT)}
        if not self._fsync:
            settings |= _UNSAFE_BUT_FAST
        words = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        started = time.monotonic()
        while True:
            for file in (self.data_dir / "postmaster.pid", self.socket_dir / f".s.PGSQL.{POSTGRES_PORT}.lock"):
                _free_stale_lock(file, self.data_dir)
            failure = self._launch(
                [*identity.prefix, str(binaries.postgres), "-D", str(self.data_dir), *words],
                env=server_environment(),
                uid=identity.uid,
                gid=identity.gid,
                stop_signal=signal.SIGINT,
            )
            if failure is None:
                return
            lines, code = failure
            crashed_before = any(sign in line for line in lines for sign in _STILL_THERE)
            if code is None or not crashed_before or time.monotonic() - started > CRASH_RETRY_S:
                raise _start_error(self.data_dir, lines, code)
            time.sleep(0.2)

    def _create_runtime_role(self) -> None:
        """Create the role that runs the site in a new data folder, or in one of an older GIZ."""
        with psycopg.connect(
            host=str(self.socket_dir), port=POSTGRES_PORT, user=SUPERUSER, dbname=DATABASE_NAME, autocommit=True
        ) as connection:
            if not has_role(connection, DATABASE_RUNTIME_USER):
                make_role(connection, DATABASE_RUNTIME_USER)
                # The owner may become it, and end its connections.
                connection.execute(f"GRANT {DATABASE_RUNTIME_USER} TO {DATABASE_USER}")
                grant_runtime(connection, DATABASE_RUNTIME_USER, owner=DATABASE_USER)


def server_environment() -> dict[str, str]:
    """Return an environment without PGHOST, PGDATA and the like of the caller."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}


def create_database_folder(data_dir: Path, binaries: PostgresBinaries, identity: Identity) -> None:
    """Run initdb, create role and database beside ``data_dir``, then rename: an unfinished folder is never used."""
    unfinished = data_dir.with_name(data_dir.name + ".unfinished")
    _refuse_other_major(data_dir)
    try:
        if unfinished.exists():
            shutil.rmtree(unfinished)
        unfinished.mkdir(mode=0o700)
        if identity.uid is not None:
            os.chown(unfinished, identity.uid, identity.gid if identity.gid is not None else -1)
    except OSError as error:
        raise unwritable(data_dir.parent, error) from None
    initdb: list[str | Path] = [binaries.initdb, "-D", unfinished, "-U", SUPERUSER, "-A", "trust"]
    initdb += ["--encoding=UTF8", "--locale=C", "--no-sync"]
    if binaries.major >= 17:
        initdb += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    _run_once(initdb, identity, unfinished)
    statements = (
        f"CREATE ROLE {DATABASE_USER} LOGIN CREATEDB;\nCREATE DATABASE {DATABASE_NAME} OWNER {DATABASE_USER};\n"
    )
    _run_once(
        [binaries.postgres, "--single", "-D", unfinished, "-c", "fsync=off", "postgres"],
        identity,
        unfinished,
        statements,
    )
    unfinished.rename(data_dir)


def _run_once(argv: Sequence[str | Path], identity: Identity, folder: Path, statements: str = "") -> None:
    try:
        answer = subprocess.run(
            [*identity.prefix, *map(str, argv)],
            input=statements,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd="/",
            env=server_environment(),
            user=identity.uid,
            group=identity.gid,
            extra_groups=None if identity.uid is None else [],
            check=False,
        )
    except OSError as error:
        raise EmbeddedError(
            f"{argv[0]} can't be run by user id {identity.uid or os.geteuid()} ({error.strerror}).",
            "Install GIZ where that user can read it, run GIZ as an ordinary user, or set DATABASE_URL.",
        ) from None
    lines = answer.stdout.splitlines()
    failed = any(line.startswith(("FATAL", "ERROR", "PANIC")) or " ERROR: " in line for line in lines)
    if answer.returncode != 0 or (statements and failed):
        raise _start_error(folder, lines, answer.returncode)


def _holds_something(folder: Path) -> bool:
    try:
        return any(folder.iterdir())
    except FileNotFoundError:
        return False
    except OSError as error:
        raise unwritable(folder, error) from None


def _refuse_other_major(data_dir: Path) -> None:
    """Raise where another version has made the data: an empty database must never silently take their place."""
    stem = data_dir.name.rsplit("-", 1)[0]
    others = [
        folder
        for folder in data_dir.parent.glob(f"{stem}-*")
        if folder.name.removeprefix(f"{stem}-").isdigit() and folder != data_dir and (folder / "PG_VERSION").exists()
    ]
    if others:
        raise EmbeddedError(
            f"Your data are in {others[0]}, but the PostgreSQL found here is another major version ({data_dir.name}).",
            "Install the version that made them, or dump them with that version and restore them; to start with an "
            f"empty database: mv {others[0]} {others[0]}.old",
        )


def refuse_damaged(data_dir: Path, major: int) -> None:
    """Raise where a data folder can't be a working database of this major version."""
    try:
        version = (data_dir / "PG_VERSION").read_text().strip()
    except FileNotFoundError:
        version = ""
    except OSError as error:
        raise unwritable(data_dir, error) from None
    if version and version != str(major):
        raise EmbeddedError(
            f"The database in {data_dir} was made by PostgreSQL {version}; the PostgreSQL found here is {major}.",
            "Install the version that made it, or dump it with that version and restore it.",
        )
    if not version or not (data_dir / "global" / "pg_control").exists():
        missing = "global/pg_control" if version else "PG_VERSION"
        raise _damaged(data_dir, f"its file {missing} is missing")


def _damaged(data_dir: Path, why: str) -> EmbeddedError:
    return EmbeddedError(
        f"The database folder {data_dir} is damaged: {why}.",
        f"Restore it from a backup, or move it away and start with an empty database: mv {data_dir} {data_dir}.damaged",
    )


def _start_error(data_dir: Path, lines: Sequence[str], code: int | None) -> EmbeddedError:
    text = "\n".join(lines)
    if "No space left on device" in text:
        return disk_full(data_dir.parent)
    if code is None:
        return EmbeddedError(
            f"PostgreSQL on {data_dir} was not ready after {PostgresServer.start_timeout_s:.0f} s.",
            "The machine may be very busy, or the database may be recovering from a crash. Try again.",
        )
    signs = ("FATAL:", "PANIC:", "ERROR:", "initdb: error:", "could not")
    telling = [line.split("] ", 1)[-1] for line in lines if any(sign in line for sign in signs)]
    why = telling[0] if telling else (lines[-1] if lines else describe_exit(code))
    if any(sign in text for sign in _STILL_THERE):
        return EmbeddedError(
            f"Another PostgreSQL still uses {data_dir} ({why}).",
            "Stop it (its process id is in the first line of postmaster.pid there), or wait a little and try again.",
        )
    return _damaged(data_dir, f"PostgreSQL says {why!r}")


def _lines_of(file: Path) -> list[str]:
    with contextlib.suppress(OSError):
        return file.read_text().splitlines()
    return []


def _free_stale_lock(file: Path, data_dir: Path) -> None:
    """Replace the process number in a lock file where it is a zombie's or belongs to another program by now.

    PostgreSQL notices a number that no process has, but not one that was given again (as after a restart of a
    container) or a zombie's. Only the number is replaced: the rest of the file leads it to backends that still run.
    A server that still runs because its keeper was killed is asked to end; nobody else can be using it, because the
    caller holds the lock of this data folder.
    """
    lines = _lines_of(file)
    if not lines or not lines[0].strip().isdigit():
        return
    pid = int(lines[0])
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        is_zombie = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[0] == b"Z"
    except OSError:
        return
    if os.fsencode(data_dir) in command:
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGINT)
    elif is_zombie or b"postgres" not in command[0]:
        file.write_text("\n".join([str(NO_PROCESS), *lines[1:], ""]))
