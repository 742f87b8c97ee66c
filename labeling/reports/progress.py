"""The report on progress: votes per day, finished galaxies, and the time that the rest will take."""

from datetime import timedelta
from typing import Any

from django.db import connection
from django.db.models import Count, Q, Sum
from django.utils import timezone

from giz.core.plot import Plot, Series
from giz.core.report import Column, Report
from giz.core.words import counted, n_galaxies
from labeling.models import Campaign, Target
from labeling.selectors import VOTES_TO_GO

RATE_DAYS = 7

_DAYS = """
    WITH votes AS (
        SELECT (vote.created_at AT TIME ZONE 'UTC')::date AS day, count(*) AS votes,
               count(DISTINCT vote.volunteer_id) AS people,
               percentile_cont(0.5) WITHIN GROUP (
                   ORDER BY COALESCE(vote.shown_ms / 1000.0,
                                     extract(epoch FROM vote.created_at - vote.checked_out_at))) AS seconds
          FROM labeling_vote vote JOIN labeling_target target ON target.id = vote.target_id
         WHERE target.campaign_id = %(campaign)s AND vote.standing = 'counted' GROUP BY 1
    ), done AS (
        SELECT (retired_at AT TIME ZONE 'UTC')::date AS day, count(*) AS galaxies
          FROM labeling_target
         WHERE campaign_id = %(campaign)s AND state = 'retired' AND purpose = 'label' AND retired_at IS NOT NULL
         GROUP BY 1
    )
    SELECT day, COALESCE(votes, 0), COALESCE(people, 0), COALESCE(galaxies, 0), seconds
      FROM votes FULL JOIN done USING (day) ORDER BY day
"""


def progress(campaign: Campaign) -> Report:
    """List votes, volunteers and finished galaxies per day; extrapolate the remaining time from the last week."""
    with connection.cursor() as cursor:
        cursor.execute(_DAYS, {"campaign": campaign.pk})
        days = cursor.fetchall()
    rows: list[tuple[Any, ...]] = []
    votes = done = 0
    for day, given, people, finished, seconds in days:
        votes, done = votes + given, done + finished
        rows.append(
            (day.isoformat(), given, people, finished, votes, done, None if seconds is None else float(seconds))
        )
    counts = Target.objects.filter(campaign=campaign, purpose=Target.Purpose.LABEL).aggregate(
        galaxies=Count("id"),
        retired=Count("id", filter=Q(state=Target.State.RETIRED)),
        expert=Count("id", filter=Q(state=Target.State.EXPERT)),
        to_go=Sum(VOTES_TO_GO, filter=Q(state=Target.State.OPEN)),
    )
    missing = round(counts.pop("to_go") or 0)
    week = timezone.now().date() - timedelta(days=RATE_DAYS - 1)
    rate = sum(row[1] for row in days if row[0] >= week) / RATE_DAYS
    to_go = missing / rate if rate else None
    lines = [
        f"Of {n_galaxies(counts['galaxies'])} {counted(counts['retired'], 'is', 'are')} done, "
        f"{counted(counts['expert'], 'waits', 'wait')} for a supervisor; "
        + (f"about {counted(missing, 'vote is', 'votes are')} missing." if missing else "no votes are missing."),
        f"{rate:,.1f} votes a day over the last week"
        + (f": {_days(to_go)} at this rate." if to_go is not None and missing else "."),
    ]
    figures = {**counts, "votes_missing": missing, "votes_a_day": rate, "days_to_go": to_go}
    numbers = list(range(len(rows)))
    plots = [
        Plot(title, f"days since {rows[0][0] if rows else 'the first vote'}", title.lower(), [series])
        for title, series in (
            ("Votes", Series("line", numbers, [float(row[4]) for row in rows], colour=1)),
            ("Galaxies done", Series("line", numbers, [float(row[5]) for row in rows])),
        )
    ]
    return Report("progress", "Progress", lines, _COLUMNS, rows, figures, plots)


def _days(to_go: float) -> str:
    if to_go < 1:
        return "less than a day more"
    return f"about {counted(to_go, 'more day')}"


_COLUMNS = (
    Column("day", "day (UTC)"),
    Column("votes", "votes"),
    Column("volunteers", "people"),
    Column("galaxies_done", "galaxies done"),
    Column("votes_total", "votes so far"),
    Column("galaxies_done_total", "done so far"),
    Column("median_seconds", "s per vote", 0),
)
