"""Leases: give a volunteer a galaxy to judge, renew the lease, skip the galaxy, or release it.

Locks are always taken in the same order to avoid deadlocks: the task's row, then its target's (several targets by id).
All times come from the database's clock.
"""

import math
import random
import uuid
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import psycopg
from django.db import OperationalError, connection, transaction

from giz.accounts.models import User
from giz.core.database import prepared_cursor
from giz.core.errors import Refused
from labeling.aggregation.need import EXPERIENCED_VOTES, probe_rate
from labeling.leased_task import COLUMNS, GUIDE_IN_USE, JOINS, LeasedTask, leased_task_of_row
from labeling.models import Campaign, Task
from labeling.rules import MAX_LEASE_HOURS, MAX_LEASES
from labeling.services.picking import pick_and_lease
from labeling.services.releases import leases_give_back, leases_release_expired
from standards.selectors import set_standards

LOCK_WAIT_MS = 3_000
LAST_LOOKS = 5
# Retry-After if others hold all remaining galaxies and no lease tells when one might become free.
OTHERS_AT_WORK_S = 900
_LEASE_LOCK = 0x61A5

# A task of this volunteer without a vote that may be leased again: its lease has expired, and its galaxy has a free
# slot.
_MAY_BE_RESUMED = """
    (target.state = 'open' OR (target.state = 'expert' AND %(is_supervisor)s::boolean))
    AND (task.state = 'leased' AND task.due_at <= now()
         OR task.state = 'expired' AND target.quota > target.vote_count + target.lease_count)
"""

# Votes are counted only as far as they matter, so that requests stay fast for people with many votes.
_CAMPAIGN_AND_LEASES = f"""
    SELECT campaign.id, campaign.state, campaign.standard_set_id, campaign.lease_minutes,
           (SELECT count(*) FROM (SELECT FROM labeling_vote WHERE volunteer_id = %(volunteer)s
                                   LIMIT {EXPERIENCED_VOTES}) given),
           (SELECT task.id FROM labeling_task task JOIN labeling_target target ON target.id = task.target_id
             WHERE task.volunteer_id = %(volunteer)s AND task.state IN ('leased', 'expired')
               AND target.campaign_id = campaign.id AND task.id <> ALL(%(held)s::uuid[]) AND {_MAY_BE_RESUMED}
             ORDER BY task.checked_out_at LIMIT 1),
           lease.id, lease.campaign_id
      FROM labeling_campaign campaign
      LEFT JOIN (SELECT task.id, task.checked_out_at, target.campaign_id
                   FROM labeling_task task JOIN labeling_target target ON target.id = task.target_id
                  WHERE task.volunteer_id = %(volunteer)s AND task.state = 'leased' AND task.due_at > now()) lease
        ON true
     WHERE campaign.name = %(campaign)s AND campaign.state <> 'draft'
     ORDER BY lease.checked_out_at
"""  # noqa: S608 - constants only

_RENEW = """
    UPDATE labeling_task task
       SET due_at = LEAST(now() + make_interval(mins => campaign.lease_minutes),
                          task.checked_out_at + make_interval(hours => %s))
      FROM labeling_target target JOIN labeling_campaign campaign ON campaign.id = target.campaign_id
     WHERE task.id = %s AND task.volunteer_id = %s AND target.id = task.target_id AND task.state = 'leased'
       AND task.checked_out_at + make_interval(hours => %s) > now()
 RETURNING task.id, task.target_id, task.seed, task.standard_set_id, task.due_at, task.guide_id
"""

# The same row with the same seed is leased again, so that a vote that is still on its way remains valid. Within the
# longest time of a lease this counts as one visit, and the time on screen continues.
_RESUME = f"""
WITH mine AS (
    SELECT task.id, task.state, task.target_id, campaign.lease_minutes, campaign.name AS campaign
      FROM labeling_task task
      JOIN labeling_target target ON target.id = task.target_id
      JOIN labeling_campaign campaign ON campaign.id = target.campaign_id
     WHERE task.volunteer_id = %(volunteer)s AND campaign.state = 'open' AND {{which}}
       FOR NO KEY UPDATE OF task, target SKIP LOCKED
), lease AS (
    UPDATE labeling_task task
       SET state = 'leased', checked_in_at = NULL, due_at = now() + make_interval(mins => mine.lease_minutes),
           guide_id = {GUIDE_IN_USE.format(campaign_name="mine.campaign")},
           checked_out_at = CASE WHEN now() + make_interval(mins => mine.lease_minutes)
                                      <= task.checked_out_at + make_interval(hours => {MAX_LEASE_HOURS})
                                 THEN task.checked_out_at ELSE now() END
      FROM mine WHERE task.id = mine.id
 RETURNING task.*
), counted AS (
    UPDATE labeling_target target SET lease_count = target.lease_count + 1
      FROM mine WHERE target.id = mine.target_id AND mine.state <> 'leased'
)
SELECT {COLUMNS} FROM lease {JOINS}
"""  # noqa: S608 - constants only
_RESUME_LEFT_BEHIND = _RESUME.format(which=f"task.id = %(task)s AND {_MAY_BE_RESUMED}")
_RESUME_WHILE_OPEN = _RESUME.format(
    which=f"""task.id = %(task)s AND task.state = 'expired' AND {_MAY_BE_RESUMED}
              AND now() + make_interval(mins => campaign.lease_minutes)
                  <= task.checked_out_at + make_interval(hours => {MAX_LEASE_HOURS})"""
)
_RESUME_SKIPPED = _RESUME.format(
    which="""task.id = (
        SELECT skipped.id FROM labeling_task skipped JOIN labeling_target target ON target.id = skipped.target_id
         WHERE skipped.volunteer_id = %(volunteer)s AND skipped.state = 'skipped' AND target.campaign_id = %(campaign)s
           AND (target.state = 'open' OR (target.state = 'expert' AND %(is_supervisor)s::boolean))
           AND target.quota > target.vote_count + target.lease_count
         ORDER BY skipped.checked_in_at LIMIT 1)
        AND task.state = 'skipped' AND target.quota > target.vote_count + target.lease_count"""
)

_LOCK = """
    SELECT task.state, task.target_id FROM labeling_task task JOIN labeling_target target ON target.id = task.target_id
     WHERE task.id = %s AND task.volunteer_id = %s FOR NO KEY UPDATE OF task, target
"""

# Why nothing was found: when the next lease of somebody else ends; whether this volunteer has judged anything here;
# whether unfinished galaxies are left (from a worker's count, because counting targets would read them all); and
# whether one is free after all, because it was locked until now.
_WHY_NONE = """
    SELECT (SELECT EXTRACT(EPOCH FROM min(task.due_at) - now())
              FROM labeling_task task JOIN labeling_target target ON target.id = task.target_id
             WHERE task.state = 'leased' AND target.campaign_id = %(campaign)s AND target.state = 'open'
               AND NOT EXISTS (SELECT FROM labeling_task mine
                                WHERE mine.target_id = target.id AND mine.volunteer_id = %(volunteer)s)),
           EXISTS (SELECT FROM labeling_task mine JOIN labeling_target target ON target.id = mine.target_id
                    WHERE mine.volunteer_id = %(volunteer)s AND mine.state = 'voted'
                      AND target.campaign_id = %(campaign)s),
           COALESCE((SELECT galaxies > retired FROM labeling_figures WHERE campaign_id = %(campaign)s), true),
           EXISTS (SELECT FROM labeling_target target
                    WHERE target.campaign_id = %(campaign)s
                      AND (target.state = 'open' OR (target.state = 'expert' AND %(is_supervisor)s::boolean))
                      AND target.quota > target.vote_count + target.lease_count
                      AND NOT EXISTS (SELECT FROM labeling_task mine
                                       WHERE mine.target_id = target.id AND mine.volunteer_id = %(volunteer)s
                                         AND (mine.state IN ('leased', 'voted') OR mine.id = ANY(%(held)s::uuid[]))))
"""


@dataclass(frozen=True, slots=True)
class _Entry:
    """A campaign's rules, and the volunteer's experience and leases."""

    campaign_id: int
    standard_set_id: int
    lease_minutes: int
    experience: int
    left_behind: uuid.UUID | None
    leases: list[tuple[uuid.UUID, int]]

    @property
    def leases_here(self) -> list[uuid.UUID]:
        return [task_id for task_id, home in self.leases if home == self.campaign_id]


def task_lease(*, volunteer: Any, campaign: str, held: Collection[uuid.UUID] = ()) -> tuple[LeasedTask, bool]:
    """Lease a galaxy to the volunteer.

    ``held`` are the tasks that the browser knows, including those whose votes are still being sent. Any other lease of
    the volunteer in this campaign is one whose answer was lost, and is returned again; so is a galaxy whose lease
    expired or was released without a vote. Skipped galaxies are served again once nothing else is left.

    Returns
    -------
    tuple of LeasedTask and bool
        The task, and whether its lease is new.

    Raises
    ------
    Refused
        ``no_campaign``, ``campaign_paused``, ``campaign_closed``, ``campaign_misconfigured``, ``too_many_leases``,
        ``all_done``; ``busy`` (503) while what is left is locked.
    """
    held = list(held)
    with transaction.atomic():
        entry, lost = _admit(volunteer, campaign, held)
        if lost is not None:
            return lost, False
        task = None
        if entry.left_behind is not None:
            task = _resumed(_RESUME_LEFT_BEHIND, volunteer, task=entry.left_behind)
        task = task or _pick(entry, volunteer)
    if task is None and leases_release_expired():
        with transaction.atomic():
            entry, lost = _admit(volunteer, campaign, held)
            if lost is not None:
                return lost, False
            task = _pick(entry, volunteer)
    if task is not None:
        return task, True
    for _attempt in range(LAST_LOOKS):
        task, is_new = _last_look(volunteer, campaign, held)
        if task is not None:
            return task, is_new
        reason = _why_none(entry.campaign_id, volunteer, held)
        if reason is not None:
            raise reason
    raise _busy()


def _admit(
    volunteer: Any, campaign: str, held: list[uuid.UUID], *, makes_room: bool = True
) -> tuple[_Entry, LeasedTask | None]:
    """Enter the campaign in this transaction; return the entry and, if there is one, a lease whose answer was lost.

    A transaction that will wait for the rows of others (``makes_room=False``) must not lock any of a lease given back
    before: if another tab has filled the leases meanwhile, it refuses with ``busy``, and the next request makes room.
    """
    entry = _enter(volunteer, campaign, held)
    lost = [task_id for task_id in entry.leases_here if task_id not in held]
    task = _renewed(lost[0], volunteer.pk) if lost else None
    if task is None and makes_room:
        _make_room(entry, volunteer.pk, held)
    elif task is None and len(entry.leases) >= MAX_LEASES:
        raise _busy()
    return entry, task


def _enter(volunteer: Any, campaign: str, held: list[uuid.UUID]) -> _Entry:
    with prepared_cursor() as cursor:
        # One request of a volunteer at a time, so that two tabs cannot exceed the number of leases.
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_LEASE_LOCK, volunteer.pk % 2**31])
        cursor.execute(
            _CAMPAIGN_AND_LEASES,
            {
                "volunteer": volunteer.pk,
                "campaign": campaign,
                "held": held,
                "is_supervisor": _is_supervisor(volunteer),
            },
        )
        rows = cursor.fetchall()
    if not rows:
        raise Refused("no_campaign", f"There is no campaign {campaign!r}.", status=404)
    campaign_id, state, standard_set_id, lease_minutes, experience, left_behind = rows[0][:6]
    if state == Campaign.State.PAUSED:
        raise Refused(
            "campaign_paused", "This campaign is paused. Your votes are safe; please come back later.", status=409
        )
    if state == Campaign.State.CLOSED:
        raise Refused("campaign_closed", "This campaign is closed. Thank you for your votes.", status=409)
    if not set_standards(standard_set_id).has_enough_panels:
        raise Refused(
            "campaign_misconfigured",
            "This campaign has too few standards for a comparison (fewer than three panels in a row). Its staff must "
            "add some.",
            status=409,
        )
    leases = [(task_id, home) for *_, task_id, home in rows if task_id is not None]
    return _Entry(campaign_id, standard_set_id, lease_minutes, experience, left_behind, leases)


def _make_room(entry: _Entry, volunteer_id: int, held: list[uuid.UUID]) -> None:
    """Release a lease in another campaign that the browser does not know; refuse if it knows all of them."""
    if len(entry.leases) < MAX_LEASES:
        return
    forgotten = [task_id for task_id, home in entry.leases if home != entry.campaign_id and task_id not in held]
    if forgotten and leases_give_back(forgotten[:1], volunteer_id):
        return
    names = Campaign.objects.filter(pk__in={home for _, home in entry.leases}).order_by("title", "name")
    titles = " and ".join(campaign.title or campaign.name for campaign in names)
    raise Refused(
        "too_many_leases",
        f"You already hold {len(entry.leases)} galaxies, in {titles}. Judge or skip one of them first.",
        status=409,
    )


def _is_supervisor(volunteer: Any) -> bool:
    return bool(volunteer.role == User.Role.SUPERVISOR)


def _pick(entry: _Entry, volunteer: Any, *, waits: bool = False) -> LeasedTask | None:
    return pick_and_lease(
        campaign_id=entry.campaign_id,
        standard_set_id=entry.standard_set_id,
        lease_minutes=entry.lease_minutes,
        volunteer_id=volunteer.pk,
        wants_probe=random.random() < probe_rate(entry.experience),
        is_supervisor=_is_supervisor(volunteer),
        waits=waits,
    )


def _resumed(statement: str, volunteer: Any, **values: Any) -> LeasedTask | None:
    with connection.cursor() as cursor:
        cursor.execute(statement, {"volunteer": volunteer.pk, "is_supervisor": _is_supervisor(volunteer), **values})
        row = cursor.fetchone()
    return leased_task_of_row(row) if row else None


def _last_look(volunteer: Any, campaign: str, held: list[uuid.UUID]) -> tuple[LeasedTask | None, bool]:
    """Try targets that others have locked, which are often free, then those that this volunteer has skipped."""
    try:
        with transaction.atomic():
            entry, lost = _admit(volunteer, campaign, held, makes_room=False)
            if lost is not None:
                return lost, False
            with connection.cursor() as cursor:
                cursor.execute("SELECT set_config('lock_timeout', %s, true)", [str(LOCK_WAIT_MS)])
            task = _pick(entry, volunteer, waits=True)
            return task or _resumed(_RESUME_SKIPPED, volunteer, campaign=entry.campaign_id), True
    except OperationalError as error:
        # Rows stay locked while the statement waits for others, so two such requests may deadlock.
        if isinstance(error.__cause__, psycopg.errors.LockNotAvailable | psycopg.errors.DeadlockDetected):
            raise _busy() from None
        raise


def _busy() -> Refused:
    return Refused("busy", "The last galaxies are being updated. Try again in a second.", status=503, retry_after=1)


def _why_none(campaign_id: int, volunteer: Any, held: list[uuid.UUID]) -> Refused | None:
    """Return why there is nothing to judge, for good or for now; None if there is something by now."""
    values = {"campaign": campaign_id, "volunteer": volunteer.pk, "held": held}
    with connection.cursor() as cursor:
        cursor.execute(_WHY_NONE, {**values, "is_supervisor": _is_supervisor(volunteer)})
        seconds, has_judged, is_open, is_free = cursor.fetchone()
    if is_free:
        return None
    if seconds is not None:
        return Refused(
            "all_done",
            "Somebody else is judging each of the remaining galaxies at the moment. Some may become free; try again "
            "later.",
            status=404,
            retry_after=min(max(math.ceil(seconds), 15), OTHERS_AT_WORK_S),
        )
    if has_judged:
        return Refused("all_done", "You have judged every galaxy that is open here. Thank you!", status=404)
    return Refused(
        "all_done",
        "Others are working on every open galaxy, so there is none for you at the moment."
        if is_open
        else "Every galaxy of this campaign is done.",
        status=404,
        retry_after=OTHERS_AT_WORK_S,
    )


def _renewed(task_id: uuid.UUID, volunteer_id: int) -> LeasedTask | None:
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH lease AS ({_RENEW}) SELECT {COLUMNS} FROM lease {JOINS}",  # noqa: S608 - constants only
            [MAX_LEASE_HOURS, task_id, volunteer_id, MAX_LEASE_HOURS],
        )
        row = cursor.fetchone()
    return leased_task_of_row(row) if row else None


def task_renew(*, volunteer: Any, task_id: uuid.UUID) -> LeasedTask:
    """Extend a lease by another lease time from now, up to four hours in all.

    A lease that expired or was released is taken up again if its galaxy has a free slot.
    """
    renewed = _renewed(task_id, volunteer.pk) or _resumed(_RESUME_WHILE_OPEN, volunteer, task=task_id)
    if renewed is not None:
        return renewed
    state = Task.objects.filter(id=task_id, volunteer=volunteer).values_list("state", flat=True).first()
    if state is None:
        raise Refused("not_found", "Not found.", status=404)
    if state == Task.State.VOTED:
        raise Refused("already_voted", "You have already judged this galaxy.", status=409)
    raise Refused(
        "lease_lost",
        "Your time for this galaxy ran out. You can still send your answer: it counts unless somebody has taken your "
        "place.",
        status=409,
    )


def task_skip(*, volunteer: Any, task_id: uuid.UUID) -> None:
    """Skip a galaxy: the volunteer gets it again only once nothing else is left. Repeating a skip changes nothing."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_LOCK, [task_id, volunteer.pk])
        row = cursor.fetchone()
        if row is None:
            raise Refused("not_found", "Not found.", status=404)
        state, target_id = row
        if state == Task.State.VOTED:
            raise Refused("already_voted", "You have already judged this galaxy; undo that vote instead.", status=409)
        if state == Task.State.SKIPPED:
            return
        cursor.execute("UPDATE labeling_task SET state = 'skipped', checked_in_at = now() WHERE id = %s", [task_id])
        if state == Task.State.LEASED:
            cursor.execute("UPDATE labeling_target SET lease_count = lease_count - 1 WHERE id = %s", [target_id])


def tasks_release(*, volunteer: Any, task_ids: Collection[uuid.UUID]) -> int:
    """Release galaxies without judging or skipping them, as when a page is closed; return how many were leased.

    The volunteer gets them again first. Tasks that are unknown, somebody else's or no longer leased are ignored.
    """
    with transaction.atomic():
        return leases_give_back(list(task_ids), volunteer.pk)
