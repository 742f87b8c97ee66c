"""Accounts with one address: its owner's, and those of people who typed it at sign-up without owning it.

Where people are logged in before they confirm their address, a sign-up with an address that already has an account
must look like any other, or everybody could find out who has one. So the newcomer gets a separate account that names
the address without owning it: it has its own password, gets no e-mail and can't confirm the address (see
docs/decisions, "Sign-up tells nothing"). Passwords of one address share the salt of its owner's, so that a log-in
computes one hash however many accounts there are.
"""

from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import identify_hasher, is_password_usable, make_password
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils.crypto import constant_time_compare

from giz.accounts.models import User

# One hash for each salt; an owner's new password has a new salt. More would slow log-ins and so reveal something.
_SALTS_TRIED = 2


def accounts_naming(email: str) -> list[User]:
    """Return the owner, then the others who typed this address, the newest first."""
    email = email.lower()
    naming = EmailAddress.objects.filter(email=email, verified=False).values("user_id")
    found = User.objects.filter(Q(email=email) | Q(pk__in=naming)).order_by("-pk")
    return sorted(found, key=lambda user: user.email != email)


def password_encoded(email: str, password: str) -> tuple[str, User | None]:
    """Hash a new password for this address, in one computation; return the hash and the owner of the address."""
    owner = User.objects.filter(email=email.lower()).first()
    if owner is None or not is_password_usable(owner.password):
        return make_password(password), owner
    return make_password(password, salt=identify_hasher(owner.password).decode(owner.password)["salt"]), owner


def account_sign_up(email: str, encoded: str, owner: User | None) -> User | None:
    """Create an account that owns this address, or only names it if it has an owner; None if somebody was faster."""
    try:
        with transaction.atomic():
            user = User.objects.create(email=None if owner else email.lower(), password=encoded)
            EmailAddress.objects.create(user=user, email=email.lower(), primary=True)
    except IntegrityError:
        return None
    return user


def account_with(email: str, *, password: str = "", encoded: str = "") -> User | None:
    """Return the account with this address and password; ``encoded`` is the hash if it is already known."""
    hashes: dict[str, str] = {_settings(encoded): encoded} if encoded else {}
    computed = 0
    for user in accounts_naming(email):
        if not is_password_usable(user.password):
            continue
        settings = _settings(user.password)
        if settings not in hashes:
            if not password or computed == _SALTS_TRIED:
                continue
            computed += 1
            hasher = identify_hasher(user.password)
            again = hasher.encode(password, hasher.decode(user.password)["salt"])
            hashes[settings] = again
            if _settings(again) != settings:
                # Hashed with older parameters: Django checks it and hashes it again.
                if user.check_password(password):
                    return user
                continue
        if constant_time_compare(hashes[settings], user.password):
            return user
    if password and not computed:
        make_password(password)
    return None


def _settings(encoded: str) -> str:
    """Return the algorithm, parameters and salt of a hash."""
    return encoded.rpartition("$")[0]
