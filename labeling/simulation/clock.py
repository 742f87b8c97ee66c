"""Time for simulated people: they need no minute to look, so their leases and votes are made older by as much.

This is the only place where the simulation touches rows itself; what is judged, counted and refused is the services'.
"""

import uuid

from django.db import connection


def age_lease(task_id: uuid.UUID, seconds: float) -> None:
    """Let a lease have begun so many seconds earlier."""
    with connection.cursor() as cursor:
        cursor.execute(
            """UPDATE labeling_task SET checked_out_at = checked_out_at - make_interval(secs => %(seconds)s),
                      due_at = due_at - make_interval(secs => %(seconds)s) WHERE id = %(task)s""",
            {"seconds": seconds, "task": task_id},
        )


def age_vote(task_id: uuid.UUID, seconds: float) -> None:
    """Let a judged task and its vote have happened so many seconds earlier."""
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
