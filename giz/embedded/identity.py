"""Under which account PostgreSQL runs: it refuses to be root, so root needs another one."""

import functools
import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from giz.embedded.errors import EmbeddedError

_UNSHARE = ("--user", "--map-user=1000", "--map-group=1000")


@dataclass(frozen=True)
class Identity:
    """How to start a program: words before its own, and the user it is switched to (None: stay who we are)."""

    prefix: tuple[str, ...] = ()
    uid: int | None = None
    gid: int | None = None


@functools.cache
def unshare_prefix() -> tuple[str, ...]:
    """The words that run a program in a user namespace, root looking like user 1000; empty where that's forbidden."""
    program = shutil.which("unshare")
    if program is None:
        return ()
    words = (program, *_UNSHARE)
    answer = subprocess.run([*words, "true"], capture_output=True, check=False)
    return words if answer.returncode == 0 else ()


def _nobody() -> Identity:
    entry = pwd.getpwnam("nobody")
    return Identity(uid=entry.pw_uid, gid=entry.pw_gid)


def identity_for(data_folder: Path) -> Identity:
    """Who owns, or will own, ``data_folder`` and runs its PostgreSQL.

    An ordinary user is itself. Root uses a user namespace, in which the files stay root's; where the system forbids
    namespaces, the user ``nobody``. Data that already belong to an ordinary user are served under that user.
    """
    owner = data_folder.stat().st_uid if data_folder.exists() else None
    if os.geteuid() != 0:
        if owner not in (None, os.geteuid()):
            raise EmbeddedError(
                f"The database in {data_folder} belongs to the user with number {owner}, not to you.",
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
    return _nobody()
