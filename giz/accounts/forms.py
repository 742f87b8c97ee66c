"""The sign-up form: allauth's, which also refuses what nobody may set about themselves."""

from typing import Any

from allauth.account.forms import SignupForm as AllauthSignupForm
from allauth.core.exceptions import ImmediateHttpResponse
from django.http import JsonResponse

_KNOWN = {"email", "password1", "next", "csrfmiddlewaretoken"}


class SignupForm(AllauthSignupForm):  # type: ignore[misc]
    """A posted role, rank or flag is told apart (400 ``unknown_field``), not silently left out."""

    def clean(self) -> dict[str, Any]:
        unknown = sorted(set(self.data) - _KNOWN)
        if unknown:
            answer = {"code": "unknown_field", "detail": f"Unknown field: {', '.join(unknown)[:200]}."}
            raise ImmediateHttpResponse(JsonResponse(answer, status=400))
        cleaned: dict[str, Any] = super().clean()
        return cleaned
