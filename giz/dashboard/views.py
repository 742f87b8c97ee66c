"""The first page of staff: how far the campaigns are, who votes, what the jobs do."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from csp.constants import SELF
from csp.decorators import csp_replace
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from giz.dashboard.drawing import SPARK_HEIGHT, SPARK_WIDTH, sparkline, stacked_bars
from giz.dashboard.selectors import JOBS_ON_THEIR_PAGE, latest_jobs, overview

View = Callable[..., HttpResponseBase]


def staff_page(view: View) -> View:
    """Strangers log in first; people without the staff role are told that there is nothing here.

    The policy stays the strict one: the loosened one below /staff/ is for the admin's own scripts.
    """

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        if not request.user.is_staff:
            raise Http404
        return view(request, *args, **kwargs)

    strict: View = csp_replace({"script-src": [SELF], "style-src": [SELF]})(never_cache(require_GET(guarded)))
    return strict


@staff_page
def dashboard(request: HttpRequest) -> HttpResponse:
    seen = overview()
    rows = [(row, sparkline(row.per_day)) for row in seen.campaigns]
    context = {
        "seen": seen,
        "rows": rows,
        "chart": stacked_bars(seen.days),
        "spark": {"width": SPARK_WIDTH, "height": SPARK_HEIGHT},
        "verdict_names": {"A": "accepted", "F": "face-on", "J": "rejected"},
        "jobs": latest_jobs(),
    }
    return render(request, "dashboard/overview.html", context)


@staff_page
def jobs(request: HttpRequest) -> HttpResponse:
    return render(request, "dashboard/jobs_page.html", {"jobs": latest_jobs(JOBS_ON_THEIR_PAGE)})


@staff_page
def jobs_fragment(request: HttpRequest) -> HttpResponse:
    """The part of the first page that refreshes itself."""
    return render(request, "dashboard/jobs.html", {"jobs": latest_jobs()})
