"""Health, readiness, the single-page app's document, and answers to errors outside the API in the API's shape."""

import shutil
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import ensure_csrf_cookie

MIN_FREE_BYTES = 200 * 1024 * 1024


@never_cache
def healthz(_request: HttpRequest) -> JsonResponse:
    """The process is alive. Asks nothing of the database."""
    return JsonResponse({"status": "ok"})


@never_cache
def readyz(_request: HttpRequest) -> JsonResponse:
    """Every part that a request needs answers; 503 names those that do not."""
    problems = {
        name: problem
        for name, problem in {
            "database": _database_problem(),
            "cache": _cache_problem(),
            "disk": _disk_problem(),
        }.items()
        if problem
    }
    if problems:
        return JsonResponse({"status": "unavailable", "problems": problems}, status=503, headers={"Retry-After": "5"})
    return JsonResponse({"status": "ready"})


def _database_problem() -> str:
    try:
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            return "migrations are not applied"
    except Exception as error:  # noqa: BLE001 - whatever fails here means: not ready
        return f"not reachable ({type(error).__name__})"
    return ""


def _cache_problem() -> str:
    cache.set("readyz", "1", 10)
    return "" if cache.get("readyz") == "1" else "not reachable; voting goes on, jobs wait"


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
    """A page for people (an old form of theirs), JSON for programs."""
    if "text/html" in request.headers.get("Accept", ""):
        return render(request, "403_csrf.html", status=403)
    detail = "This page has been open for long. Reload it and try again."
    return JsonResponse({"code": "csrf", "detail": detail}, status=403)


def api_not_found(_request: HttpRequest, **_path: Any) -> JsonResponse:
    return JsonResponse({"code": "not_found", "detail": "There is no such address in this API."}, status=404)


def server_error(_request: HttpRequest) -> JsonResponse:
    detail = "Something went wrong on our side; it has been written down. What you did before this is kept."
    return JsonResponse({"code": "server_error", "detail": detail}, status=500)


def bad_request(_request: HttpRequest, exception: Exception | None = None) -> JsonResponse:
    return JsonResponse({"code": "bad_request", "detail": "The request could not be understood."}, status=400)
