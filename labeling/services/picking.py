"""Picking a target for a volunteer: one statement, flat in the number of targets, votes and open leases.

The partial index (campaign, priority, order_key) holds only targets with a free slot. Each request enters it at a
random place, so volunteers do not queue at its head; it walks on from there, skips what others hold locked or this
volunteer was served, and wraps around. Bands of priority are tried from the lowest number up. Golden and calibration
targets will come as bands of their own: nothing here needs to change for them.
"""

import random
import secrets
import uuid
from typing import Any

from django.db import connection

from labeling.leased import COLUMNS, JOINS, LeasedTask, leased_task_of_row

_FREE = "t.campaign_id = %(campaign)s AND t.state = 'open' AND t.quota > t.vote_count + t.lease_count"

# OFFSET 0 keeps the planner from turning the probe of one target into a join with all of this volunteer's tasks.
_CANDIDATE = f"""
    SELECT t.id FROM labeling_target t
     WHERE {_FREE} AND t.priority = band.priority AND t.order_key {{range}}
       AND NOT EXISTS (SELECT FROM labeling_task served
                        WHERE served.target_id = t.id AND served.volunteer_id = %(volunteer)s OFFSET 0)
     ORDER BY t.order_key LIMIT 1 FOR NO KEY UPDATE OF t SKIP LOCKED
"""  # noqa: S608 - constants only

# A volunteer's own concurrent request may have just taken the same target: then nothing is inserted nor counted.
_PICK = f"""
WITH RECURSIVE band(priority) AS (
    (SELECT t.priority FROM labeling_target t WHERE {_FREE} ORDER BY t.priority LIMIT 1)
    UNION ALL
    SELECT (SELECT t.priority FROM labeling_target t WHERE {_FREE} AND t.priority > band.priority
             ORDER BY t.priority LIMIT 1)
      FROM band WHERE band.priority IS NOT NULL
), pick AS (
    SELECT found.id FROM band CROSS JOIN LATERAL (
        SELECT ahead.id FROM ({_CANDIDATE.format(range=">= %(start)s")}) ahead
        UNION ALL
        SELECT behind.id FROM ({_CANDIDATE.format(range="< %(start)s")}) behind
        LIMIT 1
    ) found LIMIT 1
), lease AS (
    INSERT INTO labeling_task (id, target_id, volunteer_id, standard_set_id, seed, state, checked_out_at, due_at)
    SELECT %(task)s, pick.id, %(volunteer)s, %(standard_set)s, %(seed)s, 'leased', now(),
           now() + make_interval(mins => %(minutes)s)
      FROM pick
    ON CONFLICT (target_id, volunteer_id) DO NOTHING
    RETURNING *
), counted AS (
    UPDATE labeling_target SET lease_count = labeling_target.lease_count + 1
      FROM lease WHERE labeling_target.id = lease.target_id
)
SELECT {COLUMNS}, (SELECT count(*) FROM pick) FROM pick LEFT JOIN (lease {JOINS}) ON true
"""  # noqa: S608 - constants only


def pick_and_lease(
    *, campaign_id: int, standard_set_id: int, lease_minutes: int, volunteer_id: int
) -> LeasedTask | None:
    """Lease the next target for this volunteer; None where no target has a free slot for them right now."""
    while True:
        values: dict[str, Any] = {
            "campaign": campaign_id,
            "volunteer": volunteer_id,
            "standard_set": standard_set_id,
            "minutes": lease_minutes,
            "start": random.random(),
            "seed": secrets.randbits(62),
            "task": uuid.uuid4(),
        }
        with connection.cursor() as cursor:
            cursor.execute(_PICK, values)
            row = cursor.fetchone()
        if row is None:
            return None
        if row[0] is not None:
            return leased_task_of_row(row[:-1])
