"""Time for simulated people: they judge instantly, so their leases and votes are moved into the past.

Only this module of the simulation writes rows itself; everything else goes through the services.
"""

import uuid

from django.db import connection

from labeling.models import Campaign
from labeling.rules import SIMULATED_SOURCE


def age_lease(task_id: uuid.UUID, seconds: float) -> None:
    """Move the start of a lease this many seconds into the past."""
    with connection.cursor() as cursor:
        cursor.execute(
            """UPDATE labeling_task SET checked_out_at = checked_out_at - make_interval(secs => %(seconds)s),
                      due_at = due_at - make_interval(secs => %(seconds)s) WHERE id = %(task)s""",
            {"seconds": seconds, "task": task_id},
        )


def age_vote(task_id: uuid.UUID, seconds: float) -> None:
    """Move a judged task and its vote this many seconds into the past."""
    with connection.cursor() as cursor:
        cursor.execute(
            """WITH task AS (
                   UPDATE labeling_task SET checked_out_at = checked_out_at - make_interval(secs => %(seconds)s),
                          due_at = due_at - make_interval(secs => %(seconds)s),
                          checked_in_at = checked_in_at - make_interval(secs => %(seconds)s)
                    WHERE id = %(task)s)
               UPDATE labeling_vote SET created_at = created_at - make_interval(secs => %(seconds)s),
                      checked_out_at = checked_out_at - make_interval(secs => %(seconds)s)
                WHERE task_id = %(task)s""",
            {"seconds": seconds, "task": task_id},
        )


def age_retirements(campaign: Campaign) -> None:
    """Set the retirement of galaxies that a simulated vote finished to the time of that vote.

    Whoever counted the vote, this run or a worker, stored the present time.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """UPDATE labeling_target target SET retired_at = last.created_at
                 FROM (SELECT DISTINCT ON (vote.target_id) vote.target_id, vote.created_at, vote.volunteer_id
                         FROM labeling_vote vote JOIN labeling_target judged ON judged.id = vote.target_id
                        WHERE judged.campaign_id = %(campaign)s AND judged.retired_at IS NOT NULL
                          AND vote.standing = 'counted'
                        ORDER BY vote.target_id, vote.created_at DESC, vote.id DESC) last
                 JOIN accounts_user volunteer ON volunteer.id = last.volunteer_id
                WHERE target.id = last.target_id AND volunteer.import_source = %(simulated)s
                  AND target.retired_at > last.created_at""",
            {"campaign": campaign.pk, "simulated": SIMULATED_SOURCE},
        )
