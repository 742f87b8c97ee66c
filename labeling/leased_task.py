"""A leased task, and the SQL that reads it with its galaxy and pictures in one statement."""

import json
import math
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

# The statement around it must call the task's row "lease".
COLUMNS = """
    lease.id, lease.seed, lease.standard_set_id, lease.due_at, EXTRACT(EPOCH FROM lease.due_at - now()), campaign.name,
    target.galaxy_id,
    (SELECT jsonb_agg(jsonb_build_array(image.band, image.stem, image.sizes_px))
       FROM catalog_galaxyimage image WHERE image.galaxy_id = target.galaxy_id AND image.is_current),
    campaign.golden_sizes_px, lease.guide_id
"""
JOINS = """
    JOIN labeling_target target ON target.id = lease.target_id
    JOIN labeling_campaign campaign ON campaign.id = target.campaign_id
"""
# The version of the field guide that somebody is offered now: of the campaign's own guide, or of the common one.
GUIDE_IN_USE = """
    (SELECT guide.id FROM texts_textversion guide
      WHERE guide.name IN ('field-guide', 'field-guide/' || {campaign_name})
      ORDER BY guide.name = 'field-guide', guide.number DESC LIMIT 1)
"""


@dataclass(frozen=True, slots=True)
class LeasedTask:
    """A leased task with its galaxy; ``images`` maps bands to stems. ``seed`` and ``galaxy_id`` stay on the server."""

    id: uuid.UUID
    seed: int
    standard_set_id: int
    due_at: datetime
    due_in_s: int
    campaign: str
    galaxy_id: int
    label: str
    images: dict[str, str]
    sizes_px: list[int]
    guide_id: int | None


def opaque_label(task_id: uuid.UUID) -> str:
    """Return the label of a galaxy until it has been judged.

    A name or PGC number would reveal synthetic galaxies, whose inclination is known, and allow anybody to ask the
    network first. The label's number comes from the task, so each person sees a different one for the same galaxy.
    """
    return f"Galaxy {100_000 + task_id.int % 900_000}"


def leased_task_of_row(row: tuple[Any, ...]) -> LeasedTask:
    task_id, seed, set_id, due_at, due_in_s, campaign, galaxy_id, images, golden_sizes, guide_id = row
    # Django returns jsonb from raw queries as text.
    found = json.loads(images) if images else []
    sizes = [set(entry[2]) for entry in found]
    if golden_sizes and sizes and set.intersection(*sizes) & set(golden_sizes):
        sizes.append(set(golden_sizes))
    return LeasedTask(
        id=task_id,
        seed=seed,
        standard_set_id=set_id,
        due_at=due_at,
        due_in_s=max(math.floor(due_in_s), 0),
        campaign=campaign,
        galaxy_id=galaxy_id,
        label=opaque_label(task_id),
        images={entry[0]: entry[1] for entry in found},
        sizes_px=sorted(set.intersection(*sizes)) if sizes else [],
        guide_id=guide_id,
    )


def read_leased_task(task_id: uuid.UUID) -> LeasedTask:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {COLUMNS} FROM labeling_task lease {JOINS} WHERE lease.id = %s", [task_id])  # noqa: S608
        row = cursor.fetchone()
    return leased_task_of_row(row)
