"""Display files by their hashed names. In production a web server or CDN may serve MEDIA_ROOT with the same headers."""

from pathlib import Path

from django.conf import settings
from django.http import FileResponse, Http404, HttpRequest, HttpResponseNotModified
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response
from django.views.decorators.http import require_safe

_HEADERS = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "Content-Disposition": "inline",
    "Cross-Origin-Resource-Policy": "same-origin",
}


@require_safe
def display_file(request: HttpRequest, stem: str, size_px: str) -> HttpResponseBase:
    """One display file. No database, no session: the name is all it takes; only names of the exact form get here."""
    if stem[:2] != stem[3:5]:
        raise Http404
    etag = f'"{stem[3:]}-{size_px}"'
    unchanged = get_conditional_response(request, etag=etag)
    if isinstance(unchanged, HttpResponseNotModified):
        unchanged.headers["Cache-Control"] = _HEADERS["Cache-Control"]
        return unchanged
    path = Path(settings.MEDIA_ROOT) / f"{stem}-{size_px}.webp"
    try:
        answer = FileResponse(path.open("rb"), content_type="image/webp")
    except (FileNotFoundError, IsADirectoryError):
        raise Http404 from None
    for name, value in _HEADERS.items():
        answer.headers[name] = value
    answer.headers["ETag"] = etag
    return answer
