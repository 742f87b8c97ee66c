"""Tasks: lease one, skip it, hold it longer; and give back the leases that ran out.

Locks are taken in one order everywhere: the task's row, then its target's (several targets by id), so that no two
requests can wait for each other. All times are the database's.
"""

import math
import random
import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from giz.accounts.models import User
from giz.core.database import prepared_cursor
from giz.core.errors import Refused
from labeling.aggregation.need import EXPERIENCED_VOTES, probe_rate
from labeling.leased import COLUMNS, JOINS, LeasedTask, leased_task_of_row
from labeling.models import Campaign, Task
from labeling.pools import set_pools
from labeling.rules import MAX_LEASE_HOURS, MAX_LEASES
from labeling.services.picking import pick_and_lease

RELEASE_BATCH = 500
_LEASE_LOCK = 0x61A5
_RELEASE_LOCK = 0x61A6

# Counted no further than experience matters, or the eager would pay for their votes with every galaxy.
_CAMPAIGN_AND_LEASES = f"""
    SELECT campaign.id, campaign.state, campaign.standard_set_id, campaign.lease_minutes,
           (SELECT count(*) FROM (SELECT FROM labeling_vote WHERE volunteer_id = %s LIMIT {EXPERIENCED_VOTES}) given),
           lease.id, lease.campaign_id
      FROM labeling_campaign campaign
      LEFT JOIN (SELECT task.id, task.checked_out_at, target.campaign_id
                   FROM labeling_task task JOIN labeling_target target ON target.id = task.target_id
                  WHERE task.volunteer_id = %s AND task.state = 'leased' AND task.due_at > now()) lease ON true
     WHERE campaign.name = %s AND campaign.state <> 'draft'
     ORDER BY lease.checked_out_at
"""  # noqa: S608 - constants only

_RENEW = """
    UPDATE labeling_task task
       SET due_at = LEAST(now() + make_interval(mins => campaign.lease_minutes),
                          task.checked_out_at + make_interval(hours => %s))
      FROM labeling_target target JOIN labeling_campaign campaign ON campaign.id = target.campaign_id
     WHERE task.id = %s AND task.volunteer_id = %s AND target.id = task.target_id AND task.state = 'leased'
       AND task.checked_out_at + make_interval(hours => %s) > now()
 RETURNING task.id, task.target_id, task.seed, task.standard_set_id, task.due_at
"""

_LOCK = """
    SELECT task.state, task.target_id FROM labeling_task task JOIN labeling_target target ON target.id = task.target_id
     WHERE task.id = %s AND task.volunteer_id = %s FOR NO KEY UPDATE OF task, target
"""


@dataclass(frozen=True, slots=True)
class _Entry:
    """A campaign as a volunteer meets it: its rules, and the leases this volunteer holds."""

    campaign_id: int
    state: str
    standard_set_id: int
    lease_minutes: int
    experience: int
    leases_here: list[uuid.UUID]
    lease_count: int


def task_lease(*, volunteer: Any, campaign: str, held: Collection[uuid.UUID] = ()) -> tuple[LeasedTask, bool]:
    """Give the volunteer a galaxy to judge.

    ``held`` are the tasks that the browser knows; another lease of the volunteer in this campaign is one whose answer
    got lost, and is given again. Returns the task and whether its lease is new.
    """
    task = None
    with transaction.atomic():
        entry = _enter(volunteer.pk, campaign)
        lost = [task_id for task_id in entry.leases_here if task_id not in set(held)]
        if lost:
            task = _renewed(lost[0], volunteer.pk)
        if task is not None:
            return task, False
        if entry.lease_count >= MAX_LEASES:
            raise Refused(
                "too_many_leases",
                f"You hold {entry.lease_count} galaxies already; judge or skip one of them first.",
                status=409,
            )
        task = _pick(entry, volunteer)
    if task is None and leases_release_expired():
        with transaction.atomic():
            task = _pick(entry, volunteer)
    if task is None:
        raise _all_done(entry.campaign_id, volunteer.pk)
    return task, True


def _enter(volunteer_id: int, campaign: str) -> _Entry:
    with prepared_cursor() as cursor:
        # One request of a volunteer at a time, or two tabs could overstep the number of leases.
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_LEASE_LOCK, volunteer_id % 2**31])
        cursor.execute(_CAMPAIGN_AND_LEASES, [volunteer_id, volunteer_id, campaign])
        rows = cursor.fetchall()
    if not rows:
        raise Refused("no_campaign", f"There is no campaign {campaign!r}.", status=404)
    campaign_id, state, standard_set_id, lease_minutes, experience = rows[0][:5]
    if state == Campaign.State.PAUSED:
        raise Refused("campaign_paused", "This campaign pauses; your votes are kept. Come back later.", status=409)
    if state == Campaign.State.CLOSED:
        raise Refused("campaign_closed", "This campaign is closed. Thank you for your votes.", status=409)
    if not set_pools(standard_set_id).has_enough_panels:
        raise Refused(
            "campaign_misconfigured",
            "This campaign's standards can't fill a comparison (fewer than three panels in a row). Staff must fix it.",
            status=409,
        )
    leases = [(task_id, home) for *_, task_id, home in rows if task_id is not None]
    here = [task_id for task_id, home in leases if home == campaign_id]
    return _Entry(campaign_id, state, standard_set_id, lease_minutes, experience, here, len(leases))


def _pick(entry: _Entry, volunteer: Any) -> LeasedTask | None:
    return pick_and_lease(
        campaign_id=entry.campaign_id,
        standard_set_id=entry.standard_set_id,
        lease_minutes=entry.lease_minutes,
        volunteer_id=volunteer.pk,
        wants_probe=random.random() < probe_rate(entry.experience),
        is_supervisor=volunteer.role == User.Role.SUPERVISOR,
    )


def _all_done(campaign_id: int, volunteer_id: int) -> Refused:
    """The refusal where nothing is free: for ever, or until a lease of somebody else may come back."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT EXTRACT(EPOCH FROM min(task.due_at) - now())
                 FROM labeling_task task JOIN labeling_target target ON target.id = task.target_id
                WHERE task.state = 'leased' AND target.campaign_id = %s AND target.state = 'open'
                  AND NOT EXISTS (SELECT FROM labeling_task mine
                                   WHERE mine.target_id = target.id AND mine.volunteer_id = %s)""",
            [campaign_id, volunteer_id],
        )
        seconds = cursor.fetchone()[0]
    if seconds is None:
        return Refused("all_done", "You have judged every galaxy that is open here. Thank you!", status=404)
    return Refused(
        "all_done",
        "Every galaxy that is left is being judged by somebody else right now. Some may come back; try again later.",
        status=404,
        retry_after=min(max(math.ceil(seconds), 15), 900),
    )


def _renewed(task_id: uuid.UUID, volunteer_id: int) -> LeasedTask | None:
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH lease AS ({_RENEW}) SELECT {COLUMNS} FROM lease {JOINS}",  # noqa: S608 - constants only
            [MAX_LEASE_HOURS, task_id, volunteer_id, MAX_LEASE_HOURS],
        )
        row = cursor.fetchone()
    return leased_task_of_row(row) if row else None


def task_renew(*, volunteer: Any, task_id: uuid.UUID) -> datetime:
    """Hold the task for another lease time from now, at most four hours in all; returns when it is due."""
    renewed = _renewed(task_id, volunteer.pk)
    if renewed is not None:
        return renewed.due_at
    state = Task.objects.filter(id=task_id, volunteer=volunteer).values_list("state", flat=True).first()
    if state is None:
        raise Refused("not_found", "Not found.", status=404)
    if state == Task.State.VOTED:
        raise Refused("already_voted", "You have judged this galaxy already.", status=409)
    raise Refused(
        "lease_lost",
        "Your time for this galaxy ran out. You may still send your judgement: it counts if nobody took your place.",
        status=409,
    )


def task_skip(*, volunteer: Any, task_id: uuid.UUID) -> None:
    """Give the galaxy back unjudged; it is not served to this volunteer again. Repeating it changes nothing."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_LOCK, [task_id, volunteer.pk])
        row = cursor.fetchone()
        if row is None:
            raise Refused("not_found", "Not found.", status=404)
        state, target_id = row
        if state == Task.State.VOTED:
            raise Refused("already_voted", "You have judged this galaxy already; undo that vote instead.", status=409)
        if state == Task.State.SKIPPED:
            return
        cursor.execute("UPDATE labeling_task SET state = 'skipped', checked_in_at = now() WHERE id = %s", [task_id])
        if state == Task.State.LEASED:
            cursor.execute("UPDATE labeling_target SET lease_count = lease_count - 1 WHERE id = %s", [target_id])


def leases_release_expired() -> int:
    """Give back every lease that ran out, in batches; returns how many. One process at a time does it."""
    released = 0
    while True:
        batch = _release_batch()
        released += batch
        if batch < RELEASE_BATCH:
            return released


def _release_batch() -> int:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_RELEASE_LOCK])
        if not cursor.fetchone()[0]:
            return 0
        cursor.execute(
            """SELECT id, target_id FROM labeling_task WHERE state = 'leased' AND due_at < now()
                ORDER BY due_at LIMIT %s FOR NO KEY UPDATE SKIP LOCKED""",
            [RELEASE_BATCH],
        )
        rows = cursor.fetchall()
        if not rows:
            return 0
        task_ids, target_ids = [row[0] for row in rows], [row[1] for row in rows]
        cursor.execute("SELECT id FROM labeling_target WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE", [target_ids])
        cursor.execute("UPDATE labeling_task SET state = 'expired' WHERE id = ANY(%s)", [task_ids])
        cursor.execute(
            """UPDATE labeling_target target SET lease_count = target.lease_count - gone.number
                 FROM (SELECT target_id, count(*) AS number FROM unnest(%s::bigint[]) AS target_id GROUP BY 1) gone
                WHERE target.id = gone.target_id""",
            [target_ids],
        )
    return len(rows)
