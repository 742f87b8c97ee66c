"""Decide which targets are served first, and how often one of known answer is mixed in."""

import math

from labeling.aggregation.retirement import (
    ADAPTIVE_CAP,
    ADAPTIVE_MIN,
    ADAPTIVE_SIGMA_DEG,
    MIN_VOLUNTEERS,
    Progress,
    adaptive_least,
)

# Lower numbers are served first.
NEAR, UNSURE, BEGUN, FRESH = 1, 2, 3, 5
# Five levels of fresh galaxies that a network has looked at; the first precedes those that it has not seen.
WANTED_LEVELS = (4, FRESH + 1, FRESH + 2, FRESH + 3, FRESH + 4)
FIRST_FRESH = WANTED_LEVELS[0]
# A target's band: ten for each priority that staff can set; golden and calibration targets have a band of their own.
BANDS_A_PRIORITY = 10
MAX_PRIORITY = 99
PROBE_BAND = 1000

# One galaxy in four is a golden or calibration target for a newcomer; the rate halves with every 50 votes.
FIRST_PROBE_RATE, LAST_PROBE_RATE = 0.25, 0.02
PROBE_HALVING_VOTES = 50
# The rate has reached its minimum here, so votes need not be counted further.
EXPERIENCED_VOTES = 200


def need_of(rule: str, progress: Progress, *, wanted: int = FRESH) -> int:
    """Return how urgently an open galaxy needs another vote.

    Parameters
    ----------
    rule : str
        The campaign's retirement rule, ``fixed`` or ``adaptive``.
    progress : Progress
    wanted : int, optional
        The galaxy's level among fresh ones (`labeling.aggregation.usefulness`).

    Returns
    -------
    int
        NEAR if the next vote is probably the last one needed, UNSURE if people disagree or the error is still large,
        BEGUN if some have voted, ``wanted`` if nobody has.
    """
    if progress.volunteer_count == 0:
        return wanted
    if rule == "adaptive":
        return _need_adaptive(progress)
    if progress.is_split:
        return UNSURE
    enough = max(MIN_VOLUNTEERS, progress.overlap, progress.asked)
    return NEAR if progress.volunteer_count + 1 >= enough else BEGUN


def _need_adaptive(progress: Progress) -> int:
    count = progress.volunteer_count
    is_near = count + 1 >= adaptive_least(progress.sigma_deg)
    if progress.sigma_deg is not None:
        # One more vote of equal weight reduces the standard error by the factor √(n / (n + 1)).
        is_near = is_near and progress.sigma_deg * (count / (count + 1)) ** 0.5 <= ADAPTIVE_SIGMA_DEG
    if (is_near and not progress.is_split) or count + 1 >= max(ADAPTIVE_CAP, progress.asked):
        return NEAR
    return UNSURE if count >= ADAPTIVE_MIN else BEGUN


def probe_rate(votes: int) -> float:
    """Return the chance that a volunteer's next galaxy is a golden or calibration target.

    20 such targets determine a volunteer's offset to ±0.9° (SCIENCE.md 3); at this rate 200 votes include about 17.
    """
    return max(LAST_PROBE_RATE, FIRST_PROBE_RATE * math.pow(0.5, votes / PROBE_HALVING_VOTES))
