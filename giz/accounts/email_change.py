"""Change the address of an account: confirmed by a link in the new mailbox, with a notice to the old one.

A new address is stored apart (`EmailChange`) until it is confirmed. If it were one of allauth's unconfirmed addresses,
it would block the sign-up of the person to whom it belongs, and the limits of a log-in would reveal who has an account.
"""

from datetime import timedelta

from allauth.account.adapter import get_adapter
from allauth.account.models import EmailAddress
from allauth.core.exceptions import ImmediateHttpResponse
from django.core import signing
from django.db import IntegrityError, transaction
from django.db.models.functions import Now
from django.http import HttpRequest
from django.urls import reverse

from giz.accounts.models import EmailChange, User
from giz.core import audit
from giz.core.errors import Refused
from giz.core.mail import mails_forget
from giz.core.throttle import count_up

LINK_WORKS = timedelta(days=1)
LINKS_AN_HOUR = 10
# However many people type it: nobody gets a heap of e-mails from strangers.
LINKS_TO_ONE_ADDRESS_AN_HOUR = 3
_SALT = "giz.accounts.email_change"


def login_address(user: User) -> str:
    """Return the address with which somebody logs in, whether they own it or only named it (see `claims`).

    Their pages must not differ, or they would reveal who has an account.
    """
    named = EmailAddress.objects.filter(user=user).order_by("-primary", "pk").values_list("email", flat=True)
    return user.email or named.first() or ""


def email_change_ask(request: HttpRequest, *, user: User, email: str) -> None:
    """Send a link to the new address, and a notice to the present one; an earlier link no longer works.

    An address that belongs to somebody else is treated alike; only the e-mail that its owner gets is different.
    """
    if email == login_address(user):
        raise Refused("email_unchanged", "This is already your address.")
    counted = count_up("email-change", str(user.pk), per_seconds=3600)
    if counted and counted.count > LINKS_AN_HOUR:
        detail = "You have asked for several links in the last hour. Please try again later."
        raise Refused("too_many_requests", detail, status=429, retry_after=counted.wait_seconds)
    with transaction.atomic():
        locked = User.objects.locked(user)
        is_resent = EmailChange.objects.filter(user=locked, email=email).delete()[0] > 0
        EmailChange.objects.filter(user=locked).delete()
        change = EmailChange.objects.create(user=locked, email=email)
        is_taken = User.objects.filter(email=email).exists()
    adapter = get_adapter(request)
    at_address = count_up("email-change-to", email, per_seconds=3600)
    try:
        if locked.email and not is_resent:
            adapter.send_mail("account/email/email_change_notice", locked.email, {"user": locked})
        if at_address is None or at_address.count <= LINKS_TO_ONE_ADDRESS_AN_HOUR:
            path = reverse("account_email_change", args=[signing.dumps(change.pk, salt=_SALT)])
            adapter.send_mail(f"account/email/email_change{'_taken' if is_taken else ''}", email, {"path": path})
    except ImmediateHttpResponse:
        email_change_cancel(user)
        raise


def email_change_cancel(user: User) -> None:
    """Forget the new address, so that its link no longer works."""
    EmailChange.objects.filter(user=user).delete()


def email_change_of(key: str) -> EmailChange | None:
    """Return the change behind the key of a link; None if it was used or cancelled, is too old or not ours."""
    try:
        pk = signing.loads(key, salt=_SALT, max_age=LINK_WORKS)
    except signing.BadSignature:
        return None
    fresh = EmailChange.objects.filter(asked_at__gt=Now() - LINK_WORKS)
    return fresh.filter(pk=pk).select_related("user").first()


def email_change_confirm(request: HttpRequest, *, key: str) -> User | None:
    """Replace the address of an account; None if the link does not work any more.

    Raises Refused 409 ``email_taken`` if another account owns the new address.
    """
    change = email_change_of(key)
    if change is None:
        return None
    try:
        with transaction.atomic():
            user = User.objects.locked(change.user)
            # It may have been cancelled, or the account erased, before the lock.
            if not EmailChange.objects.filter(pk=change.pk).delete()[0]:
                return None
            former, user.email = user.email, change.email
            user.save(update_fields=["email"])
            EmailAddress.objects.filter(user=user).delete()
            EmailAddress.objects.create(user=user, email=change.email, verified=True, primary=True)
            audit.record("email_changed", actor=user, subject=user.public_name)
    except IntegrityError:
        raise Refused("email_taken", "Another account already uses this address.", status=409) from None
    if former:
        mails_forget(former)
        get_adapter(request).send_mail("account/email/email_changed", former, {"user": user})
    return user
