"""Where people and a network disagree by more than both errors allow: a supervisor should look. Pure.

A network that is not at home among the galaxies of a campaign must not flood the supervisors. So its errors are
measured against people's labels in the campaign first (`standing_of`): a common bias is taken off, and errors that are
stated too small are widened. Nothing of this reaches a label.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from giz.core.words import signed
from labeling.aggregation.vote_table import FloatArray

DOUBT_RULE = "doubt-1"
# Before that many galaxies have both answers, nobody can say whether the network is at home.
MIN_COMPARED = 20
MIN_ERRORS = 3.0
MIN_DIFFERENCE_DEG = 5.0
LEAST_BIAS_DEG = 0.5
# The network's verdict counts where it is this sure, and where it agrees with people on this share of galaxies.
SURE_REJECTION = 0.98
MIN_AGREEMENT = 0.9
_NORMAL_MAD = 1.4826


@dataclass(frozen=True, slots=True)
class Said:
    """What one network says of one galaxy; degrees, and the probability of a rejection (or face-on)."""

    inclination_deg: float
    sigma_deg: float
    rejection: float
    spread_deg: float = 0.0

    @property
    def error_deg(self) -> float:
        return math.hypot(self.sigma_deg, self.spread_deg)


@dataclass(frozen=True, slots=True)
class Standing:
    """How the network does among the galaxies of a campaign that people are done with.

    ``bias_deg`` (people minus network) is common to them, ``error_scale`` is how much wider than stated the errors
    are, at least 1; ``agreement`` is the share of equal verdicts.
    """

    compared: int
    bias_deg: float
    error_scale: float
    verdicts: int
    agreement: float


UNKNOWN_STANDING = Standing(0, 0.0, 1.0, 0, 0.0)


def standing_of(
    *,
    people_deg: FloatArray,
    people_sigma_deg: FloatArray,
    network_deg: FloatArray,
    network_error_deg: FloatArray,
    people_accept: FloatArray,
    rejection: FloatArray,
) -> Standing:
    """Compare a network with people on the galaxies that these are done with.

    Parameters
    ----------
    people_deg, people_sigma_deg, network_deg, network_error_deg : array, shape (G,)
        In degrees; NaN where people gave no inclination.
    people_accept : array of bool, shape (G,)
    rejection : array, shape (G,)
        The network's probability.
    """
    both = np.isfinite(people_deg) & np.isfinite(people_sigma_deg) & people_accept.astype(bool)
    count = int(both.sum())
    bias = scale = 0.0
    if count:
        difference = people_deg[both] - network_deg[both]
        bias = float(np.median(difference))
        errors = (difference - bias) / np.hypot(people_sigma_deg[both], network_error_deg[both])
        scale = _NORMAL_MAD * float(np.median(np.abs(errors)))
    agree = (rejection < 0.5) == people_accept.astype(bool)
    return Standing(count, bias, max(1.0, scale), agree.size, float(agree.mean()) if agree.size else 0.0)


def doubt_of(
    *,
    verdict: str,
    inclination_deg: float | None,
    sigma_deg: float | None,
    said: Said,
    standing: Standing,
) -> str:
    """Say in a sentence why a supervisor should look at a galaxy that people are done with; empty where nobody need.

    Inclinations: they differ by more than three times both errors together, and by 5° at least. Verdicts: people accept
    what the network rejects at 98 % or more, or reject what it accepts as surely. Before twenty galaxies can be
    compared, and for verdicts where the network disagrees on more than a tenth of them, there is no doubt.
    """
    if standing.verdicts >= MIN_COMPARED and standing.agreement >= MIN_AGREEMENT:
        if verdict == "A" and said.rejection >= SURE_REJECTION:
            return f"People accept it, the network rejects it at {said.rejection:.1%}."
        if verdict in ("J", "F") and said.rejection <= 1 - SURE_REJECTION:
            called = "face-on" if verdict == "F" else "rejected"
            return f"People call it {called}, the network accepts it at {1 - said.rejection:.1%}."
    if standing.compared < MIN_COMPARED or verdict != "A" or inclination_deg is None or sigma_deg is None:
        return ""
    network_deg = said.inclination_deg + standing.bias_deg
    error_deg = standing.error_scale * math.hypot(sigma_deg, said.error_deg)
    difference_deg = abs(inclination_deg - network_deg)
    if difference_deg < MIN_DIFFERENCE_DEG or difference_deg <= MIN_ERRORS * error_deg:
        return ""
    bias = signed(-standing.bias_deg, 1)
    moved = f" (less its bias here, {bias}°)" if abs(standing.bias_deg) >= LEAST_BIAS_DEG else ""
    return (
        f"People say {inclination_deg:.1f}° ± {sigma_deg:.1f}, the network {network_deg:.1f}° ± "
        f"{standing.error_scale * said.error_deg:.1f}{moved}: {difference_deg / error_deg:.1f} errors apart."
    )
