"""What staff must set up before the staff pages open, and encryption of the secrets of authenticator apps."""

import base64
import hashlib
import ipaddress
from typing import Any
from urllib.parse import urlsplit

import structlog
from allauth.mfa.models import Authenticator
from allauth.mfa.signals import authenticator_used
from allauth.mfa.totp.internal.auth import generate_totp_secret
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.dispatch import receiver

from giz.accounts.models import User

log = structlog.get_logger("giz.accounts")

_MARK = "fernet:"


def step_before_staff_pages(user: Any) -> str:
    """Return the page where this member of staff must set something up first; empty where nothing is missing."""
    if not (isinstance(user, User) and user.is_staff and is_second_factor_required()):
        return ""
    if user.has_first_password:
        return "account_change_password"
    has_app = Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP).exists()
    return "mfa_activate_totp" if user.is_superuser and not has_app else ""


def is_second_factor_required() -> bool:
    """Return whether superusers need a second factor: by ``STAFF_SECOND_FACTOR``, or because the site is public."""
    if settings.STAFF_SECOND_FACTOR == "auto":
        return is_reachable_from_outside()
    return bool(settings.STAFF_SECOND_FACTOR == "required")


def is_reachable_from_outside() -> bool:
    """Return whether SITE_URL names anything but this machine."""
    host = urlsplit(settings.SITE_URL).hostname or "localhost"
    try:
        return not ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host != "localhost" and not host.endswith(".localhost")


def encrypted(text: str) -> str:
    return _MARK + _box().encrypt(text.encode()).decode()


def decrypted(text: str) -> str:
    """Decrypt a secret; one stored before secrets were encrypted is returned as it is.

    After a change of SECRET_KEY it can't be read: then no code is accepted, and staff must disable the second factor.
    """
    if not text.startswith(_MARK):
        return text
    try:
        return _box().decrypt(text.removeprefix(_MARK).encode()).decode()
    except InvalidToken:
        log.error("second_factor_unreadable", hint="SECRET_KEY has changed since it was set up")
        return str(generate_totp_secret())


@receiver(authenticator_used, dispatch_uid="accounts.encrypt_old_secrets")
def encrypt_old_secrets(sender: Any, *, authenticator: Authenticator, **_: Any) -> None:
    """Encrypt, at their next use, secrets that were stored before encryption was introduced."""
    changed = False
    for name in ("secret", "seed"):
        value = authenticator.data.get(name, _MARK)
        if not value.startswith(_MARK):
            authenticator.data[name] = encrypted(value)
            changed = True
    if changed:
        authenticator.save(update_fields=["data"])


def _box() -> MultiFernet:
    keys = [str(key) for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)]
    digests = [hashlib.sha256(b"giz.accounts.second_factor:" + key.encode()).digest() for key in keys]
    return MultiFernet([Fernet(base64.urlsafe_b64encode(digest)) for digest in digests])
