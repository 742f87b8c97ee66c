"""One log line a request, and security headers (a looser Content-Security-Policy for the staff pages)."""

import time
from collections.abc import Callable
from typing import Any

import structlog
from csp.constants import SELF, UNSAFE_EVAL, UNSAFE_INLINE
from csp.middleware import CSPMiddleware, PolicyParts
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.cache import add_never_cache_headers

log = structlog.get_logger("giz.request")
Respond = Callable[[HttpRequest], HttpResponseBase]

# Marks our own answers: the page never gives up a vote because of the answer of a proxy or a captive portal.
API_HEADER = "X-GIZ-API"
_QUIET = ("/media/", "/static/", "/assets/", "/healthz", "/readyz")
_PERMISSIONS = "camera=(), microphone=(), geolocation=(), payment=(), usb=(), browsing-topics=()"
_LOOSER: dict[str, dict[str, Any]] = {
    # Alpine, which the staff pages use, evaluates expressions in attributes; our pages have no inline scripts.
    "/staff/": {"script-src": [SELF, UNSAFE_EVAL], "style-src": [SELF, UNSAFE_INLINE]},
    # The form of a scheduled task (for superusers only) has one.
    "/staff/django_celery_beat/": {"script-src": [SELF, UNSAFE_EVAL, UNSAFE_INLINE]},
    "/api/v1/docs/": {"script-src": [SELF, UNSAFE_INLINE], "style-src": [SELF, UNSAFE_INLINE]},
}


class RequestLogMiddleware:
    """Logs method, path, status and time; no query (it may hold personal data), address, cookie or e-mail."""

    def __init__(self, get_response: Respond) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        start = time.perf_counter()
        response = self.get_response(request)
        if not request.path.startswith(_QUIET):
            milliseconds = round(1000 * (time.perf_counter() - start), 1)
            level = log.error if response.status_code >= 500 else log.info
            level("request", method=request.method, path=request.path, status=response.status_code, ms=milliseconds)
        return response


class ContentSecurityPolicyMiddleware(CSPMiddleware):
    """django-csp's middleware, looser where the staff pages (unfold) and the API's docs need it.

    It also denies browser features that no page uses, and caching of account pages and of API answers that don't set
    their own Cache-Control.
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        response.headers.setdefault("Permissions-Policy", _PERMISSIONS)
        if request.path.startswith("/api/v1/"):
            response.headers[API_HEADER] = "1"
        if request.path.startswith("/accounts/"):
            add_never_cache_headers(response)
        elif request.path.startswith("/api/") and "Cache-Control" not in response.headers:
            response.headers["Cache-Control"] = "private, no-store"
        answer: HttpResponseBase = super().process_response(request, response)
        return answer

    def get_policy_parts(
        self, request: HttpRequest, response: HttpResponseBase, report_only: bool = False
    ) -> PolicyParts:
        parts = super().get_policy_parts(request, response, report_only)
        looser: dict[str, Any] = {}
        for prefix, directives in _LOOSER.items():
            if request.path.startswith(prefix) and not report_only:
                looser |= directives
        if looser:
            parts.replace = {**looser, **(parts.replace or {})}
        return parts
