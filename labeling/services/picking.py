"""Pick a target for a volunteer in one statement whose time does not grow with targets, votes or open leases.

The partial index (campaign, band, order_key) contains only targets with a free slot. Bands are tried in rising order:
first by staff's priority, then by the need of another vote (`labeling.aggregation.need`), and for fresh targets by how
much the network would learn from them. Each request enters a band at a random place, so that volunteers do not queue at
its start; from there it walks on and around, and skips targets that are locked or were served to this volunteer.

A volunteer who works alone has soon judged every target with votes. Therefore only a short stretch of those bands is
searched before fresh targets are tried; they are searched to the end if nothing else is left. Golden and calibration
targets have their own band: it comes first if chance gives this volunteer one, otherwise last. Targets that wait for a
supervisor come first for supervisors and are served to nobody else.
"""

import random
import secrets
import uuid
from typing import Any

from giz.core.database import prepared_cursor
from labeling.aggregation.need import BANDS_A_PRIORITY, FIRST_FRESH, PROBE_BAND
from labeling.leased_task import COLUMNS, GUIDE_IN_USE, JOINS, LeasedTask, leased_task_of_row

STRETCH = 64
_FREE = "t.campaign_id = %(campaign)s AND t.state = 'open' AND t.quota > t.vote_count + t.lease_count"

# OFFSET 0 stops the planner from turning this look-up into a join with all of the volunteer's tasks.
_UNSERVED = """NOT EXISTS (SELECT FROM labeling_task served
                        WHERE served.target_id = t.id AND served.volunteer_id = %(volunteer)s OFFSET 0)"""

_WALK = f"""
    SELECT t.id FROM labeling_target t
     WHERE {{which}} AND t.order_key {{range}} AND {_UNSERVED}
     ORDER BY t.order_key LIMIT 1 FOR NO KEY UPDATE OF t SKIP LOCKED
"""  # noqa: S608 - constants only

# The same walk over a short stretch of the index; the limit is below the lock, so that only the chosen row is locked.
_STROLL = f"""
    SELECT t.id FROM (SELECT t.id, t.order_key FROM labeling_target t WHERE {{which}} AND t.order_key {{range}}
                       ORDER BY t.order_key LIMIT {STRETCH}) near
      JOIN labeling_target t ON t.id = near.id
     WHERE {{which}} AND {_UNSERVED}
     ORDER BY near.order_key LIMIT 1 FOR NO KEY UPDATE OF t SKIP LOCKED
"""  # noqa: S608 - constants only


def _around(way: str, which: str) -> str:
    """Return the SQL of a walk from the random place to the end, then from the beginning."""
    ahead, behind = (way.format(which=which, range=span) for span in (">= %(start)s", "< %(start)s"))
    return f"SELECT ahead.id FROM ({ahead}) ahead UNION ALL SELECT behind.id FROM ({behind}) behind LIMIT 1"  # noqa: S608


_IN_BAND = f"{_FREE} AND t.band = band.number"
_IS_NEED = f"band.number %% {BANDS_A_PRIORITY} < {FIRST_FRESH}"
_FOR_SUPERVISORS = "t.campaign_id = %(campaign)s AND t.state = 'expert' AND t.quota > t.vote_count + t.lease_count"

# The sources of a target. Those that are not wanted are left out of the statement, because planning them takes longer
# than running them.
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
_WHAT_IS_LOCKED = _WHAT_IS_LEFT.replace(" SKIP LOCKED", "")

_GUIDE = GUIDE_IN_USE.format(campaign_name="(SELECT name FROM labeling_campaign WHERE id = %(campaign)s)")

# If a concurrent request of the same volunteer has just taken the target, nothing is inserted or counted.
_PICK = f"""
WITH RECURSIVE band(number) AS (
    (SELECT t.band FROM labeling_target t WHERE {_FREE} ORDER BY t.band LIMIT 1)
    UNION ALL
    SELECT (SELECT t.band FROM labeling_target t WHERE {_FREE} AND t.band > band.number ORDER BY t.band LIMIT 1)
      FROM band WHERE band.number IS NOT NULL
), pick AS (
    SELECT found.id FROM ({{places}}) found LIMIT 1
), lease AS (
    INSERT INTO labeling_task (id, target_id, volunteer_id, standard_set_id, seed, state, checked_out_at, due_at,
                               guide_id)
    SELECT %(task)s, pick.id, %(volunteer)s, %(standard_set)s, %(seed)s, 'leased', now(),
           now() + make_interval(mins => %(minutes)s), {_GUIDE}
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
    waits: bool = False,
) -> LeasedTask | None:
    """Lease the next target to this volunteer; return None if no target has a free slot for them right now.

    ``wants_probe`` asks for a golden or calibration target, if one is left. ``waits`` includes targets that another
    transaction has locked (a vote, a batch of consensuses), and waits for them up to the ``lock_timeout``.
    """
    wanted = [_SUPERVISORS] * is_supervisor + [_PROBES] * wants_probe + [_BY_NEED]
    values = {
        "campaign": campaign_id,
        "volunteer": volunteer_id,
        "standard_set": standard_set_id,
        "minutes": lease_minutes,
    }
    if waits:
        return _pick([_SUPERVISORS.replace(" SKIP LOCKED", "")] * is_supervisor + [_WHAT_IS_LOCKED], values)
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
