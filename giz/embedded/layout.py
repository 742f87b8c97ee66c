"""Where the embedded services keep their things under one GIZ_HOME; computing a place does no I/O."""

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
        """The folder of the sockets: in GIZ_HOME, or a short one under /tmp where GIZ_HOME is too long for a socket.

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
        """Create the folders, or say in one sentence why they can't be."""
        for folder in (self.home, self.run, self.logs):
            try:
                folder.mkdir(parents=True, exist_ok=True, mode=0o700 if folder != self.home else 0o755)
            except OSError as error:
                raise unwritable(folder, error) from None
            if not os.access(folder, os.W_OK | os.X_OK):
                raise unwritable(folder, PermissionError(13, "permission denied"))
        check_free_space(self.home)


def private_folder(folder: Path, service_uid: int | None = None) -> None:
    """Create ``folder`` (0700) in a parent that is ours, owned by us or by the account that the service runs under.

    The parent may lie in /tmp, where anybody can make a folder first: one of another owner, or a link, is refused.
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
