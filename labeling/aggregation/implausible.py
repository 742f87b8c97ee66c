"""Accounts that no person who looks can have: votes in under a second, always the same slot."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from labeling.aggregation.vote_table import BoolArray, IntArray

IMPLAUSIBLE_RULE = "implausible-1"
MIN_VOTES = 20
FAST_SHARE = 0.5
SAME_SLOT_SHARE = 0.8


@dataclass(frozen=True, slots=True)
class Finding:
    """Why a volunteer (by code) is implausible: shares of votes under a second and of the commonest slot."""

    volunteer: int
    vote_count: int
    fast_share: float
    same_slot_share: float

    @property
    def reasons(self) -> tuple[str, ...]:
        found = {"too_fast": self.fast_share >= FAST_SHARE, "same_slot": self.same_slot_share >= SAME_SLOT_SHARE}
        return tuple(reason for reason, holds in found.items() if holds)


def implausible(volunteer: IntArray, slot: IntArray, is_fast: BoolArray) -> list[Finding]:
    """Return the volunteers whose votes can't be judgements, by code.

    Galaxies come in random order and lie in all ten slots of step A, none holding more than a third: four in five
    votes in one slot, out of twenty or more, never come of looking.

    Parameters
    ----------
    volunteer, slot : array of int, shape (n,)
        Codes from 0; the slot chosen in step A, or -1 for a vote without a comparison (a rejection).
    is_fast : array of bool, shape (n,)
        Given in under a second.
    """
    if not volunteer.size:
        return []
    people = int(volunteer.max()) + 1
    count = np.bincount(volunteer, minlength=people)
    fast = np.bincount(volunteer, is_fast, people)
    # Rejections are one more slot: who rejects everything has not looked either.
    by_slot = np.zeros((people, int(slot.max()) + 2))
    np.add.at(by_slot, (volunteer, slot + 1), 1)
    findings = [
        Finding(person, int(count[person]), fast[person] / count[person], by_slot[person].max() / count[person])
        for person in np.flatnonzero(count >= MIN_VOTES).tolist()
    ]
    return [finding for finding in findings if finding.reasons]
