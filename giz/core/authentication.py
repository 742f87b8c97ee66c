"""Authentication by the session cookie, with CSRF checked on every changing request, and its OpenAPI description."""

from typing import Any

from django.conf import settings
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework import authentication, exceptions
from rest_framework.request import Request

from giz.core import audit
from giz.core.errors import Refused

PAGE_OWNER_HEADER = "X-GIZ-Volunteer"


class CsrfFailed(exceptions.PermissionDenied):
    default_code = "csrf"
    default_detail = "This page has been open for too long. Reload it and try again; nothing is lost."


class SessionAuthentication(authentication.SessionAuthentication):
    """Session cookie with CSRF check; strangers get 401 (not 403), and a failed CSRF check its own code."""

    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        """Return the user of the session; refuse a page that was loaded for somebody else.

        A browser has one session for all its tabs. A page names its user in a header, so that nothing it sends is
        taken for the work of somebody who has logged in since.
        """
        found = super().authenticate(request)
        owner = request.headers.get(PAGE_OWNER_HEADER)
        if found is not None and owner is not None and owner != found[0].public_name:
            raise Refused(
                "other_person",
                "Somebody else has logged in on this browser. Log in again to continue.",
                status=409,
            )
        return found

    def authenticate_header(self, request: Request) -> str:
        return "Session"

    def enforce_csrf(self, request: Request) -> None:
        try:
            super().enforce_csrf(request)
        except exceptions.PermissionDenied:
            audit.note_refusal("csrf", request.path)
            raise CsrfFailed from None


class SessionScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """The session cookie; changing requests also send the CSRF cookie's value as X-CSRFToken."""

    target_class = "giz.core.authentication.SessionAuthentication"
    name = "session"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "apiKey", "in": "cookie", "name": settings.SESSION_COOKIE_NAME}
