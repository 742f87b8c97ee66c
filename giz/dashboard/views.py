"""The staff pages: progress of the campaigns, votes, jobs, networks, and the reports of a campaign."""

import uuid
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

from csp.constants import SELF
from csp.decorators import csp_replace
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.safestring import mark_safe
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from giz.core.jobs import params_hash
from giz.core.report import Report
from giz.core.tasks import wake_on_commit
from giz.dashboard import networks
from giz.dashboard.drawing import SPARK_HEIGHT, SPARK_WIDTH, sparkline, stacked_bars
from giz.dashboard.jobs import ReportState, kept_reports, report_states, reports_job
from giz.dashboard.selectors import JOBS_ON_THEIR_PAGE, latest_jobs, needed_but_off, overview_of_late
from giz.training.selectors import training_runs
from labeling.models import Campaign
from labeling.reports import REPORTS

View = Callable[..., HttpResponseBase]


def staff_page(view: View) -> View:
    """A read-only page for staff.

    It keeps the strict content security policy: the weaker one below /staff/ is for the admin's own scripts.
    """
    strict: View = csp_replace({"script-src": [SELF], "style-src": [SELF]})(never_cache(require_GET(_for_staff(view))))
    return strict


def staff_button(view: View) -> View:
    """A view that a button of these pages posts to."""
    return never_cache(require_POST(_for_staff(view)))


def _for_staff(view: View) -> View:
    """Redirect anonymous visitors to the login; answer 404 to users who are not staff."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        if not request.user.is_staff:
            raise Http404
        return view(request, *args, **kwargs)

    return guarded


@staff_page
def dashboard(request: HttpRequest) -> HttpResponse:
    seen = overview_of_late()
    rows = [(row, sparkline(row.per_day)) for row in seen.campaigns]
    context = {
        "seen": seen,
        "rows": rows,
        "chart": stacked_bars(seen.days),
        "spark": {"width": SPARK_WIDTH, "height": SPARK_HEIGHT},
        "verdict_names": {"A": "accepted", "F": "face-on", "J": "rejected"},
        "jobs": latest_jobs(),
        "drifts": networks.drift_alarms(),
        "needed_but_off": needed_but_off(),
    }
    return render(request, "dashboard/overview.html", context)


@staff_page
def jobs(request: HttpRequest) -> HttpResponse:
    return render(request, "dashboard/jobs_page.html", {"jobs": latest_jobs(JOBS_ON_THEIR_PAGE)})


@staff_page
def jobs_fragment(request: HttpRequest) -> HttpResponse:
    """The part of the dashboard that refreshes itself."""
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
RETRY_SECONDS = 5


def _drawn(report: Report, plots: int | None = None) -> dict[str, Any]:
    """Return a report for a template. The texts of plots are escaped where they are drawn (giz/core/plot.py)."""
    is_text = report.text_columns()
    rows = list(zip(_links(report), report.shown_rows(ROWS_ON_PAGE), strict=True))
    return {
        "report": report,
        "plots": [mark_safe(plot.svg()) for plot in report.plots[:plots]],  # noqa: S308
        "columns": list(zip(report.columns, is_text, strict=True)),
        "rows": [(link, list(zip(row, is_text, strict=True))) for link, row in rows],
        "left_out": max(0, len(report.rows) - ROWS_ON_PAGE),
    }


def _links(report: Report) -> list[str]:
    """Return the address of each row's staff page, or an empty text."""
    if report.rows_are not in ROW_PAGES:
        return [""] * len(report.rows[:ROWS_ON_PAGE])
    address = reverse(ROW_PAGES[report.rows_are])
    shown = report.rows[:ROWS_ON_PAGE]
    return [f"{address}?{urlencode({'q': str(row[report.searched]).removeprefix('v')})}" for row in shown]


def _making(campaign: Campaign, names: Sequence[str], states: Sequence[ReportState]) -> dict[str, Any]:
    """Return how far the making of the reports is. The page reloads itself when ``version`` changes."""
    jobs = {state.job.pk: state.job for state in states if state.job is not None}
    unfinished = [state.job for state in states if state.is_being_made]
    known = [state.made_at for state in states if state.made_at is not None]
    marks = [*sorted(str(at) for at in known), *sorted(f"{job.pk} {job.state == 'failed'}" for job in jobs.values())]
    address = reverse("dashboard:reports_state", args=[campaign.name])
    return {
        "campaign": campaign,
        "address": f"{address}?{urlencode({'name': names}, doseq=True)}",
        "version": params_hash("", {"marks": marks})[:16],
        "job": unfinished[0] if unfinished else None,
        "missing": sum(state.made_at is None for state in states),
        "failed": [state for state in states if state.has_failed],
        "oldest": min(known, default=None),
        "many": len(states) > 1,
    }


def _looked_at(request: HttpRequest, campaign: Campaign, names: Sequence[str]) -> dict[str, Any]:
    """Create a job for missing and old reports; return how far it is."""
    due = [state.name for state in report_states(campaign, names) if state.is_due]
    if due:
        _ask(request, campaign, due)
    return _making(campaign, names, report_states(campaign, names))


def _ask(request: HttpRequest, campaign: Campaign, names: Sequence[str]) -> None:
    job = reports_job(campaign=campaign, names=names, owner=request.user)
    if job is not None:
        wake_on_commit(job)


@staff_page
def reports(request: HttpRequest, campaign: str) -> HttpResponse:
    """All reports of a campaign, each with its sentences and first plot."""
    chosen = get_object_or_404(Campaign, name=campaign)
    making = _looked_at(request, chosen, list(REPORTS))
    kept = kept_reports(chosen)
    found = [_drawn(kept[name], PLOTS_IN_OVERVIEW) for name in REPORTS if name in kept]
    return render(request, "dashboard/reports.html", {"making": making, "campaign": chosen, "reports": found})


@staff_page
def report(request: HttpRequest, campaign: str, name: str) -> HttpResponse:
    """One report with its table and all plots."""
    chosen = get_object_or_404(Campaign, name=campaign)
    if name not in REPORTS:
        raise Http404
    making = _looked_at(request, chosen, [name])
    kept = kept_reports(chosen, [name])
    drawn = _drawn(kept[name]) if name in kept else {}
    context = {"campaign": chosen, "name": name, "names": list(REPORTS), "making": making, **drawn}
    return render(request, "dashboard/report.html", context)


@staff_page
def reports_state(request: HttpRequest, campaign: str) -> HttpResponse:
    """The part of these pages that refreshes itself while reports are made."""
    chosen = get_object_or_404(Campaign, name=campaign)
    names = [name for name in request.GET.getlist("name") if name in REPORTS]
    making = _making(chosen, names, report_states(chosen, names))
    return render(request, "dashboard/report_state.html", {"making": making})


@staff_button
def reports_make(request: HttpRequest, campaign: str) -> HttpResponse:
    """Make these reports again, however old they are, and return to the page."""
    chosen = get_object_or_404(Campaign, name=campaign)
    names = [name for name in request.POST.getlist("name") if name in REPORTS]
    _ask(request, chosen, names or list(REPORTS))
    if len(names) == 1:
        return redirect("dashboard:report", chosen.name, names[0])
    return redirect("dashboard:reports", chosen.name)


@staff_page
def report_file(request: HttpRequest, campaign: str, name: str, form: str) -> HttpResponse:
    """A report as a file: its whole table, or its plots; 503 with ``Retry-After`` until it is made."""
    chosen = get_object_or_404(Campaign, name=campaign)
    if name not in REPORTS or form not in FILES:
        raise Http404
    _looked_at(request, chosen, [name])
    made = kept_reports(chosen, [name]).get(name)
    if made is None:
        words = "This report is being made. Try again in a few seconds.\n"
        headers = {"Retry-After": str(RETRY_SECONDS)}
        return HttpResponse(words, status=503, content_type="text/plain; charset=utf-8", headers=headers)
    body = {"csv": made.as_csv, "json": lambda: made.as_json(chosen.name), "svg": made.as_svg}[form]()
    answer = HttpResponse(body, content_type=FILES[form])
    answer.headers["Content-Disposition"] = f'attachment; filename="{chosen.name}-{name}.{form}"'
    return answer
