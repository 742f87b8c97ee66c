"""Serve the texts as pages of the site, and the pictures that come with GIZ."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from giz.texts.selectors import page_html, picture_read, text_in_use

_A_WEEK = "public, max-age=604800"


@never_cache
@require_safe
def page(request: HttpRequest, name: str) -> HttpResponse:
    """A text as a page."""
    version = text_in_use(name)
    if version is None:
        raise Http404
    context = {"title": version.title, "html": page_html(version.markdown), "version": version}
    return render(request, "texts/page.html", context)


@require_safe
def picture(_request: HttpRequest, name: str) -> HttpResponse:
    """A picture that comes with GIZ; a newer GIZ may replace it."""
    try:
        data = picture_read(name)
    except FileNotFoundError:
        raise Http404 from None
    return HttpResponse(data, content_type="image/webp", headers={"Cache-Control": _A_WEEK})
