"""A PostgreSQL server of our own: made once, run in the foreground on a unix socket, found again after any crash."""

import contextlib
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from giz.embedded.binaries import PostgresBinaries, find_postgres
from giz.embedded.child import Child, LineSink, describe_exit, ignore_line
from giz.embedded.errors import EmbeddedError, disk_full, unwritable
from giz.embedded.identity import Identity, identity_for
from giz.embedded.layout import check_free_space, private_folder
from giz.embedded.urls import DATABASE_NAME, DATABASE_USER, POSTGRES_PORT, postgres_settings, postgres_url

START_TIMEOUT_S = 60.0
# After a kill -9 the old server's children need a moment to notice, and its pid may be a zombie for a while.
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


class PostgresServer:
    """One PostgreSQL on ``data_dir``, reachable over the socket in ``socket_dir``; a context manager.

    ``fsync=False`` is for throw-away servers of tests only. Whoever can enter the socket's folder (mode 0700) is
    trusted, so no password exists. The role ``giz`` owns the database ``giz`` and may make others, but is no superuser.
    """

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
        self.data_dir = data_dir
        self.socket_dir = socket_dir
        self._fsync = fsync
        self._on_line = on_line
        self._binaries = binaries
        self._identity = identity
        self._child: Child | None = None

    @property
    def settings(self) -> dict[str, str]:
        """HOST, NAME, USER ... for Django's DATABASES."""
        return postgres_settings(self.socket_dir)

    @property
    def url(self) -> str:
        return postgres_url(self.socket_dir)

    @property
    def pid(self) -> int | None:
        return self._child.pid if self._child else None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self, timeout_s: float = START_TIMEOUT_S) -> None:
        """Make the data folder where there is none, start the server and wait until it answers."""
        binaries = self._binaries = self._binaries or find_postgres()
        try:
            self.data_dir.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise unwritable(self.data_dir.parent, error) from None
        check_free_space(self.data_dir.parent)
        identity = self._identity or identity_for(self.data_dir)
        if not _holds_something(self.data_dir):
            create_database_folder(self.data_dir, binaries, identity)
            self._write_through()
        refuse_damaged(self.data_dir, binaries.major)
        private_folder(self.socket_dir, identity.uid)
        _free_stale_locks(self.data_dir, self.socket_dir)
        self._start_and_wait(binaries, identity, timeout_s)

    def _write_through(self) -> None:
        """Have the new files on the disk soon; waiting for it would double the time of the first start."""
        if self._fsync:
            threading.Thread(target=os.sync, daemon=True).start()

    def stop(self, timeout_s: float = 3.0) -> None:
        """Fast shutdown; where that lasts too long, an immediate one (the next start recovers), then SIGKILL."""
        if self._child is not None:
            self._child.stop(timeout_s, then=(signal.SIGQUIT, signal.SIGKILL))
            self._child = None

    def poll(self) -> int | None:
        """The exit code of a server that ended by itself, None while it runs."""
        return self._child.poll() if self._child else 0

    def tail(self) -> list[str]:
        return self._child.tail() if self._child else []

    def _command(self, binaries: PostgresBinaries, identity: Identity) -> list[str]:
        settings = {**_SETTINGS, "unix_socket_directories": str(self.socket_dir), "port": str(POSTGRES_PORT)}
        if not self._fsync:
            settings |= _UNSAFE_BUT_FAST
        words = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return [*identity.prefix, str(binaries.postgres), "-D", str(self.data_dir), *words]

    def _start_and_wait(self, binaries: PostgresBinaries, identity: Identity, timeout_s: float) -> None:
        started = time.monotonic()
        while True:
            child = self._child = Child(
                self._command(binaries, identity),
                env=server_environment(),
                cwd=self.data_dir,
                uid=identity.uid,
                gid=identity.gid,
                on_line=self._on_line,
                stop_signal=signal.SIGINT,
            )
            if self._wait_ready(child, started + timeout_s):
                return
            tail, code = child.tail(), child.poll()
            child.stop(0)
            self._child = None
            crashed_before = any(sign in line for line in tail for sign in _STILL_THERE)
            if code is None or not crashed_before or time.monotonic() - started > CRASH_RETRY_S:
                raise _start_error(self.data_dir, tail, code, timeout_s)
            time.sleep(0.2)
            _free_stale_locks(self.data_dir, self.socket_dir)

    def _wait_ready(self, child: Child, deadline: float) -> bool:
        """As pg_ctl does: the server writes ``ready`` into the eighth line of its pid file."""
        while child.poll() is None and time.monotonic() < deadline:
            lines = _lines_of(self.data_dir / "postmaster.pid")
            if len(lines) >= 8 and lines[0].strip() == str(child.pid) and lines[7].strip() == "ready":
                return True
            time.sleep(0.02)
        return False


def server_environment() -> dict[str, str]:
    """A plain environment: PGHOST, PGDATA and the like of the caller must not reach the server."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}


def create_database_folder(data_dir: Path, binaries: PostgresBinaries, identity: Identity) -> None:
    """Run initdb and create role and database beside ``data_dir``, then rename: half-made folders are never used."""
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
    initdb: list[str | Path] = [binaries.initdb, "-D", unfinished, "-U", "postgres", "-A", "trust"]
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
            f"{argv[0]} can't be run by user number {identity.uid or os.geteuid()} ({error.strerror}).",
            "Install GIZ where that user can read it, run GIZ as an ordinary user, or set DATABASE_URL.",
        ) from None
    lines = answer.stdout.splitlines()
    failed = any(line.startswith(("FATAL", "ERROR", "PANIC")) or " ERROR: " in line for line in lines)
    if answer.returncode != 0 or (statements and failed):
        raise _start_error(folder, lines, answer.returncode, START_TIMEOUT_S)


def _holds_something(folder: Path) -> bool:
    try:
        return any(folder.iterdir())
    except FileNotFoundError:
        return False
    except OSError as error:
        raise unwritable(folder, error) from None


def _refuse_other_major(data_dir: Path) -> None:
    """An empty database must never silently take the place of one that an older PostgreSQL made."""
    stem = data_dir.name.rsplit("-", 1)[0]
    others = [
        folder
        for folder in data_dir.parent.glob(f"{stem}-*")
        if folder.name.removeprefix(f"{stem}-").isdigit() and folder != data_dir and (folder / "PG_VERSION").exists()
    ]
    if others:
        raise EmbeddedError(
            f"Your data are in {others[0]}, but the PostgreSQL found here is another major version ({data_dir.name}).",
            f"Install the version that made them, or dump them with it and load them anew; to begin empty: "
            f"mv {others[0]} {others[0]}.old",
        )


def refuse_damaged(data_dir: Path, major: int) -> None:
    """Say in one sentence that a data folder can't be a working database of this major version."""
    try:
        version = (data_dir / "PG_VERSION").read_text().strip()
    except FileNotFoundError:
        version = ""
    except OSError as error:
        raise unwritable(data_dir, error) from None
    if version and version != str(major):
        raise EmbeddedError(
            f"The database in {data_dir} was made by PostgreSQL {version}; the PostgreSQL found here is {major}.",
            "Install the version that made it, or dump it with that version and load it anew.",
        )
    if not version or not (data_dir / "global" / "pg_control").exists():
        missing = "global/pg_control" if version else "PG_VERSION"
        raise _damaged(data_dir, f"its file {missing} is missing")


def _damaged(data_dir: Path, why: str) -> EmbeddedError:
    return EmbeddedError(
        f"The database folder {data_dir} is damaged: {why}.",
        f"Restore it from a backup, or move it away and begin empty: mv {data_dir} {data_dir}.damaged",
    )


def _start_error(data_dir: Path, lines: Sequence[str], code: int | None, timeout_s: float) -> EmbeddedError:
    text = "\n".join(lines)
    if "No space left on device" in text:
        return disk_full(data_dir.parent)
    if code is None:
        return EmbeddedError(
            f"PostgreSQL on {data_dir} was not ready after {timeout_s:.0f} s.",
            "The machine may be very busy, or the database recovering from a crash: try again.",
        )
    signs = ("FATAL:", "PANIC:", "ERROR:", "initdb: error:", "could not")
    telling = [line.split("] ", 1)[-1] for line in lines if any(sign in line for sign in signs)]
    why = telling[0] if telling else (lines[-1] if lines else describe_exit(code))
    if any(sign in text for sign in _STILL_THERE):
        return EmbeddedError(
            f"Another PostgreSQL still uses {data_dir} ({why}).",
            "End it (its number is in the first line of postmaster.pid there), or wait a little and try again.",
        )
    return _damaged(data_dir, f"PostgreSQL says {why!r}")


def _lines_of(file: Path) -> list[str]:
    with contextlib.suppress(OSError):
        return file.read_text().splitlines()
    return []


def _free_stale_locks(data_dir: Path, socket_dir: Path) -> None:
    for file in (data_dir / "postmaster.pid", socket_dir / f".s.PGSQL.{POSTGRES_PORT}.lock"):
        _free_stale_lock(file, data_dir)


def _free_stale_lock(file: Path, data_dir: Path) -> None:
    """Help PostgreSQL over a lock file whose number is a zombie or belongs to some other program by now.

    It sees that a number is dead, but not that it was taken anew (as after a restart of a container) or that nobody has
    buried the process. Only the number is replaced: by the rest of the file it finds backends that are still at work.
    A real server that is still there (its keeper was killed) is asked to end: callers hold the lock of this folder, so
    nobody else can be using it.
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
