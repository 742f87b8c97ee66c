"""The folders, sockets and addresses of the embedded servers of one GIZ_HOME; computing them does no I/O."""

import hashlib
import os
import re
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path

from giz.embedded.errors import EmbeddedError, disk_full, unwritable

# The kernel allows 108 bytes for a socket's path on Linux and 104 on macOS; ".s.PGSQL.5432" is the longest name in it.
MAX_SOCKETS_BYTES = 103 - len("/postgres/.s.PGSQL.5432")
# A comma would split libpq's host list, and other characters would need quoting in broker addresses.
_PLAIN_PATH = re.compile(r"[A-Za-z0-9_./+-]+")
MIN_FREE_MB = 200
DATABASE_NAME = "giz"
# Owns the tables and migrates them.
DATABASE_USER = "giz"
# Runs the site: reads and writes rows, but can neither empty a table nor disable its triggers.
DATABASE_RUNTIME_USER = "giz_runtime"
POSTGRES_PORT = 5432


@dataclass(frozen=True)
class Layout:
    """The folders and files of one GIZ_HOME."""

    home: Path

    @property
    def run(self) -> Path:
        """Locks and status files."""
        return self.home / "run"

    @property
    def logs(self) -> Path:
        return self.home / "logs"

    @property
    def valkey_data(self) -> Path:
        return self.home / "valkey"

    @property
    def up_lock(self) -> Path:
        return self.home / "up.lock"

    @property
    def sockets(self) -> Path:
        """The folder of the sockets: in GIZ_HOME, or under /tmp where the path of GIZ_HOME is too long for a socket.

        It is /tmp and not TMPDIR, so that every process of this GIZ_HOME finds the same sockets.
        """
        inside = self.home / "sockets"
        if len(os.fsencode(inside)) <= MAX_SOCKETS_BYTES and _PLAIN_PATH.fullmatch(str(inside)):
            return inside
        digest = hashlib.sha256(os.fsencode(self.home)).hexdigest()[:16]
        return Path("/tmp") / f"giz-{digest}"  # noqa: S108 - private_folder() checks whose it is

    @property
    def postgres_sockets(self) -> Path:
        return self.sockets / "postgres"

    @property
    def valkey_socket(self) -> Path:
        return self.sockets / "valkey" / "valkey.sock"

    def postgres_data(self, major: int) -> Path:
        return self.home / f"postgres-{major}"

    def make(self) -> None:
        """Create the folders; raise EmbeddedError where they can't be used."""
        for folder in (self.home, self.run, self.logs):
            try:
                folder.mkdir(parents=True, exist_ok=True, mode=0o700 if folder != self.home else 0o755)
            except OSError as error:
                raise unwritable(folder, error) from None
            if not os.access(folder, os.W_OK | os.X_OK):
                raise unwritable(folder, PermissionError(13, "permission denied"))
        check_free_space(self.home)


def private_folder(folder: Path, service_uid: int | None = None) -> None:
    """Create ``folder`` (mode 0700) for us or for the account that the service runs under.

    Its parent may lie in /tmp, where anybody can create a folder first: one of another owner, or a link, is refused.
    """
    parent = folder.parent
    try:
        parent.mkdir(mode=0o711, parents=True, exist_ok=True)
        found = parent.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o022:
            raise EmbeddedError(
                f"{parent} is not a folder that only this user can write, so GIZ won't put its sockets there.",
                f"Remove it (or: chmod 711 {parent}), or choose another data folder with GIZ_HOME=/some/folder.",
            )
        folder.mkdir(mode=0o700, exist_ok=True)
        if service_uid is not None:
            os.chown(folder, service_uid, -1)
        folder.chmod(0o700)
    except OSError as error:
        raise unwritable(folder, error) from None


def check_free_space(folder: Path, minimum_mb: int = MIN_FREE_MB) -> None:
    free_mb = shutil.disk_usage(folder).free // 1_000_000
    if free_mb < minimum_mb:
        raise disk_full(folder, free_mb)


def postgres_settings(socket_folder: Path) -> dict[str, str]:
    """Return Django's connection settings for the owner of the tables, through the socket in ``socket_folder``."""
    return {
        "NAME": DATABASE_NAME,
        "USER": DATABASE_USER,
        "PASSWORD": "",
        "HOST": str(socket_folder),
        "PORT": str(POSTGRES_PORT),
    }


def postgres_url(socket_folder: Path) -> str:
    return f"postgresql://{DATABASE_USER}@/{DATABASE_NAME}?host={socket_folder}"


def embedded_postgres_settings(giz_home: Path) -> dict[str, str]:
    return {**embedded_owner_settings(giz_home), "USER": DATABASE_RUNTIME_USER}


def embedded_owner_settings(giz_home: Path) -> dict[str, str]:
    return postgres_settings(Layout(giz_home).postgres_sockets)


def default_broker_url(giz_home: Path) -> str:
    """Return Celery's address: database 0 of Valkey."""
    return f"redis+socket://{Layout(giz_home).valkey_socket}?virtual_host=0"


def default_cache_url(giz_home: Path) -> str:
    """Return the cache's address: database 1 of Valkey, so that clearing the cache leaves the queues alone."""
    return f"unix://{Layout(giz_home).valkey_socket}?db=1"
