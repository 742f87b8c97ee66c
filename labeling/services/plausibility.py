"""Suspicions: people whose votes do not look like judgements. Only staff take weight from votes, and can restore it.

Votes without weight have the flag ``implausible``. Locks are always taken in the same order: the suspicion, targets by
id, then their votes; in small batches, so that requests do not wait long.
"""

import math
from dataclasses import asdict
from typing import Any

import numpy as np
from django.db import connection, transaction
from django.db.models.functions import Now

from giz.accounts.models import User
from giz.core import audit
from labeling.aggregation.implausible import IMPLAUSIBLE_RULE, Finding, implausible
from labeling.aggregation.vote_table import VERDICT_CODES, VoteTable
from labeling.models import Campaign, Suspicion, Target, Vote
from standards.selectors import read_set_standards

IMPLAUSIBLE = "implausible"
BATCH = 500
_ROWS = 5000

# The next votes of a volunteer in a campaign (NULL: in all) with or without the flag, in the order of their targets.
_NEXT = """
    SELECT vote.id, vote.target_id FROM labeling_vote vote JOIN labeling_target target ON target.id = vote.target_id
     WHERE vote.volunteer_id = %(volunteer)s AND (%(flag)s = ANY(vote.flags)) = %(has)s
       AND (%(campaign)s::bigint IS NULL OR target.campaign_id = %(campaign)s)
     ORDER BY vote.target_id, vote.id LIMIT %(batch)s
"""
_FLAG = """
    UPDATE labeling_vote SET flags = array_append(flags, %(flag)s) WHERE id = ANY(%(votes)s) AND %(flag)s <> ALL(flags)
"""
_UNFLAG = "UPDATE labeling_vote SET flags = array_remove(flags, %(flag)s) WHERE id = ANY(%(votes)s)"


def suspicions_find(*, campaign: Campaign) -> list[Suspicion]:
    """Search the votes of a campaign; return the suspicions on which staff have to decide.

    This changes no weight, except that of new votes by people whose suspicion staff have confirmed. For somebody whom
    staff declared honest only votes given since then are evidence.
    """
    for known in Suspicion.objects.filter(campaign=campaign, state=Suspicion.State.CONFIRMED):
        _follow(known)
    fresh = []
    findings = _findings(campaign)
    # Suspicions that later votes have removed need no decision.
    open_ones = Suspicion.objects.filter(campaign=campaign, state=Suspicion.State.OPEN)
    open_ones.exclude(volunteer_id__in=findings).delete()
    for volunteer_id, finding in findings.items():
        evidence = {name: value for name, value in asdict(finding).items() if name not in ("volunteer", "reasons")}
        values = {"reasons": list(finding.reasons), "evidence": evidence, "rule_version": IMPLAUSIBLE_RULE}
        with transaction.atomic():
            found, is_new = Suspicion.objects.select_for_update().get_or_create(
                campaign=campaign, volunteer_id=volunteer_id, defaults=values
            )
            if found.state == Suspicion.State.CONFIRMED:
                continue
            if is_new or found.state == Suspicion.State.DISMISSED:
                audit.record("votes_suspected", subject=f"volunteer {volunteer_id}", campaign=campaign.name, **values)
                Suspicion.objects.filter(pk=found.pk).update(found_at=Now())
            Suspicion.objects.filter(pk=found.pk).update(**values, state=Suspicion.State.OPEN)
        found.refresh_from_db()
        fresh.append(found)
    return fresh


def _findings(campaign: Campaign) -> dict[int, Finding]:
    """Return what the rule finds, by volunteer id."""
    dismissed = Suspicion.objects.filter(campaign=campaign, state=Suspicion.State.DISMISSED)
    since = {
        volunteer_id: at.timestamp() for volunteer_id, at in dismissed.values_list("volunteer_id", "decided_at") if at
    }
    counted = Vote.objects.filter(target__campaign=campaign, standing=Vote.Standing.COUNTED, is_imported=False)
    columns = counted.exclude(flags__contains=[IMPLAUSIBLE]).values_list(
        "target_id", "volunteer_id", "verdict", "inclination_deg", "flags", "created_at"
    )
    rows = np.fromiter(
        (
            (target_id, person, VERDICT_CODES[verdict], math.nan if value is None else value, "too_fast" in flags,
             person not in since or at.timestamp() > since[person])
            for target_id, person, verdict, value, flags, at in columns.iterator(_ROWS)
        ),
        dtype=[("target", "i8"), ("person", "i8"), ("verdict", "i1"), ("value", "f8"), ("fast", "?"), ("counts", "?")],
    )  # fmt: skip
    if not rows.size:
        return {}
    targets, galaxy = np.unique(rows["target"], return_inverse=True)
    people, volunteer = np.unique(rows["person"], return_inverse=True)
    trusted = User.objects.exclude(role=User.Role.VOLUNTEER, is_superuser=False).values_list("pk", flat=True)
    findings = implausible(
        VoteTable(galaxy, volunteer, rows["verdict"], rows["value"], targets.size, people.size),
        rows["fast"],
        bins_deg=np.array(
            sorted(set(read_set_standards(campaign.standard_set_id).shown.sources.values())), dtype=float
        ),
        is_exempt=np.isin(people, np.array(list(trusted), dtype=np.int64)),
        is_evidence=rows["counts"],
    )
    return {int(people[finding.volunteer]): finding for finding in findings}


def suspicion_confirm(*, suspicion: Suspicion, actor: Any = None) -> int:
    """Give the volunteer's present and future votes in this campaign weight 0; return how many changed."""
    _decide(suspicion, Suspicion.State.CONFIRMED)
    count = _follow(suspicion)
    _record("votes_discounted", suspicion, actor, count)
    return count


def suspicion_dismiss(*, suspicion: Suspicion, actor: Any = None) -> int:
    """Declare the votes honest and restore their weight; return how many changed. Only later votes are evidence."""
    _decide(suspicion, Suspicion.State.DISMISSED)
    count = _follow(suspicion)
    _record("votes_restored", suspicion, actor, count)
    return count


def _decide(suspicion: Suspicion, state: Suspicion.State) -> None:
    Suspicion.objects.filter(pk=suspicion.pk).update(state=state, decided_at=Now())
    suspicion.refresh_from_db()


def _record(action: str, suspicion: Suspicion, actor: Any, count: int) -> None:
    audit.record(
        action,
        actor=actor,
        subject=f"volunteer {suspicion.volunteer_id}",
        campaign=suspicion.campaign.name,
        reasons=suspicion.reasons,
        votes=count,
    )


def volunteer_discount(*, volunteer: Any, actor: Any = None) -> int:
    """Give all votes of a volunteer weight 0 in every campaign, by decision of staff; return how many changed."""
    count = 0
    judged_in = Vote.objects.filter(volunteer_id=volunteer.pk).values("target__campaign_id")
    for campaign in Campaign.objects.filter(pk__in=judged_in):
        values = {"reasons": ["staff"], "state": Suspicion.State.CONFIRMED}
        found, _is_new = Suspicion.objects.get_or_create(campaign=campaign, volunteer_id=volunteer.pk, defaults=values)
        count += suspicion_confirm(suspicion=found, actor=actor)
    return count


def volunteer_restore(*, volunteer: Any, actor: Any = None) -> int:
    """Restore the weight of all votes of a volunteer and dismiss all suspicions; return how many votes changed."""
    suspicions = Suspicion.objects.filter(volunteer_id=volunteer.pk).exclude(state=Suspicion.State.DISMISSED)
    count = sum(suspicion_dismiss(suspicion=one, actor=actor) for one in suspicions.select_related("campaign"))
    # Flags from before suspicions were stored.
    return count + _reflag(volunteer.pk, None, takes_weight=False)


def _follow(suspicion: Suspicion) -> int:
    """Give the votes the weight that was decided; return how many changed."""
    takes_weight = suspicion.state == Suspicion.State.CONFIRMED
    return _reflag(suspicion.volunteer_id, suspicion.campaign_id, takes_weight=takes_weight, decided=suspicion)


def _still_holds(suspicion: Suspicion) -> bool:
    """Whether the decision still holds; it cannot change before this transaction ends."""
    same = Suspicion.objects.select_for_update(no_key=True).filter(pk=suspicion.pk, state=suspicion.state)
    return same.values_list("pk").first() is not None


def _reflag(volunteer_id: int, campaign_id: int | None, *, takes_weight: bool, decided: Suspicion | None = None) -> int:
    """Set or remove the flag on a volunteer's votes, a batch per transaction; return how many votes changed.

    It stops if staff revise ``decided`` in the meantime.
    """
    values = {"volunteer": volunteer_id, "campaign": campaign_id, "flag": IMPLAUSIBLE, "has": not takes_weight}
    count = 0
    while True:
        with transaction.atomic(), connection.cursor() as cursor:
            if decided is not None and not _still_holds(decided):
                return count
            cursor.execute(_NEXT, {**values, "batch": BATCH})
            rows = cursor.fetchall()
            Target.mark_stale({row[1] for row in rows})
            cursor.execute(_FLAG if takes_weight else _UNFLAG, {"flag": IMPLAUSIBLE, "votes": [row[0] for row in rows]})
        count += len(rows)
        if len(rows) < BATCH:
            return count
