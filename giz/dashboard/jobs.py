"""Reports on campaigns, made by a worker and stored. No page computes one: the stack of a web thread is too small."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.dispatch import receiver
from django.utils import timezone

from giz.accounts.erasure import account_erasing
from giz.core.database import reading_snapshot
from giz.core.jobs import UNFINISHED, JobContext, job_create, job_handler
from giz.core.models import AuditEvent, Job
from giz.core.report import Report, dumped, loaded
from giz.dashboard.models import KeptReport
from labeling.models import Campaign
from labeling.reports import REPORTS, report_of
from labeling.services.campaigns import campaign_named

REPORTS_KIND = "make_reports"
# A report is made again when somebody opens one older than both of these: a time, and a multiple of its duration.
FRESH_FOR = timedelta(minutes=5)
FRESH_TIMES = 20
_ERASING_LOCK = 0x61AA


@dataclass(frozen=True)
class ReportState:
    """When the stored report was made, and the job that makes the next one or has failed."""

    name: str
    made_at: datetime | None
    seconds: float
    job: Job | None

    @property
    def is_being_made(self) -> bool:
        return self.job is not None and self.job.state in UNFINISHED

    @property
    def has_failed(self) -> bool:
        return self.job is not None and self.job.state == Job.State.FAILED

    @property
    def is_due(self) -> bool:
        """Whether opening its page makes it; a report that failed is made again only on request."""
        if self.is_being_made or self.has_failed:
            return False
        if self.made_at is None:
            return True
        return timezone.now() - self.made_at > max(FRESH_FOR, FRESH_TIMES * timedelta(seconds=self.seconds))


def report_keep(*, campaign: Campaign, name: str) -> KeptReport:
    """Make a report from a snapshot of the data and store it in place of the previous one.

    If an account is erased in the meantime, the report is made again, because it would contain the old number.
    """
    erased = AuditEvent.objects.filter(action="account_erased")
    while True:
        began, at, before = time.monotonic(), timezone.now(), erased.count()
        with reading_snapshot():
            content = dumped(report_of(campaign, name))
        values = {"content": content, "made_at": at, "seconds": time.monotonic() - began}
        with transaction.atomic():
            _wait_for_erasing()
            if erased.count() == before:
                return KeptReport.objects.update_or_create(campaign=campaign, name=name, defaults=values)[0]


def _wait_for_erasing() -> None:
    """Exclude erasures of accounts until the end of the transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_ERASING_LOCK])


def report_states(campaign: Campaign, names: Iterable[str] = REPORTS) -> list[ReportState]:
    """Return the states of these reports, by three queries and without reading their content."""
    kept = {row.name: row for row in KeptReport.objects.filter(campaign=campaign).defer("content")}
    coming = reports_coming(campaign)
    # If the newest finished job failed after a report was made, the page shows that beside the report.
    ended = Job.objects.filter(kind=REPORTS_KIND, params__campaign=campaign.name).exclude(state__in=UNFINISHED)
    last = ended.order_by("-created_at").first()
    failed = last if last is not None and last.state == Job.State.FAILED else None
    states = []
    for name in names:
        row = kept.get(name)
        job = coming.get(name)
        if job is None and failed and name in _missing(failed) and not (row and row.made_at > failed.created_at):
            job = failed
        states.append(ReportState(name, row.made_at if row else None, row.seconds if row else 0.0, job))
    return states


def reports_coming(campaign: Campaign) -> dict[str, Job]:
    """Return the unfinished jobs by the names of the reports that they will still make."""
    jobs = Job.objects.filter(state__in=UNFINISHED, kind=REPORTS_KIND, params__campaign=campaign.name)
    return {name: job for job in jobs.order_by("-created_at") for name in _missing(job)}


def _missing(job: Job) -> list[str]:
    made = job.checkpoint.get("made", [])
    return [name for name in job.params["reports"] if name not in made]


def kept_reports(campaign: Campaign, names: Iterable[str] = REPORTS) -> dict[str, Report]:
    """Return those of these reports that are stored."""
    rows = KeptReport.objects.filter(campaign=campaign, name__in=list(names)).values_list("name", "content")
    return {name: loaded(content) for name, content in rows}


def reports_job(*, campaign: Campaign, names: Sequence[str], owner: Any = None) -> Job | None:
    """Return the job that makes these reports; None if unfinished jobs make all of them already.

    Only one such job runs at a time, whatever the campaign: on a large site each needs much memory.
    """
    with transaction.atomic():
        # Simultaneous requests must create one job.
        Campaign.objects.select_for_update(no_key=True).get(pk=campaign.pk)
        coming = reports_coming(campaign)
        wanted = [name for name in names if name not in coming]
        if not wanted:
            return None
        params = {"campaign": campaign.name, "reports": wanted}
        return job_create(kind=REPORTS_KIND, params=params, owner=owner, lane=REPORTS_KIND)


@job_handler(REPORTS_KIND)
def make_reports(job: JobContext) -> dict[str, Any]:
    campaign = campaign_named(job.params["campaign"])
    made: list[str] = job.checkpoint.get("made", [])
    failure: Exception | None = None
    for place, name in enumerate(job.params["reports"]):
        job.progress(place, len(job.params["reports"]), name.replace("-", " "))
        if name in made:
            continue
        try:
            report_keep(campaign=campaign, name=name)
        except Exception as error:  # noqa: BLE001 - the other reports are still made; this one is retried
            failure = error
            job.log(f"{name}: {error!r}", level="error")
        else:
            made = [*made, name]
            job.save_checkpoint({"made": made})
    if failure is not None:
        raise failure
    return {"reports": made}


@receiver(account_erasing, dispatch_uid="dashboard.erasure")
def person_forget(sender: Any, **_: Any) -> None:
    """Delete the report that lists people: compared with a newer one it would reveal the new numbers."""
    _wait_for_erasing()
    KeptReport.objects.filter(name="volunteers").delete()
