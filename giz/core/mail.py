"""E-mails of a site without a mail server: files that only its operator can read, never lines of a log."""

import contextlib
import os
import re
import secrets
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import structlog
from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

log = structlog.get_logger("giz.mail")

# They hold addresses and keys, so they are kept only as long as somebody may need one.
KEPT_S = 7 * 86_400
MOST_KEPT = 1_000


def mail_folder() -> Path:
    return Path(settings.GIZ_HOME) / "mail"


class FolderBackend(BaseEmailBackend):
    """Writes each e-mail to a file in ``GIZ_HOME/mail`` (mode 0600); sorted by name, the newest is last."""

    def __init__(self, fail_silently: bool = False, **kwargs: Any) -> None:
        super().__init__(fail_silently=fail_silently)

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        folder = mail_folder()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for message in email_messages:
            stamp = time.strftime("%Y%m%dT%H%M%S", time.gmtime())
            path = folder / f"{stamp}-{time.time_ns() % 10**9:09d}-{secrets.token_hex(3)}.eml"
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "wb") as out:
                out.write(message.message().as_bytes())
            log.info("mail_written", folder=str(folder), effect="no mail server is set up (EMAIL_BACKEND)")
        _delete_old(folder)
        return len(email_messages)


def mails_forget(address: str) -> int:
    """Delete the e-mails that contain this address; return how many."""
    whole = re.compile(rb"(?<![\w.+-])" + re.escape(address.encode()) + rb"(?![\w-]|\.\w)", re.IGNORECASE)
    count = 0
    for path in mail_folder().glob("*.eml"):
        with contextlib.suppress(OSError):
            if whole.search(path.read_bytes()):
                path.unlink()
                count += 1
    return count


def _delete_old(folder: Path) -> None:
    kept = sorted(folder.glob("*.eml"))
    for number, path in enumerate(kept):
        with contextlib.suppress(OSError):
            if number < len(kept) - MOST_KEPT or time.time() - path.stat().st_mtime > KEPT_S:
                path.unlink()
