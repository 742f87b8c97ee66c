"""What the reports read of a campaign, as arrays: its votes, and its labels beside the truth of synthetic galaxies."""

from dataclasses import dataclass

import numpy as np
from django.db import connection

from labeling.aggregation.vote_table import VERDICT_CODES, FloatArray, IntArray, VoteTable
from labeling.models import Campaign
from labeling.rules import WEIGHTLESS_FLAGS

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
_LABEL_TYPE = [
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

    ``inclination_deg`` and ``sigma_deg`` are NaN unless the verdict is accepted; ``truth_deg`` is NaN for real galaxies
    and for those that should be rejected.
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
    found = np.array(rows, dtype=_LABEL_TYPE)
    is_accepted = found["verdict"] == "A"
    return Labels(
        target_id=found["target"],
        inclination_deg=np.where(is_accepted, found["inc"], np.nan),
        sigma_deg=np.where(is_accepted, found["sigma"], np.nan),
        volunteer_count=found["n"],
        status=found["status"],
        truth_deg=found["t"],
    )


# One vote per person and galaxy: repeats in imported tables are left out.
_VOTES = """
    SELECT vote.id, vote.target_id, vote.volunteer_id, vote.verdict, vote.inclination_deg
      FROM labeling_vote vote JOIN labeling_target target ON target.id = vote.target_id
     WHERE target.campaign_id = %s AND vote.standing = 'counted' AND NOT vote.flags && %s
     ORDER BY vote.id
"""


@dataclass(frozen=True, slots=True)
class CampaignVotes:
    """The n votes that count. ``table`` holds codes, ``target_id`` and ``volunteer_id`` the ids behind them."""

    table: VoteTable
    vote_id: IntArray
    target_id: IntArray
    volunteer_id: IntArray

    def by_galaxy(self, target_id: IntArray, value: FloatArray) -> FloatArray:
        """Return a column of `Labels` (sorted by target id) in the order of the table's codes; NaN without a label."""
        if not target_id.size:
            return np.full(self.target_id.size, np.nan)
        place = np.clip(np.searchsorted(target_id, self.target_id), 0, target_id.size - 1)
        return np.where(target_id[place] == self.target_id, value[place], np.nan)


def campaign_votes(campaign: Campaign) -> CampaignVotes:
    """Read the votes of a campaign that count and have weight."""
    with connection.cursor() as cursor:
        cursor.execute(_VOTES, [campaign.pk, list(WEIGHTLESS_FLAGS)])
        rows = [
            (vote_id, target_id, volunteer_id, VERDICT_CODES[verdict], np.nan if value is None else value)
            for vote_id, target_id, volunteer_id, verdict, value in cursor.fetchall()
        ]
    kinds = [("vote", "i8"), ("target", "i8"), ("volunteer", "i8"), ("verdict", "i1"), ("value", "f8")]
    read = np.array(rows, dtype=kinds)
    targets, galaxy = np.unique(read["target"], return_inverse=True)
    people, volunteer = np.unique(read["volunteer"], return_inverse=True)
    table = VoteTable(galaxy, volunteer, read["verdict"], read["value"], targets.size, people.size)
    return CampaignVotes(table, read["vote"], targets, people)
