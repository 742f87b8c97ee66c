"""The current labels of a campaign as arrays, beside the truth where galaxies are synthetic."""

from dataclasses import dataclass

import numpy as np
from django.db import connection

from labeling.aggregation.vote_table import FloatArray, IntArray
from labeling.models import Campaign

LOWEST_TRUTH_DEG = 45.0

_LABELS = """
    SELECT consensus.target_id, consensus.inclination_deg, consensus.sigma_deg, consensus.volunteer_count,
           consensus.verdict, consensus.status,
           CASE WHEN truth.reject_reason = '' AND truth.inclination_deg >= %(lowest)s THEN truth.inclination_deg END
      FROM labeling_consensus consensus
      JOIN labeling_target target ON target.id = consensus.target_id
      LEFT JOIN catalog_synthetictruth truth ON truth.galaxy_id = target.galaxy_id
     WHERE target.campaign_id = %(campaign)s AND consensus.is_current AND consensus.estimator = %(estimator)s
       AND consensus.volunteer_count > 0
     ORDER BY consensus.target_id
"""
_TYPE = [
    ("target", "i8"),
    ("inc", "f8"),
    ("sigma", "f8"),
    ("n", "i8"),
    ("verdict", "U1"),
    ("status", "U8"),
    ("t", "f8"),
]


@dataclass(frozen=True, slots=True)
class Labels:
    """Judged galaxies, each array of shape (G,), by target id.

    ``inclination_deg`` and ``sigma_deg`` are NaN unless the verdict is accepted; ``truth_deg`` is NaN where there is
    none, for galaxies of the real sky and for those that should be rejected.
    """

    target_id: IntArray
    inclination_deg: FloatArray
    sigma_deg: FloatArray
    volunteer_count: IntArray
    status: "np.ndarray[tuple[int], np.dtype[np.str_]]"
    truth_deg: FloatArray


def labels_of(campaign: Campaign, estimator: str) -> Labels:
    """Read the current consensus of every judged galaxy by one estimator."""
    with connection.cursor() as cursor:
        cursor.execute(_LABELS, {"campaign": campaign.pk, "estimator": estimator, "lowest": LOWEST_TRUTH_DEG})
        rows = [tuple(np.nan if cell is None else cell for cell in row) for row in cursor.fetchall()]
    found = np.array(rows, dtype=_TYPE)
    is_accepted = found["verdict"] == "A"
    return Labels(
        target_id=found["target"],
        inclination_deg=np.where(is_accepted, found["inc"], np.nan),
        sigma_deg=np.where(is_accepted, found["sigma"], np.nan),
        volunteer_count=found["n"],
        status=found["status"],
        truth_deg=found["t"],
    )
