"""The SQL that reads a leased task with its galaxy and pictures in one statement."""

import json
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

# The caller's statement names the task's row "lease".
COLUMNS = """
    lease.id, lease.seed, lease.standard_set_id, lease.due_at, campaign.name, galaxy.id, galaxy.name, galaxy.pgc,
    (SELECT jsonb_agg(jsonb_build_array(image.band, image.stem, image.sizes_px))
       FROM catalog_galaxyimage image WHERE image.galaxy_id = galaxy.id AND image.is_current)
"""
JOINS = """
    JOIN labeling_target target ON target.id = lease.target_id
    JOIN labeling_campaign campaign ON campaign.id = target.campaign_id
    JOIN catalog_galaxy galaxy ON galaxy.id = target.galaxy_id
"""


@dataclass(frozen=True, slots=True)
class LeasedTask:
    """A task as the comparison page needs it. ``images`` maps a band to its stem."""

    id: uuid.UUID
    seed: int
    standard_set_id: int
    due_at: datetime
    campaign: str
    galaxy_id: int
    label: str
    images: dict[str, str]
    sizes_px: list[int]


def leased_task_of_row(row: tuple[Any, ...]) -> LeasedTask:
    task_id, seed, set_id, due_at, campaign, galaxy_id, name, pgc, images = row
    # Django leaves jsonb of raw queries as text.
    found = json.loads(images) if images else []
    sizes = [set(entry[2]) for entry in found]
    return LeasedTask(
        id=task_id,
        seed=seed,
        standard_set_id=set_id,
        due_at=due_at,
        campaign=campaign,
        galaxy_id=galaxy_id,
        label=name or f"PGC {pgc}",
        images={entry[0]: entry[1] for entry in found},
        sizes_px=sorted(set.intersection(*sizes)) if sizes else [],
    )


def read_leased_task(task_id: uuid.UUID) -> LeasedTask:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {COLUMNS} FROM labeling_task lease {JOINS} WHERE lease.id = %s", [task_id])  # noqa: S608
        row = cursor.fetchone()
    return leased_task_of_row(row)
