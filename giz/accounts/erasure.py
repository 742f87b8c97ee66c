"""Erase an account: personal data are deleted; the votes stay under a new number that nothing links to the old one.

The row of the account stays as an empty shell, because votes refer to it. Other apps delete what they hold about the
person (remarks, leases) as receivers of ``account_erasing``.
"""

import structlog
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.backends.cached_db import SessionStore
from django.core.cache import cache
from django.db import transaction
from django.dispatch import Signal
from redis.exceptions import RedisError

from giz.accounts.models import AccessToken, EmailChange, User, random_volunteer_number
from giz.accounts.own_data import sessions_of
from giz.core import audit
from giz.core.errors import Refused
from giz.core.mail import mails_forget

log = structlog.get_logger("giz.accounts")

# Sent inside the transaction, with ``user`` and ``keeps_comments``, before the account's own rows are emptied.
account_erasing = Signal()


def account_erase(*, user: User, keeps_comments: bool = False, actor: User | None = None) -> User:
    """Erase the person behind an account; return the shell with its new number.

    ``actor`` is the member of staff who does it; None where the person does it.
    """
    with transaction.atomic():
        # Not FOR UPDATE: a vote being inserted refers to this row, and erasing waits for that vote's task.
        shell = User.objects.select_for_update(no_key=True).get(pk=user.pk)
        if shell.is_superuser:
            raise Refused(
                "is_superuser",
                "A superuser's account can't be erased. Another superuser must remove the superuser rights first.",
                status=409,
            )
        addresses = {shell.email}
        for model in (EmailAddress, EmailChange):
            addresses |= set(model.objects.filter(user=shell).values_list("email", flat=True))
        # This reads all sessions, so it comes before any lock that others may wait for.
        for session in sessions_of(shell, shell.email or ""):
            SessionStore(session.session_key).delete()
        account_erasing.send(sender=User, user=shell, keeps_comments=keeps_comments)
        _forget_identity(shell)
        audit.record("account_erased", actor=actor, subject=shell.public_name, keeps_comments=keeps_comments)
    for address in filter(None, addresses):
        mails_forget(address)
    _shrink_cache_log()
    return shell


def _forget_identity(shell: User) -> None:
    own = EmailAddress.objects.filter(user=shell)
    # Also where a stranger typed the address, but only if this person has confirmed that it is theirs.
    proven = list(own.filter(verified=True).values_list("email", flat=True))
    EmailAddress.objects.filter(email__in=proven).delete()
    own.delete()
    EmailChange.objects.filter(user=shell).delete()
    Authenticator.objects.filter(user=shell).delete()
    AccessToken.objects.filter(owner=shell).delete()
    # The log of the staff site contains the old number beside the key of the row.
    people = ContentType.objects.filter(model__in=("user", "volunteer"), app_label__in=("accounts", "labeling"))
    LogEntry.objects.filter(content_type__in=people, object_id=str(shell.pk)).delete()
    shell.groups.clear()
    shell.user_permissions.clear()
    shell.email = None
    shell.import_source = shell.import_name = ""
    shell.preferences = {}
    shell.last_login = None
    # The day of joining could identify somebody among few people; the month does not.
    shell.date_joined = shell.date_joined.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    shell.is_active = False
    if shell.role == User.Role.STAFF:
        shell.role = User.Role.VOLUNTEER
    shell.volunteer_number = random_volunteer_number()
    while User.objects.filter(volunteer_number=shell.volunteer_number).exists():
        shell.volunteer_number = random_volunteer_number()
    shell.set_unusable_password()
    shell.save()


def _shrink_cache_log() -> None:
    """Have Valkey rewrite its log, which contains deleted sessions until then."""
    try:
        cache._cache.get_client(None, write=True).execute_command("BGREWRITEAOF")  # type: ignore[attr-defined]
    except (AttributeError, RedisError) as error:
        log.info("cache_log_not_rewritten", error=type(error).__name__)
