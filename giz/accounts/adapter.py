"""How django-allauth behaves here: mails, addresses, redirects, limits and the public name."""

import smtplib
from typing import Any

import structlog
from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.exceptions import ImmediateHttpResponse
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from giz.accounts.limits import Attempt, attempt_count, attempt_take_back, attempts_forget
from giz.accounts.models import User
from giz.accounts.views import mail_unavailable, too_many_requests
from giz.core.throttle import blurred

log = structlog.get_logger("giz.accounts")

_OPTIONAL_MAILS = ("account/email/email_confirmation", "account/email/email_confirmation_signup")


def display_name(user: User) -> str:
    """What others and the pages see: the volunteer number, never the e-mail."""
    return user.public_name


def site_address(path: str) -> str:
    """An absolute address on this site, from SITE_URL alone: a request's Host header can't move a mail's link."""
    return f"{settings.SITE_URL}{path}"


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "email_taken": "There is an account with this address already. Log in, or reset its password.",
        "email_password_mismatch": "This e-mail and password do not go together. Please try again.",
        "incorrect_password": "That is not your password. Please try again.",
        "enter_current_password": "That is not your password. Please try again.",
        "incorrect_code": "This code is not right, or it has run out. Please try the newest one.",
        "invalid_password_reset": "This link has been used or has run out. Please ask for a new one.",
    }
    _attempt: Attempt | None = None

    # --- addresses ---------------------------------------------------------------------------------------------
    def clean_email(self, email: str) -> str:
        """ASCII only: look-alike letters (dotless i, full-width, zero-width) can't name a second account."""
        if not email.isascii():
            raise ValidationError("Please write the address with plain letters, a to z.", code="invalid")
        return email

    def is_safe_url(self, url: str) -> bool:
        """Redirects stay on this site: its own host and no other, even one that may serve it too."""
        return url_has_allowed_host_and_scheme(
            url, allowed_hosts={self.request.get_host()}, require_https=self.request.is_secure()
        )

    # --- sign-up -----------------------------------------------------------------------------------------------
    def save_user(self, request: HttpRequest, user: User, form: Any, commit: bool = True) -> User:
        """Two sign-ups with one address at the same moment: one account, and a way on for the other."""
        try:
            with transaction.atomic():
                saved: User = super().save_user(request, user, form, commit=commit)
        except IntegrityError:
            raise ImmediateHttpResponse(redirect("account_login")) from None
        return saved

    # --- limits ------------------------------------------------------------------------------------------------
    def get_client_ip(self, request: HttpRequest) -> str:
        """allauth writes it into the keys of its limits, and the cache lies on the disk: never the address itself."""
        return blurred(super().get_client_ip(request))

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        account = str(credentials.get("email", "")).lower()
        self._attempt = attempt_count(account=account, address=self.get_client_ip(request))
        if self._attempt.is_refused:
            log.warning("refused", code="too_many_login_attempts")
            raise ImmediateHttpResponse(too_many_requests(request, retry_after=self._attempt.wait_seconds))

    def _rollback_login_failed_rl_usage(self) -> None:
        if self._attempt:
            attempt_take_back(self._attempt)

    def _delete_login_attempts_cached_email(self, request: HttpRequest, **credentials: Any) -> None:
        attempts_forget(account=str(credentials.get("email", "")).lower())

    # --- mails -------------------------------------------------------------------------------------------------
    def send_password_reset_mail(self, user: User, email: str, context: dict[str, Any]) -> None:
        """To the stored address, never to the one that was typed."""
        super().send_password_reset_mail(user, user.email or email, context)

    def get_reset_password_from_key_url(self, key: str) -> str:
        uid, _, token = key.partition("-")
        return site_address(reverse("account_reset_password_from_key", kwargs={"uidb36": uid, "key": token}))

    def get_email_confirmation_url(self, request: HttpRequest, emailconfirmation: Any) -> str:
        return site_address(reverse("account_confirm_email", args=[emailconfirmation.key]))

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Send it with addresses of SITE_URL. An optional mail that fails is logged; any other ends in a 503."""
        own = {
            "email": email,
            "site_url": settings.SITE_URL,
            "signup_url": site_address(reverse("account_signup")),
            "login_url": site_address(reverse("account_login")),
        }
        if "password_reset_url" not in context or "key" not in context:
            own["password_reset_url"] = site_address(reverse("account_reset_password"))
        message = self.render_mail(template_prefix, email, {**context, **own})
        try:
            message.send()
        except (smtplib.SMTPException, OSError) as error:
            log.error("mail_not_sent", mail=template_prefix, error=type(error).__name__)
            if template_prefix not in _OPTIONAL_MAILS:
                raise ImmediateHttpResponse(mail_unavailable(self.request)) from None
