"""End leases that have expired, or that are released without a vote.

Locks are taken in the order of `labeling.services.leases`: the tasks' rows, then their targets' by id.
"""

import uuid

from django.db import connection, transaction

RELEASE_BATCH = 500
_RELEASE_LOCK = 0x61A6


def leases_give_back(task_ids: list[uuid.UUID], volunteer_id: int) -> int:
    """Release these leases of the volunteer; return how many there were. Other tasks are ignored."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT id, target_id FROM labeling_task WHERE id = ANY(%s) AND volunteer_id = %s AND state = 'leased'
                ORDER BY id FOR NO KEY UPDATE""",
            [task_ids, volunteer_id],
        )
        return _expire(cursor.fetchall())


def leases_release_expired() -> int:
    """End every expired lease, in batches and in one process at a time; return how many there were."""
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
        return _expire(cursor.fetchall())


def _expire(rows: list[tuple[uuid.UUID, int]]) -> int:
    """End leases whose task rows are locked, and free their targets' slots."""
    if not rows:
        return 0
    task_ids, target_ids = [row[0] for row in rows], [row[1] for row in rows]
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM labeling_target WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE", [target_ids])
        cursor.execute(
            "UPDATE labeling_task SET state = 'expired', due_at = LEAST(due_at, now()) WHERE id = ANY(%s)", [task_ids]
        )
        cursor.execute(
            """UPDATE labeling_target target SET lease_count = target.lease_count - gone.number
                 FROM (SELECT target_id, count(*) AS number FROM unnest(%s::bigint[]) AS target_id GROUP BY 1) gone
                WHERE target.id = gone.target_id""",
            [target_ids],
        )
    return len(rows)
