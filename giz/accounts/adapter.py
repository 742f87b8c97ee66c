"""Settings of django-allauth in code: e-mails, addresses, redirects, limits and the public name."""

import smtplib
from typing import Any

import structlog
from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.adapter import DefaultMFAAdapter
from django.conf import settings
from django.contrib import messages
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from giz.accounts.claims import account_with
from giz.accounts.email_change import email_change_cancel
from giz.accounts.models import User, plain_address
from giz.accounts.passwords import (
    MAX_LENGTH,
    Attempt,
    attempt_count,
    attempt_take_back,
    attempts_forget,
    network_remember,
)
from giz.accounts.second_factor import decrypted, encrypted
from giz.accounts.staff import login_file_forget
from giz.accounts.tokens import tokens_end
from giz.accounts.views import mail_unavailable, too_many_requests
from giz.core.throttle import blurred, client_of, count_up

log = structlog.get_logger("giz.accounts")

_OPTIONAL_MAILS = tuple(
    f"account/email/{name}" for name in ("email_confirmation", "email_confirmation_signup", "email_changed")
)

# Anybody can have these sent to any address: at most one an hour each.
_RARE_MAILS = ("account/email/unknown_account", "account/email/account_already_exists")


def _was_sent_lately(template_prefix: str, email: str) -> bool:
    counted = count_up(f"mail-{template_prefix.rpartition('/')[2]}", email.lower(), per_seconds=3600)
    return counted is not None and counted.count > 1


def display_name(user: User) -> str:
    """Return the name that others and the pages see: the volunteer number, never the e-mail."""
    return user.public_name


def site_address(path: str) -> str:
    """Return an absolute address from SITE_URL: a request's Host header must not change the links in e-mails."""
    return f"{settings.SITE_URL}{path}"


class SecondFactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """Encrypts the secrets of authenticator apps and the seeds of recovery codes in the database."""

    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "unverified_email": "Please confirm your e-mail address first (under E-mail).",
    }

    def encrypt(self, text: str) -> str:
        return encrypted(text)

    def decrypt(self, encrypted_text: str) -> str:
        return decrypted(encrypted_text)


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "email_password_mismatch": "Wrong e-mail or password. Please try again.",
        "incorrect_password": "Wrong password. Please try again.",
        "enter_current_password": "Wrong password. Please try again.",
        "incorrect_code": "This code is wrong or has expired. Please enter the current one.",
        "invalid_password_reset": "This link has already been used or has expired. Please request a new one.",
    }
    _attempt: Attempt | None = None

    # --- addresses ---------------------------------------------------------------------------------------------
    def clean_email(self, email: str) -> str:
        plain_address(email)
        return email

    def is_safe_url(self, url: str) -> bool:
        """Allow redirects only to the host of the request."""
        return url_has_allowed_host_and_scheme(
            url, allowed_hosts={self.request.get_host()}, require_https=self.request.is_secure()
        )

    def set_password(self, user: User, password: str) -> None:
        """Save a new password, which cancels a change of the address that somebody else may have asked for.

        All access tokens end, because somebody who knew the old password may have made one. Where it replaces the
        first password of ensure_staff, the file with that one is deleted.
        """
        super().set_password(user, password)
        email_change_cancel(user)
        tokens_end(owner=user, actor=user)
        login_file_forget(user)

    # --- sign-up -----------------------------------------------------------------------------------------------
    def save_user(self, request: HttpRequest, user: User, form: Any, commit: bool = True) -> User:
        """Of two simultaneous sign-ups with one address, create one account and send the other to the log-in."""
        try:
            with transaction.atomic():
                saved: User = super().save_user(request, user, form, commit=commit)
        except IntegrityError:
            raise ImmediateHttpResponse(redirect("account_login")) from None
        return saved

    # --- limits ------------------------------------------------------------------------------------------------
    def get_client_ip(self, request: HttpRequest) -> str:
        """Return the key by which allauth counts: one for all addresses of a client. It is hashed, because allauth
        writes it into cache keys and the cache is stored on disk.
        """
        return blurred(client_of(super().get_client_ip(request)).one)

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        account = str(credentials.get("email", "")).lower()
        self._attempt = attempt_count(account=account, address=super().get_client_ip(request))
        self._refuse_if_too_many(request)

    def count_sign_up(self, request: HttpRequest, email: str) -> None:
        """A sign-up checks a password too; it stays counted, or the counter would reveal who has an account."""
        self._attempt = attempt_count(account=email.lower(), address=super().get_client_ip(request), is_sign_up=True)
        self._refuse_if_too_many(request)

    def _refuse_if_too_many(self, request: HttpRequest) -> None:
        if self._attempt and self._attempt.is_refused:
            log.warning("refused", code="too_many_login_attempts")
            raise ImmediateHttpResponse(too_many_requests(request, retry_after=self._attempt.wait_seconds))

    def authenticate(self, request: HttpRequest, **credentials: Any) -> User | None:
        """Return the account with this address and password; one hash is computed, whether or not there is one."""
        self.pre_authenticate(request, **credentials)
        email, password = str(credentials.get("email", "")), str(credentials.get("password", ""))
        user = account_with(email, password=password) if 0 < len(password) <= MAX_LENGTH else None
        if user is None:
            self.authentication_failed(request, **credentials)
            return None
        if self._attempt:
            attempt_take_back(self._attempt)
        network_remember(account=email.lower(), address=super().get_client_ip(request))
        return user

    def _delete_login_attempts_cached_email(self, request: HttpRequest, **credentials: Any) -> None:
        account = str(credentials.get("email", "")).lower()
        attempts_forget(account=account, address=super().get_client_ip(request))

    # --- addresses that several accounts name (claims.py) ----------------------------------------------------
    def should_send_confirmation_mail(self, request: HttpRequest, email_address: Any, signup: bool) -> bool:
        """Tell the owner of an address of a sign-up with it; a link would confirm the stranger's account."""
        if signup and email_address.user.email != email_address.email:
            self.send_account_already_exists_mail(email_address.email)
            return False
        return True

    def confirm_email(self, request: HttpRequest, email_address: Any) -> bool:
        """Only the owner's account can confirm an address; otherwise a click could give the address to a stranger."""
        if User.objects.filter(email=email_address.email).exclude(pk=email_address.user_id).exists():
            self.add_message(request, messages.ERROR, message="Another account already uses this address.")
            return False
        return bool(super().confirm_email(request, email_address))

    # --- mails -------------------------------------------------------------------------------------------------
    def send_password_reset_mail(self, user: User, email: str, context: dict[str, Any]) -> None:
        """Send it to the stored address, never to the one that was typed."""
        super().send_password_reset_mail(user, user.email or email, context)

    def send_invitation(self, user: User) -> None:
        """Send somebody whom staff have added a link to choose a password, and the page for a new link."""
        key = f"{user_pk_to_url_str(user)}-{default_token_generator.make_token(user)}"
        context = {"user": user, "invitation_url": self.get_reset_password_from_key_url(key)}
        self.send_mail("account/email/invitation", str(user.email), context)

    def get_reset_password_from_key_url(self, key: str) -> str:
        uid, _, token = key.partition("-")
        return site_address(reverse("account_reset_password_from_key", kwargs={"uidb36": uid, "key": token}))

    def get_email_confirmation_url(self, request: HttpRequest, emailconfirmation: Any) -> str:
        return site_address(reverse("account_confirm_email", args=[emailconfirmation.key]))

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Send an e-mail with addresses of SITE_URL. If sending fails, optional ones are logged, others answer 503."""
        own = {
            "email": email,
            "site_url": settings.SITE_URL,
            "contact": settings.SECURITY_CONTACT,
            "signup_url": site_address(reverse("account_signup")),
            "login_url": site_address(reverse("account_login")),
        }
        if "password_reset_url" not in context or "key" not in context:
            own["password_reset_url"] = site_address(reverse("account_reset_password"))
        message = self.render_mail(template_prefix, email, {**context, **own})
        try:
            if template_prefix in _RARE_MAILS and _was_sent_lately(template_prefix, email):
                # Connect all the same: a quicker answer would reveal that nothing is sent.
                message.get_connection().open()
                message.get_connection().close()
            else:
                message.send()
        except (smtplib.SMTPException, OSError) as error:
            log.error("mail_not_sent", mail=template_prefix, error=type(error).__name__)
            if template_prefix not in _OPTIONAL_MAILS:
                raise ImmediateHttpResponse(mail_unavailable(self.request)) from None
