"""Serve display files by their hashed names, from disk or bucket; caches may keep them for ever."""

from collections.abc import Callable

import structlog
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotModified
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response
from django.views.decorators.http import require_safe

from giz.catalog.storage import display_file_read

log = structlog.get_logger("giz.media")

_HEADERS = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "Content-Disposition": "inline",
    "Cross-Origin-Resource-Policy": "same-origin",
}


@require_safe
def display_file(
    request: HttpRequest, stem: str, size_px: str, read: Callable[[str, int], bytes] = display_file_read
) -> HttpResponseBase:
    """Serve one display file, without database or session. Only names of the exact form get here."""
    if stem[:2] != stem[3:5]:
        raise Http404
    etag = f'"{stem[3:]}-{size_px}"'
    unchanged = get_conditional_response(request, etag=etag)
    if isinstance(unchanged, HttpResponseNotModified):
        unchanged.headers["Cache-Control"] = _HEADERS["Cache-Control"]
        return unchanged
    try:
        answer = HttpResponse(read(stem, int(size_px)), content_type="image/webp")
    except (FileNotFoundError, IsADirectoryError):
        raise Http404 from None
    except OSError as error:
        log.error("media_unreadable", reason=str(error))
        return HttpResponse(status=503, headers={"Retry-After": "10", "Cache-Control": "no-store"})
    for name, value in _HEADERS.items():
        answer.headers[name] = value
    answer.headers["ETag"] = etag
    return answer
