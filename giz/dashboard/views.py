"""The first page of staff: how far the campaigns are, who votes, what the jobs do."""

import uuid
from collections.abc import Callable
from functools import wraps
from typing import Any

from csp.constants import SELF
from csp.decorators import csp_replace
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.safestring import mark_safe
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from giz.dashboard import networks
from giz.dashboard.drawing import SPARK_HEIGHT, SPARK_WIDTH, sparkline, stacked_bars
from giz.dashboard.selectors import (
    JOBS_ON_THEIR_PAGE,
    DatedReport,
    campaign_report,
    campaign_reports,
    latest_jobs,
    overview,
)
from giz.training.selectors import training_runs
from labeling.models import Campaign
from labeling.reports.registry import REPORTS
from labeling.reports.report import Report

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
        "drifts": networks.drift_alarms(),
    }
    return render(request, "dashboard/overview.html", context)


@staff_page
def jobs(request: HttpRequest) -> HttpResponse:
    return render(request, "dashboard/jobs_page.html", {"jobs": latest_jobs(JOBS_ON_THEIR_PAGE)})


@staff_page
def jobs_fragment(request: HttpRequest) -> HttpResponse:
    """The part of the first page that refreshes itself."""
    return render(request, "dashboard/jobs.html", {"jobs": latest_jobs()})


@staff_page
def networks_page(request: HttpRequest) -> HttpResponse:
    return render(request, "dashboard/networks.html", networks.overview())


@staff_page
def training_page(request: HttpRequest, run_id: uuid.UUID) -> HttpResponse:
    """One training, live."""
    seen = networks.training(get_object_or_404(training_runs(), pk=run_id))
    seen["plots"] = [mark_safe(plot.svg()) for plot in seen["plots"]]  # noqa: S308
    return render(request, "dashboard/training.html", seen)


PLOTS_IN_OVERVIEW = 1
ROWS_ON_PAGE = 500
ROW_PAGES = {"volunteer": "admin:labeling_volunteer_changelist", "standard": "admin:standards_standard_changelist"}
FILES = {"csv": "text/csv; charset=utf-8", "json": "application/json", "svg": "image/svg+xml"}


def _drawn(dated: DatedReport, plots: int | None = None) -> dict[str, Any]:
    """A report for a template. The plots' own texts were escaped where they were drawn (giz/core/plot.py)."""
    report = dated.report
    is_text = report.text_columns()
    rows = list(zip(_links(report), report.shown_rows(), strict=True))[:ROWS_ON_PAGE]
    return {
        "report": report,
        "made_at": dated.made_at,
        "plots": [mark_safe(plot.svg()) for plot in report.plots[:plots]],  # noqa: S308
        "columns": list(zip(report.columns, is_text, strict=True)),
        "rows": [(link, list(zip(row, is_text, strict=True))) for link, row in rows],
        "left_out": max(0, len(report.rows) - ROWS_ON_PAGE),
    }


def _links(report: Report) -> list[str]:
    """Where each row's subject is found on the staff pages; empty where it has no page."""
    if report.rows_are not in ROW_PAGES:
        return [""] * len(report.rows)
    address = reverse(ROW_PAGES[report.rows_are])
    return [f"{address}?{urlencode({'q': str(row[report.searched]).removeprefix('v')})}" for row in report.rows]


@staff_page
def reports(request: HttpRequest, campaign: str) -> HttpResponse:
    """Every report of a campaign: its sentences and first plots."""
    chosen = get_object_or_404(Campaign, name=campaign)
    found = [_drawn(dated, PLOTS_IN_OVERVIEW) for dated in campaign_reports(chosen)]
    return render(request, "dashboard/reports.html", {"campaign": chosen, "reports": found})


@staff_page
def report(request: HttpRequest, campaign: str, name: str) -> HttpResponse:
    """One report with its table and all plots."""
    chosen = get_object_or_404(Campaign, name=campaign)
    if name not in REPORTS:
        raise Http404
    drawn = _drawn(campaign_report(chosen, name))
    return render(request, "dashboard/report.html", {"campaign": chosen, "names": list(REPORTS), **drawn})


@staff_page
def report_file(request: HttpRequest, campaign: str, name: str, form: str) -> HttpResponse:
    """A report as a file: its whole table, or its plots."""
    chosen = get_object_or_404(Campaign, name=campaign)
    if name not in REPORTS or form not in FILES:
        raise Http404
    made = campaign_report(chosen, name).report
    body = {"csv": made.as_csv, "json": lambda: made.as_json(chosen.name), "svg": made.as_svg}[form]()
    answer = HttpResponse(body, content_type=FILES[form])
    answer.headers["Content-Disposition"] = f'attachment; filename="{chosen.name}-{name}.{form}"'
    return answer
