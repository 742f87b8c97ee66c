"""Health checks, the document of the single-page app, the API schema, and errors outside the API in its shape."""

import shutil
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

from django.conf import settings
from django.core.cache import cache
from django.core.exceptions import DisallowedHost
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import ensure_csrf_cookie
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView
from rest_framework.permissions import AllowAny
from rest_framework.request import Request

from giz.core.database import missing_migrations

MIN_FREE_BYTES = 200 * 1024 * 1024


@never_cache
def healthz(_request: HttpRequest) -> JsonResponse:
    """Answer that the process is alive, without asking the database."""
    return JsonResponse({"status": "ok"})


@never_cache
def readyz(_request: HttpRequest) -> JsonResponse:
    """Answer whether votes can be taken: 503 names what is missing. Other faults are warnings with 200, because a load
    balancer must not remove nodes that can go on.
    """
    problems = _named({"database": _database_problem(), "disk": _disk_problem()})
    warnings = _named({"cache": _cache_problem()})
    found = {**({"problems": problems} if problems else {}), **({"warnings": warnings} if warnings else {})}
    if problems:
        return JsonResponse({"status": "unavailable", **found}, status=503, headers={"Retry-After": "5"})
    return JsonResponse({"status": "ready", **found})


def _named(problems: dict[str, str]) -> dict[str, str]:
    return {name: problem for name, problem in problems.items() if problem}


def _database_problem() -> str:
    try:
        if missing_migrations():
            return "migrations are not applied"
    except Exception as error:  # noqa: BLE001 - whatever fails here means: not ready
        return f"not reachable ({type(error).__name__})"
    return ""


def _cache_problem() -> str:
    cache.set("readyz", "1", 10)
    return "" if cache.get("readyz") == "1" else "not reachable; voting continues, jobs wait"


def _disk_problem() -> str:
    home = Path(settings.MEDIA_ROOT)
    while not home.exists():
        home = home.parent
    return "" if shutil.disk_usage(home).free > MIN_FREE_BYTES else "less than 200 MB free"


@never_cache
@ensure_csrf_cookie
def single_page_app(_request: HttpRequest, **_path: Any) -> HttpResponse:
    """The document of the React app; its router reads the path."""
    document = Path(settings.FRONTEND_DIST) / "index.html"
    try:
        return HttpResponse(document.read_bytes(), content_type="text/html; charset=utf-8")
    except FileNotFoundError:
        return HttpResponse(
            "The pages are not built yet. Run `make install` (or `npm ci && npm run build` in frontend/).",
            content_type="text/plain; charset=utf-8",
            status=503,
            headers={"Retry-After": "30"},
        )


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a failed CSRF check: a page for browsers, JSON for programs."""
    if "text/html" in request.headers.get("Accept", ""):
        return render(request, "403_csrf.html", status=403)
    detail = "This page has been open for too long. Reload it and try again."
    return JsonResponse({"code": "csrf", "detail": detail}, status=403)


class SchemaView(SpectacularAPIView):
    """The OpenAPI description of this API, made once for each process and format because that takes seconds."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    _made: ClassVar[dict[str, str | bytes]] = {}
    _making = threading.Lock()

    @extend_schema(exclude=True)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
        renderer = request.accepted_renderer
        with self._making:
            if renderer.media_type not in self._made:
                schema = self.generator_class().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
                self._made[renderer.media_type] = renderer.render(schema, renderer_context={})
        name = self._get_filename(request, None)  # type: ignore[no-untyped-call]
        return HttpResponse(
            self._made[renderer.media_type],
            content_type=f"{renderer.media_type}; charset=utf-8",
            headers={"Content-Disposition": f'inline; filename="{name}"'},
        )


def api_not_found(_request: HttpRequest, **_path: Any) -> JsonResponse:
    return JsonResponse({"code": "not_found", "detail": "There is no such address in this API."}, status=404)


def server_error(_request: HttpRequest) -> JsonResponse:
    if isinstance(sys.exc_info()[1], OperationalError):
        # The database may also fail outside the API's views (when a session is read, say).
        detail = "The database is busy or restarting. Try again in a moment."
        return JsonResponse({"code": "unavailable", "detail": detail}, status=503, headers={"Retry-After": "5"})
    detail = "Something went wrong on our side and has been logged. Your earlier work is saved."
    return JsonResponse({"code": "server_error", "detail": detail}, status=500)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> JsonResponse:
    detail = "The request could not be understood."
    if isinstance(exception, DisallowedHost):
        host = "".join(letter for letter in request.META.get("HTTP_HOST", "")[:100] if letter.isprintable())
        detail = f"This site does not answer to the host {host!r}. Its operator can add it to ALLOWED_HOSTS."
    return JsonResponse({"code": "bad_request", "detail": detail}, status=400)


def security_txt(_request: HttpRequest) -> HttpResponse:
    """Say where to report a security problem of this site (RFC 9116)."""
    contact = settings.SECURITY_CONTACT
    if "@" in contact and ":" not in contact:
        contact = f"mailto:{contact}"
    expires = (datetime.now(UTC) + timedelta(days=180)).strftime("%Y-%m-%dT00:00:00Z")
    lines = (
        f"Contact: {contact}",
        f"Expires: {expires}",
        "Preferred-Languages: en",
        f"Canonical: {settings.SITE_URL}/.well-known/security.txt",
    )
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8")
