"""Make, find and end access tokens, with which programs act for a person.

A token has 256 random bits and is shown once. The database holds its SHA-256: nobody can guess what it is the hash of,
and looking a hash up takes no longer the more of a guess is right.
"""

import hashlib
import re
import secrets
from collections.abc import Collection
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from giz.accounts.models import AccessToken, User
from giz.accounts.second_factor import step_before_staff_pages
from giz.core import audit
from giz.core.errors import Refused

_FORM = re.compile(r"giz_[A-Za-z0-9_-]{43}")
_SHOWN = 12
MOST_TOKENS = 20
MOST_DAYS = 366


def token_make(
    *, owner: User, title: str, scopes: Collection[str], days: int, actor: User | None = None
) -> tuple[AccessToken, str]:
    """Make a token; return its row, and the token itself, which nothing can show again.

    ``actor`` is None where an operator makes it by a command.

    Raises
    ------
    Refused
        ``bad_title``, ``title_taken``, ``bad_scope``, ``bad_days``, ``not_staff``, ``second_factor_required``,
        ``too_many_tokens``, or ``no_person`` where the account is closed.
    """
    title = " ".join(title.split())
    if not 1 <= len(title) <= 60 or not title.isprintable():
        raise Refused("bad_title", "A token needs a title of up to 60 letters that says what it is for.")
    unknown = sorted(set(scopes) - set(AccessToken.Scope.values))
    if unknown or not scopes:
        known = ", ".join(AccessToken.Scope.values)
        raise Refused(
            "bad_scope", f"There is no scope {unknown[0]!r}. Known: {known}." if unknown else "Choose a scope."
        )
    if not 1 <= days <= MOST_DAYS:
        raise Refused("bad_days", f"A token is valid for 1 to {MOST_DAYS} days.")
    secret = f"giz_{secrets.token_urlsafe(32)}"
    with transaction.atomic():
        # So that nobody passes the limit with two requests at once, or gets a token while the account is erased.
        person = User.objects.select_for_update(no_key=True).get(pk=owner.pk)
        _refuse_what_the_owner_may_not(person, scopes)
        valid = AccessToken.objects.filter(owner=person, revoked_at=None)
        # An expired token can't be used again, so its title is free.
        valid.filter(expires_at__lte=timezone.now(), title=title).update(revoked_at=timezone.now())
        if valid.filter(title=title).exists():
            raise Refused("title_taken", f"You already have a token {title!r}. Revoke it, or choose another title.")
        if valid.filter(expires_at__gt=timezone.now()).count() >= MOST_TOKENS:
            raise Refused("too_many_tokens", f"You have {MOST_TOKENS} tokens. Revoke one that is not used any more.")
        token = AccessToken.objects.create(
            owner=person,
            title=title,
            scopes=[scope for scope in AccessToken.Scope.values if scope in scopes],
            prefix=secret[:_SHOWN],
            secret_sha256=_hashed(secret),
            expires_at=timezone.now() + timedelta(days=days),
        )
        detail = {"token": token.prefix, "scopes": token.scopes, "days": days}
        audit.record("token_made", actor=actor, subject=person.public_name, **detail)
    return token, secret


def _refuse_what_the_owner_may_not(owner: User, scopes: Collection[str]) -> None:
    if not owner.is_active:
        raise Refused("no_person", "This account is closed.", status=404)
    for_staff = sorted(AccessToken.STAFF_SCOPES.intersection(scopes))
    if for_staff and not owner.is_staff:
        raise Refused("not_staff", f"The scope {for_staff[0]} is for staff only.", status=403)
    if for_staff and step_before_staff_pages(owner):
        raise Refused(
            "second_factor_required",
            "Choose your own password and set up two-factor authentication first (at /staff/).",
            status=403,
        )


def token_revoke(*, token: AccessToken, actor: User | None = None) -> None:
    """End a token at once; ending it again changes nothing."""
    with transaction.atomic():
        if AccessToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=timezone.now()):
            audit.record("token_revoked", actor=actor, subject=token.owner.public_name, token=token.prefix)
    token.refresh_from_db(fields=["revoked_at"])


def tokens_end(*, owner: User, actor: User | None = None) -> int:
    """End all tokens of a person, whose password has changed or whose account is closed; return how many."""
    with transaction.atomic():
        ended = AccessToken.objects.filter(owner=owner, revoked_at=None).update(revoked_at=timezone.now())
        if ended:
            audit.record("tokens_ended", actor=actor, subject=owner.public_name, tokens=ended)
    return ended


def token_named(owner: User, prefix: str) -> AccessToken:
    """Return the token of a person that begins with these letters; somebody else's is not found."""
    found = AccessToken.objects.filter(owner=owner, prefix=prefix).select_related("owner").first()
    if found is None:
        raise Refused("not_found", "There is no such token.", status=404)
    return found


def token_found(secret: str) -> AccessToken | None:
    """Return the row of a token, with its owner, however it stands; None where no token is like this."""
    if not _FORM.fullmatch(secret):
        return None
    return AccessToken.objects.filter(secret_sha256=_hashed(secret)).select_related("owner").first()


def token_used(token: AccessToken) -> None:
    """Note the day on which a token was used; its requests leave no other trace of when."""
    today = timezone.now().date()
    if token.last_used_on != today:
        AccessToken.objects.filter(pk=token.pk).update(last_used_on=today)


def _hashed(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
