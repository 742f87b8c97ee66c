"""The votes of a campaign as the reports read them: arrays, with names for their codes."""

from dataclasses import dataclass

import numpy as np
from django.db import connection

from labeling.aggregation.vote_table import VERDICT_CODES, FloatArray, IntArray, VoteTable
from labeling.models import Campaign
from labeling.rules import WEIGHTLESS_FLAGS

# Each person once a galaxy: repeats of imported tables are left aside here.
_VOTES = """
    SELECT vote.id, vote.target_id, vote.volunteer_id, vote.verdict, vote.inclination_deg
      FROM labeling_vote vote JOIN labeling_target target ON target.id = vote.target_id
     WHERE target.campaign_id = %s AND vote.standing = 'counted' AND NOT vote.flags && %s
     ORDER BY vote.id
"""


@dataclass(frozen=True, slots=True)
class CampaignVotes:
    """n votes that count. ``table`` holds codes; ``target_id`` and ``volunteer_id`` say whose they are."""

    table: VoteTable
    vote_id: IntArray
    target_id: IntArray
    volunteer_id: IntArray

    def by_galaxy(self, target_id: IntArray, value: FloatArray) -> FloatArray:
        """Bring a column of `Labels` (sorted by target id) to the codes of the table, NaN where it has no row."""
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
