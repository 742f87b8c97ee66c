"""The data of the dashboard, by a fixed number of queries whatever the number of campaigns, votes and jobs."""

import hashlib
import math
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, F, Q, Sum, Window
from django.db.models.functions import RowNumber, TruncDay
from django.utils import timezone
from django_celery_beat.models import PeriodicTask

from giz.accounts.models import User
from giz.core.cache import made_by_one
from giz.core.jobs import VISITORS_KINDS
from giz.core.models import Job, JobLogLine
from giz.dashboard.drawing import DayOfVotes
from labeling.models import Campaign, Consensus, Suspicion, Target, Vote
from labeling.selectors import VOTES_TO_GO

DAY, WEEK = timedelta(days=1), timedelta(days=7)
DAYS_SHOWN = 30
OVERVIEW_SECONDS = 60
JOBS_SHOWN = 8
JOBS_ON_THEIR_PAGE = 50
LOG_LINES_SHOWN = 6
COUNTED = Q(standing=Vote.Standing.COUNTED)


@dataclass
class CampaignRow:
    """A campaign and its progress; ``per_day`` lists its votes per day, oldest first."""

    campaign: Campaign
    targets: int = 0
    retired: int = 0
    leased: int = 0
    votes_to_go: float = 0.0
    in_doubt: int = 0
    votes: int = 0
    people: int = 0
    last_day: int = 0
    per_day: list[int] = field(default_factory=list)

    @property
    def percent(self) -> int:
        return round(100 * self.retired / self.targets) if self.targets else 0

    @property
    def days_to_go(self) -> int | None:
        """At the rate of the last 24 hours; None if nobody votes or nothing is left."""
        return math.ceil(self.votes_to_go / self.last_day) if self.last_day and self.votes_to_go > 0 else None


@dataclass(frozen=True)
class JobRow:
    job: Job
    lines: list[JobLogLine]

    @property
    def percent(self) -> int | None:
        """None while the amount of work is unknown."""
        job = self.job
        if job.state == Job.State.DONE:
            return 100
        return round(100 * job.progress_done / job.progress_total) if job.progress_total else None

    @property
    def seconds(self) -> int | None:
        if self.job.started_at is None:
            return None
        return round(((self.job.finished_at or timezone.now()) - self.job.started_at).total_seconds())


@dataclass(frozen=True)
class Overview:
    campaigns: list[CampaignRow]
    days: list[DayOfVotes]
    verdicts: dict[str, int]
    figures: dict[str, int]
    day_ago: datetime
    week_ago: datetime


def _days(now: datetime) -> list[date]:
    today = now.date()
    return [today - timedelta(days=back) for back in reversed(range(DAYS_SHOWN))]


def _midnight(day: date) -> datetime:
    """Return the start of the day (UTC) as a time, so that the database can use its index on votes."""
    return datetime.combine(day, datetime.min.time(), tzinfo=UTC)


def _campaign_rows() -> dict[int, CampaignRow]:
    rows = {
        campaign.pk: CampaignRow(campaign)
        for campaign in Campaign.objects.select_related("standard_set").order_by("-created_at", "-pk")
    }
    # Golden and calibration targets are never finished, and not counted as work.
    targets = Target.objects.filter(purpose=Target.Purpose.LABEL).order_by().values("campaign_id", "state")
    for group in targets.annotate(
        n=Count("pk"), out=Sum("lease_count"), to_go=Sum(VOTES_TO_GO), doubts=Count("pk", filter=~Q(doubt=""))
    ):
        row = rows[group["campaign_id"]]
        row.targets += group["n"]
        row.leased += group["out"]
        if group["state"] == Target.State.RETIRED:
            row.retired += group["n"]
        elif group["state"] == Target.State.OPEN:
            row.votes_to_go += group["to_go"]
        row.in_doubt += group["doubts"]
    return rows


def overview_of_late() -> Overview:
    """Return the overview, at most a minute old, because counting votes takes seconds on a large site.

    It is recomputed at once when a campaign is created, opened, paused or closed, so that staff see what they just did.
    """
    states = Campaign.objects.order_by("pk").values_list("pk", "state")
    digest = hashlib.sha256(repr(list(states)).encode()).hexdigest()[:16]
    return made_by_one(f"dashboard-overview-{digest}", OVERVIEW_SECONDS, overview)


def needed_but_off() -> list[str]:
    """Return the names of scheduled tasks that the site needs but that are switched off."""
    off = PeriodicTask.objects.filter(name__in=settings.CELERY_BEAT_SCHEDULE, enabled=False)
    return list(off.order_by("name").values_list("name", flat=True))


def overview() -> Overview:
    """Compute everything above the jobs, by nine queries."""
    now = timezone.now()
    days = _days(now)
    rows = _campaign_rows()
    _add_votes(rows, now)
    a_day = _add_days(rows, days)
    votes = Vote.objects.filter(COUNTED).order_by()
    verdicts = dict(votes.values_list("verdict").annotate(n=Count("pk")))
    return Overview(
        campaigns=list(rows.values()),
        days=[DayOfVotes(day, dict(a_day[day])) for day in days],
        verdicts={verdict: verdicts.get(verdict, 0) for verdict in ("A", "F", "J")},
        figures=_figures(now, rows.values(), sum(verdicts.values())),
        day_ago=now - DAY,
        week_ago=now - WEEK,
    )


def _add_votes(rows: dict[int, CampaignRow], now: datetime) -> None:
    by_campaign = Vote.objects.order_by().values("target__campaign_id")
    for group in by_campaign.annotate(
        n=Count("pk", filter=COUNTED),
        people=Count("volunteer_id", distinct=True),
        last_day=Count("pk", filter=COUNTED & Q(created_at__gte=now - DAY)),
    ):
        row = rows[group["target__campaign_id"]]
        row.votes, row.people, row.last_day = group["n"], group["people"], group["last_day"]


def _add_days(rows: dict[int, CampaignRow], days: list[date]) -> dict[date, Counter[str]]:
    """Set the votes per day of each campaign; return the verdicts of each day over all campaigns."""
    a_day: dict[date, Counter[str]] = defaultdict(Counter)
    of_campaign: dict[int, Counter[date]] = defaultdict(Counter)
    recent = Vote.objects.filter(COUNTED, created_at__gte=_midnight(days[0]))
    recent = recent.annotate(day=TruncDay("created_at")).order_by()
    for group in recent.values("target__campaign_id", "day", "verdict").annotate(n=Count("pk")):
        day = group["day"].date()
        a_day[day][group["verdict"]] += group["n"]
        of_campaign[group["target__campaign_id"]][day] += group["n"]
    for key, row in rows.items():
        row.per_day = [of_campaign[key][day] for day in days]
    return a_day


def _figures(now: datetime, rows: Any, votes: int) -> dict[str, int]:
    split = Consensus.objects.filter(is_current=True, is_split=True).values("target_id").distinct().count()
    active = Vote.objects.filter(created_at__gte=now - WEEK).order_by().values("volunteer_id").distinct().count()
    return {
        "votes": votes,
        "last_day": sum(row.last_day for row in rows),
        "volunteers": User.objects.filter(is_active=True).count(),
        "active": active,
        "retired": sum(row.retired for row in rows),
        "targets": sum(row.targets for row in rows),
        "leased": sum(row.leased for row in rows),
        "split": split,
        "suspected": Suspicion.objects.filter(state=Suspicion.State.OPEN).count(),
    }


def latest_jobs(count: int = JOBS_SHOWN) -> list[JobRow]:
    """Return the newest jobs, unfinished ones first, each with the end of its log, by two queries.

    Fetches for visitors come last, otherwise a few of them would hide all other jobs.
    """
    unfinished = Q(state__in=(Job.State.QUEUED, Job.State.RUNNING))
    of_visitors = Q(kind__in=VISITORS_KINDS, owner__isnull=True)
    newest = Job.objects.select_related("owner").annotate(ended=~unfinished, is_visitors=of_visitors)
    newest = newest.order_by("is_visitors", "ended", "-created_at")
    jobs = list(newest[:count])
    lines: dict[Any, list[JobLogLine]] = defaultdict(list)
    numbered = JobLogLine.objects.filter(job_id__in=[job.pk for job in jobs]).annotate(
        from_last=Window(RowNumber(), partition_by=F("job_id"), order_by=F("id").desc())
    )
    for line in numbered.filter(from_last__lte=LOG_LINES_SHOWN).order_by("id"):
        lines[line.job_id].append(line)
    return [JobRow(job, lines[job.pk]) for job in jobs]
