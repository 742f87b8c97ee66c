"""The first staff account of a new installation, and the file with its login."""

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from allauth.account.models import EmailAddress
from django.conf import settings
from django.db import transaction

from giz.accounts.models import User
from giz.accounts.tokens import tokens_end
from giz.core import audit
from giz.core.errors import Refused


@dataclass(frozen=True)
class StaffLogin:
    email: str
    password: str


def login_file_read(file: Path) -> StaffLogin | None:
    """Return the login in the file, or None where there is no such file."""
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return None
    return StaffLogin(lines[0], lines[1]) if len(lines) >= 2 else None


def login_file() -> Path:
    return Path(settings.GIZ_HOME) / "staff_login"


def login_file_forget(user: User) -> None:
    """Delete the file with the first login of this user, whose password has changed."""
    kept = login_file_read(login_file())
    if kept and kept.email == user.email:
        login_file().unlink(missing_ok=True)


def login_file_write(file: Path, login: StaffLogin) -> None:
    """Write the file so that only its owner can read it (mode 0600), whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    part = file.with_suffix(f".{os.getpid()}.part")
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as out:
        out.write(f"{login.email}\n{login.password}\n")
    part.replace(file)


def random_password() -> str:
    """Return twenty characters without those that look alike: capital I, l, 0 and O."""
    alphabet = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
    return "-".join("".join(secrets.choice(alphabet) for _ in range(5)) for _ in range(4))


def email_address_add(user: User) -> None:
    """Add allauth's own row of the address, which it needs to set up a second factor, for example."""
    if user.email:
        EmailAddress.objects.get_or_create(
            user=user, email=user.email, defaults={"primary": True, "verified": user.is_staff}
        )


@transaction.atomic
def staff_ensure(*, email: str, password: str | None = None) -> tuple[User, StaffLogin | None]:
    """Return the superuser with this address, created where missing, and its login if new or ``password`` is set."""
    user = User.objects.select_for_update().filter(email=email.lower()).first()
    if user is None:
        login = StaffLogin(email.lower(), password or random_password())
        user = User.objects.create_superuser(login.email, login.password, has_first_password=True)
        email_address_add(user)
        audit.record("staff_account_made", actor=user, subject=user.public_name)
        return user, login
    if not (user.is_staff and user.is_superuser):
        raise Refused(
            "not_staff",
            f"{email} belongs to a {user.role} account ({user.public_name}). "
            "Choose another address with --email, or let a superuser give this account the staff role.",
        )
    if password is None:
        return user, None
    user.set_password(password)
    user.has_first_password = True
    user.save(update_fields=["password", "has_first_password"])
    tokens_end(owner=user, actor=user)
    audit.record("staff_password_reset", actor=user, subject=user.public_name)
    return user, StaffLogin(email.lower(), password)
