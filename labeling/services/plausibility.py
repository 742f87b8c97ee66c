"""Implausible accounts: their votes get a flag that gives them weight 0, and staff can take it off for good."""

from typing import Any

import numpy as np
from django.db import connection, transaction

from giz.core import audit
from labeling.aggregation.implausible import IMPLAUSIBLE_RULE, implausible
from labeling.models import Campaign, Vote

IMPLAUSIBLE = "implausible"
# Staff's word: votes that bear it are not flagged again.
PLAUSIBLE = "plausible"
_BATCH = 2000

_REFLAG = """
WITH changed AS (
    UPDATE labeling_vote SET flags = array_append(array_remove(flags, %(old)s), %(new)s)
     WHERE volunteer_id = %(volunteer)s AND NOT %(new)s = ANY(flags) AND (NOT %(needs_old)s OR %(old)s = ANY(flags))
    RETURNING target_id
), stale AS (
    UPDATE labeling_target SET stale_since = COALESCE(stale_since, now()) WHERE id IN (SELECT target_id FROM changed)
)
SELECT count(*) FROM changed
"""


def implausible_flag(*, campaign: Campaign) -> dict[int, int]:
    """Find implausible volunteers of a campaign and flag all their votes; returns votes flagged by volunteer id.

    Whom staff has declared plausible is left alone.
    """
    flagged = _follow_up(campaign)
    trusted = Vote.objects.filter(flags__contains=[PLAUSIBLE]).values("volunteer_id")
    rows = (
        Vote.objects.filter(target__campaign=campaign, standing=Vote.Standing.COUNTED, is_imported=False)
        .exclude(flags__contains=[IMPLAUSIBLE])
        .exclude(volunteer_id__in=trusted)
        .order_by("id")
        .values_list("volunteer_id", "trace", "flags")
    )
    read = [
        (volunteer_id, _first_slot(trace), "too_fast" in flags) for volunteer_id, trace, flags in rows.iterator(_BATCH)
    ]
    if not read:
        return flagged
    ids, volunteer = np.unique(np.array([row[0] for row in read]), return_inverse=True)
    findings = implausible(volunteer, np.array([row[1] for row in read]), np.array([row[2] for row in read]))
    for finding in findings:
        volunteer_id = int(ids[finding.volunteer])
        flagged[volunteer_id] = _reflag(volunteer_id, old=PLAUSIBLE, new=IMPLAUSIBLE, needs_old=False)
        audit.record(
            "votes_discounted",
            subject=f"volunteer {volunteer_id}",
            rule=IMPLAUSIBLE_RULE,
            reasons=list(finding.reasons),
            votes=flagged[volunteer_id],
        )
    return flagged


def implausible_unflag(*, volunteer: Any, actor: Any = None) -> int:
    """Give the votes of a volunteer their weight back, for good; returns how many."""
    count = _reflag(volunteer.pk, old=IMPLAUSIBLE, new=PLAUSIBLE, needs_old=True)
    audit.record("votes_restored", actor=actor, subject=f"volunteer {volunteer.pk}", votes=count)
    return count


def volunteer_discount(*, volunteer: Any, actor: Any = None) -> int:
    """Take the weight of all votes of a volunteer by staff's word, and of those to come; returns how many."""
    count = _reflag(volunteer.pk, old=PLAUSIBLE, new=IMPLAUSIBLE, needs_old=False)
    audit.record("votes_discounted", actor=actor, subject=f"volunteer {volunteer.pk}", reasons=["staff"], votes=count)
    return count


def _follow_up(campaign: Campaign) -> dict[int, int]:
    """Flag what volunteers voted since they were found implausible; returns votes flagged by volunteer id."""
    votes = Vote.objects.filter(target__campaign=campaign)
    known = votes.filter(flags__contains=[IMPLAUSIBLE]).values("volunteer_id")
    newer = votes.filter(volunteer_id__in=known).exclude(flags__overlap=[IMPLAUSIBLE, PLAUSIBLE])
    return {
        volunteer_id: _reflag(volunteer_id, old=PLAUSIBLE, new=IMPLAUSIBLE, needs_old=False)
        for volunteer_id in newer.order_by().values_list("volunteer_id", flat=True).distinct()
    }


def _first_slot(trace: Any) -> int:
    steps = trace.get("steps") if isinstance(trace, dict) else None
    return int(steps[0]["slot"]) if steps else -1


def _reflag(volunteer_id: int, *, old: str, new: str, needs_old: bool) -> int:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_REFLAG, {"volunteer": volunteer_id, "old": old, "new": new, "needs_old": needs_old})
        return int(cursor.fetchone()[0])
