"""What became of somebody's galaxies: shown to them only where it can influence no vote of theirs any more.

A galaxy is *settled* when its target is finished (golden and calibration targets never are). Its outcome is held back
while this person has a task for the galaxy, can undo the vote on it, or may still get a task for it in another
campaign. Reading is bounded: at most the
``NEWEST`` votes of a person are looked at.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from django.db import connection

from giz.accounts.services import aware_time
from labeling.aggregation.my_eye import Pair
from labeling.rules import UNDO_TIME, WEIGHTLESS_FLAGS

# More than nearly everybody has; a statement over all votes of the busiest people would take too long.
NEWEST = 2_000

# For use after FROM labeling_target target, with %(volunteer)s.
_IS_SETTLED = """
    target.state = 'retired' AND target.purpose = 'label' AND NOT EXISTS (
        SELECT FROM labeling_target elsewhere
          JOIN labeling_campaign its ON its.id = elsewhere.campaign_id
          LEFT JOIN labeling_task mine ON mine.target_id = elsewhere.id AND mine.volunteer_id = %(volunteer)s
         WHERE elsewhere.galaxy_id = target.galaxy_id
           AND (mine.state = 'leased' OR (elsewhere.state <> 'retired' AND its.state <> 'closed'
                                          AND mine.state IS DISTINCT FROM 'voted')))
"""

_OUTCOMES = f"""
    SELECT target.id, found.verdict, CASE WHEN found.verdict = 'A' THEN found.inclination_deg END,
           CASE WHEN found.verdict = 'A' THEN found.sigma_deg END, found.volunteer_count, target.retired_at
      FROM labeling_target target
      JOIN labeling_campaign campaign ON campaign.id = target.campaign_id
      JOIN labeling_consensus found
           ON found.target_id = target.id AND found.is_current AND found.estimator = campaign.estimator
     WHERE target.id = ANY(%(targets)s) AND {_IS_SETTLED}
"""  # noqa: S608 - constants only

# A vote that can still be undone is told nothing: it could be given again by the outcome.
_TOLD_AT = """GREATEST(target.retired_at,
                         vote.created_at + CASE WHEN vote.task_id IS NULL THEN interval '0' ELSE %(undo)s END)"""

_NEWLY_SETTLED = f"""
    SELECT vote.id, count(*) OVER ()
      FROM (SELECT id, target_id, task_id, standing, created_at FROM labeling_vote WHERE volunteer_id = %(volunteer)s
             ORDER BY created_at DESC LIMIT {NEWEST}) vote
      JOIN labeling_target target ON target.id = vote.target_id
     WHERE vote.standing IN ('counted', 'surplus') AND {_TOLD_AT} > %(since)s AND {_TOLD_AT} <= %(now)s
       AND {_IS_SETTLED}
     ORDER BY target.retired_at DESC, vote.id DESC LIMIT %(limit)s
"""  # noqa: S608 - constants only

# The others' median is independent of this person's vote; of one other person there is nothing to be learned.
_PAIRS = f"""
    SELECT others.median_deg, vote.inclination_deg
      FROM (SELECT target_id, task_id, standing, verdict, inclination_deg, flags, created_at FROM labeling_vote
             WHERE volunteer_id = %(volunteer)s ORDER BY created_at DESC LIMIT {NEWEST}) vote
      JOIN labeling_target target ON target.id = vote.target_id
      JOIN labeling_campaign campaign ON campaign.id = target.campaign_id
      JOIN labeling_consensus found ON found.target_id = target.id AND found.is_current
           AND found.estimator = campaign.estimator AND found.verdict = 'A'
      JOIN LATERAL (
           SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY other.inclination_deg) AS median_deg, count(*) AS people
             FROM labeling_vote other
            WHERE other.target_id = target.id AND other.volunteer_id <> %(volunteer)s AND other.standing = 'counted'
              AND other.verdict = 'A' AND NOT other.flags && %(weightless)s::varchar[]) others ON others.people > 1
     WHERE vote.standing = 'counted' AND vote.verdict = 'A' AND NOT vote.flags && %(weightless)s::varchar[]
       AND {_TOLD_AT} <= statement_timestamp() AND {_IS_SETTLED}
     ORDER BY vote.created_at
"""  # noqa: S608 - constants only

# Nobody else has ever judged the galaxy before, in any campaign or imported table.
_FIRST = """
    SELECT vote.id FROM labeling_vote vote JOIN labeling_target target ON target.id = vote.target_id
     WHERE vote.id = ANY(%(votes)s) AND vote.standing = 'counted' AND NOT vote.is_imported
       AND target.purpose = 'label' AND NOT EXISTS (
           SELECT FROM labeling_vote other JOIN labeling_target its ON its.id = other.target_id
            WHERE its.galaxy_id = target.galaxy_id AND other.volunteer_id <> vote.volunteer_id
              AND (other.is_imported OR other.created_at <= vote.created_at))
"""


@dataclass(frozen=True, slots=True)
class OutcomeAnswer:
    """What all volunteers together found on a settled galaxy, as the API describes it (`giz.core.answers`)."""

    verdict: Literal["A", "F", "J"]
    inclination_deg: float | None
    sigma_deg: float | None
    people: int
    settled_at: datetime


def outcomes_for(volunteer_id: int, target_ids: Sequence[int]) -> dict[int, OutcomeAnswer]:
    """Return the outcomes of those targets that are settled and may be shown to this person."""
    with connection.cursor() as cursor:
        cursor.execute(_OUTCOMES, {"volunteer": volunteer_id, "targets": list(target_ids)})
        rows = cursor.fetchall()
    return {row[0]: OutcomeAnswer(*row[1:]) for row in rows if row[1]}


def newly_settled(volunteer: Any, *, limit: int) -> tuple[datetime, int, list[int]]:
    """Return the database's time, and how many of somebody's galaxies were settled since they last looked.

    Also the votes on the latest of them, by id. When they last looked is their preference ``settled_seen``.
    """
    since = aware_time(volunteer.preferences.get("settled_seen")) or datetime(2000, 1, 1, tzinfo=UTC)
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement_timestamp()")
        (now,) = cursor.fetchone()
        values = {"volunteer": volunteer.pk, "since": since, "now": now, "limit": limit, "undo": UNDO_TIME}
        cursor.execute(_NEWLY_SETTLED, values)
        rows = cursor.fetchall()
    return now, rows[0][1] if rows else 0, [row[0] for row in rows]


def pairs_of(volunteer_id: int) -> list[Pair]:
    """Return the others' median and this person's inclination of each settled galaxy; oldest first."""
    values: dict[str, Any] = {"volunteer": volunteer_id, "undo": UNDO_TIME, "weightless": list(WEIGHTLESS_FLAGS)}
    with connection.cursor() as cursor:
        cursor.execute(_PAIRS, values)
        return [(float(others), float(mine)) for others, mine in cursor.fetchall()]


def first_judgements(vote_ids: Sequence[int]) -> set[int]:
    """Return those of these votes that were the first on their galaxy."""
    with connection.cursor() as cursor:
        cursor.execute(_FIRST, {"votes": list(vote_ids)})
        return {row[0] for row in cursor.fetchall()}
