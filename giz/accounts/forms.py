"""Forms of the account pages: allauth's, made to refuse unknown fields and not to reveal who has an account."""

from typing import Any, cast

from allauth.account import app_settings
from allauth.account.adapter import get_adapter
from allauth.account.forms import ResetPasswordForm as AllauthResetPasswordForm
from allauth.account.forms import SignupForm as AllauthSignupForm
from allauth.account.forms import default_token_generator
from allauth.account.internal.flows.login import perform_password_login, record_authentication
from allauth.account.models import Login
from allauth.core.exceptions import ImmediateHttpResponse
from django import forms
from django.contrib.auth.hashers import make_password
from django.http import HttpRequest, HttpResponse, JsonResponse

from giz.accounts.claims import account_sign_up, account_with, password_encoded
from giz.accounts.models import AccessToken, User, plain_address

_KNOWN = {"email", "password1", "next", "csrfmiddlewaretoken"}


class SignupForm(AllauthSignupForm):  # type: ignore[misc]
    """Refuses a posted role, rank or flag (400 ``unknown_field``) instead of ignoring it.

    Texts, pages and computing time are the same whether or not an address has an account (giz/accounts/claims.py).
    """

    def clean(self) -> dict[str, Any]:
        unknown = sorted(set(self.data) - _KNOWN)
        if unknown:
            answer = {"code": "unknown_field", "detail": f"Unknown field: {', '.join(unknown)[:200]}."}
            raise ImmediateHttpResponse(JsonResponse(answer, status=400))
        cleaned: dict[str, Any] = super().clean()
        return cleaned

    def validate_unique_email(self, value: str) -> str:
        return str(super().validate_unique_email(value)) if _must_confirm() else value

    def try_save(self, request: HttpRequest) -> tuple[User | None, HttpResponse | None]:
        """Return the new account or an answer. The password counts as just entered, so "My data" opens without it."""
        user, response = self._saved(request)
        if user is not None and response is None:
            record_authentication(request, user, method="password", email=self.cleaned_data["email"])
        return user, response

    def _saved(self, request: HttpRequest) -> tuple[User | None, HttpResponse | None]:
        email, password = self.cleaned_data["email"], self.cleaned_data["password1"]
        if _must_confirm():
            if self.account_already_exists:
                make_password(password)  # as for an address that has no account
            saved: tuple[User | None, HttpResponse | None] = super().try_save(request)
            return saved
        get_adapter(request).count_sign_up(request, email)
        for _ in range(2):
            encoded, owner = password_encoded(email, password)
            user = account_with(email, encoded=encoded)
            if user is not None:
                # Whoever knows the password could have logged in.
                return user, perform_password_login(request, {"email": email}, Login(user=user, email=email))
            user = account_sign_up(email, encoded, owner)
            if user is not None:
                return user, None
        raise ImmediateHttpResponse(HttpResponse(status=503, headers={"Retry-After": "1"}))


class ResetPasswordForm(AllauthResetPasswordForm):  # type: ignore[misc]
    """Sends the link to the owner of an address, not to accounts that only name it."""

    users: list[User]

    def clean_email(self) -> str:
        email = str(super().clean_email())
        found: list[User] = self.users
        self.users = [user for user in found if user.email == email.lower()] or found
        if not self.users:
            default_token_generator.make_token(User(pk=0))  # takes as long as for an account
        return email


class EmailChangeForm(forms.Form):
    """The new address; whether another account has it is not told here (giz/accounts/email_change.py)."""

    email = forms.EmailField(max_length=254, validators=[plain_address])

    def clean_email(self) -> str:
        return str(self.cleaned_data["email"]).lower()


class TokenForm(forms.Form):
    """A new access token; `token_make` checks what the owner may have."""

    DAYS = ((30, "30 days"), (90, "90 days"), (365, "a year"))

    title = forms.CharField(max_length=60)
    scopes = forms.MultipleChoiceField(choices=AccessToken.Scope.choices)
    days = forms.TypedChoiceField(choices=DAYS, coerce=int)

    def __init__(self, *args: Any, is_staff: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [one for one in AccessToken.Scope.choices if is_staff or one[0] not in AccessToken.STAFF_SCOPES]
        cast("forms.MultipleChoiceField", self.fields["scopes"]).choices = choices


def _must_confirm() -> bool:
    return bool(app_settings.EMAIL_VERIFICATION == app_settings.EmailVerificationMethod.MANDATORY)
