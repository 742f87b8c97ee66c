"""One log line a request, and the Content-Security-Policy (a looser one below /staff/ for the admin's scripts)."""

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

_QUIET = ("/media/", "/static/", "/assets/", "/healthz", "/readyz")
_PERMISSIONS = "camera=(), microphone=(), geolocation=(), payment=(), usb=(), browsing-topics=()"
_LOOSER: dict[str, dict[str, Any]] = {
    "/staff/": {"script-src": [SELF, UNSAFE_EVAL, UNSAFE_INLINE], "style-src": [SELF, UNSAFE_INLINE]},
    "/api/v1/docs/": {"script-src": [SELF, UNSAFE_INLINE], "style-src": [SELF, UNSAFE_INLINE]},
}


class RequestLogMiddleware:
    """Method, path (no query: it may hold personal data), status and time; no address, no cookie, no e-mail."""

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
    """django-csp's middleware; the staff pages (unfold) and the API's docs need inline scripts of their own.

    Beside it go what no page of ours asks a browser for, and that nobody keeps a copy of an account's pages.
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        response.headers.setdefault("Permissions-Policy", _PERMISSIONS)
        if request.path.startswith("/accounts/"):
            add_never_cache_headers(response)
        answer: HttpResponseBase = super().process_response(request, response)
        return answer

    def get_policy_parts(
        self, request: HttpRequest, response: HttpResponseBase, report_only: bool = False
    ) -> PolicyParts:
        parts = super().get_policy_parts(request, response, report_only)
        for prefix, directives in _LOOSER.items():
            if request.path.startswith(prefix) and not report_only:
                parts.replace = {**directives, **(parts.replace or {})}
        return parts
