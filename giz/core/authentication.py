"""Who asks: the session cookie, with CSRF checked on every changing request."""

from rest_framework import authentication, exceptions
from rest_framework.request import Request

from giz.core import audit


class CsrfFailed(exceptions.PermissionDenied):
    default_code = "csrf"
    default_detail = "This page has been open for long. Reload it and try again; nothing you did is lost."


class SessionAuthentication(authentication.SessionAuthentication):
    """Session cookie with CSRF check; answers 401 (not 403) to a stranger, and a code of its own for CSRF."""

    def authenticate_header(self, request: Request) -> str:
        return "Session"

    def enforce_csrf(self, request: Request) -> None:
        try:
            super().enforce_csrf(request)
        except exceptions.PermissionDenied:
            audit.note_refusal("csrf", request.path)
            raise CsrfFailed from None
