"""Picking a target for a volunteer: one statement, flat in the number of targets, votes and open leases.

The partial index (campaign, band, order_key) holds only targets with a free slot. Bands are tried from the lowest up:
staff's priority first, within it the need of another vote (`labeling.aggregation.need`), and among fresh targets how
much the network would learn from them. Each request enters a band at a random place, so volunteers do not queue at its
head; it walks on from there, skips what others hold locked or this volunteer was served, and wraps around.

A volunteer who works alone has soon judged all that has begun; so bands of need are looked into for a short stretch
only, before fresh targets are tried, and searched to the end when nothing else is left. Golden and calibration targets
have a band of their own: it comes first for a volunteer whom chance gives one, last for everybody else. Targets that
wait for a supervisor come first for supervisors and are served to nobody else.
"""

import random
import secrets
import uuid
from typing import Any

from giz.core.database import prepared_cursor
from labeling.aggregation.need import BANDS_A_PRIORITY, FIRST_FRESH, PROBE_BAND
from labeling.leased import COLUMNS, JOINS, LeasedTask, leased_task_of_row

STRETCH = 64
_FREE = "t.campaign_id = %(campaign)s AND t.state = 'open' AND t.quota > t.vote_count + t.lease_count"

# OFFSET 0 keeps the planner from turning the probe of one target into a join with all of this volunteer's tasks.
_UNSERVED = """NOT EXISTS (SELECT FROM labeling_task served
                        WHERE served.target_id = t.id AND served.volunteer_id = %(volunteer)s OFFSET 0)"""

_WALK = f"""
    SELECT t.id FROM labeling_target t
     WHERE {{which}} AND t.order_key {{range}} AND {_UNSERVED}
     ORDER BY t.order_key LIMIT 1 FOR NO KEY UPDATE OF t SKIP LOCKED
"""  # noqa: S608 - constants only

# The same walk, but no further than a stretch of the index: a limit below the lock, so that only the winner is locked.
_STROLL = f"""
    SELECT t.id FROM (SELECT t.id, t.order_key FROM labeling_target t WHERE {{which}} AND t.order_key {{range}}
                       ORDER BY t.order_key LIMIT {STRETCH}) near
      JOIN labeling_target t ON t.id = near.id
     WHERE {{which}} AND {_UNSERVED}
     ORDER BY near.order_key LIMIT 1 FOR NO KEY UPDATE OF t SKIP LOCKED
"""  # noqa: S608 - constants only


def _around(way: str, which: str) -> str:
    """Walk from the random place to the end, then from the beginning."""
    ahead, behind = (way.format(which=which, range=span) for span in (">= %(start)s", "< %(start)s"))
    return f"SELECT ahead.id FROM ({ahead}) ahead UNION ALL SELECT behind.id FROM ({behind}) behind LIMIT 1"  # noqa: S608


_IN_BAND = f"{_FREE} AND t.band = band.number"
_IS_NEED = f"band.number %% {BANDS_A_PRIORITY} < {FIRST_FRESH}"
_FOR_SUPERVISORS = "t.campaign_id = %(campaign)s AND t.state = 'expert' AND t.quota > t.vote_count + t.lease_count"

# Where a target may come from, in parts that are left out of the statement when they are not wanted: planning them
# costs more than running them.
_SUPERVISORS = f"SELECT one.id FROM ({_around(_WALK, _FOR_SUPERVISORS)}) one"  # noqa: S608 - constants only
_PROBE = f"{_FREE} AND t.band = {PROBE_BAND}"
_PROBES = f"SELECT one.id FROM ({_around(_STROLL, _PROBE)}) one"  # noqa: S608 - constants only
_BY_NEED = f"""
        SELECT one.id FROM band CROSS JOIN LATERAL (
            SELECT hit.id FROM ({_around(_STROLL, _IN_BAND + " AND " + _IS_NEED)}) hit
            UNION ALL
            SELECT hit.id FROM ({_around(_WALK, _IN_BAND + " AND NOT " + _IS_NEED)}) hit LIMIT 1
        ) one WHERE band.number < {PROBE_BAND}
"""  # noqa: S608 - constants only
_LEFT = _around(_WALK, _IN_BAND)
_WHAT_IS_LEFT = f"SELECT one.id FROM band CROSS JOIN LATERAL ({_LEFT}) one"  # noqa: S608 - constants only

# A volunteer's own concurrent request may have just taken the same target: then nothing is inserted nor counted.
_PICK = f"""
WITH RECURSIVE band(number) AS (
    (SELECT t.band FROM labeling_target t WHERE {_FREE} ORDER BY t.band LIMIT 1)
    UNION ALL
    SELECT (SELECT t.band FROM labeling_target t WHERE {_FREE} AND t.band > band.number ORDER BY t.band LIMIT 1)
      FROM band WHERE band.number IS NOT NULL
), pick AS (
    SELECT found.id FROM ({{places}}) found LIMIT 1
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
    *,
    campaign_id: int,
    standard_set_id: int,
    lease_minutes: int,
    volunteer_id: int,
    wants_probe: bool = False,
    is_supervisor: bool = False,
) -> LeasedTask | None:
    """Lease the next target for this volunteer; None where no target has a free slot for them right now.

    ``wants_probe`` says that chance gives this one a golden or calibration target, if there is one left.
    """
    wanted = [_SUPERVISORS] * is_supervisor + [_PROBES] * wants_probe + [_BY_NEED]
    values = {
        "campaign": campaign_id,
        "volunteer": volunteer_id,
        "standard_set": standard_set_id,
        "minutes": lease_minutes,
    }
    return _pick(wanted, values) or _pick([_WHAT_IS_LEFT], values)


def _pick(places: list[str], values: dict[str, Any]) -> LeasedTask | None:
    statement = _PICK.format(places=" UNION ALL ".join(places))
    while True:
        chance: dict[str, Any] = {"start": random.random(), "seed": secrets.randbits(62), "task": uuid.uuid4()}
        with prepared_cursor() as cursor:
            cursor.execute(statement, {**values, **chance})
            row = cursor.fetchone()
        if row is None:
            return None
        if row[0] is not None:
            return leased_task_of_row(row[:-1])
