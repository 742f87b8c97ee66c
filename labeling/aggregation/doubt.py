"""Find galaxies on which people and a network disagree by more than their errors allow.

A supervisor then looks at them. A network that performs poorly on a campaign's galaxies must not flood the supervisors,
so its errors are first measured against people's labels there (`track_record_of`): a common bias is subtracted, and
errors that are stated too small are widened. Labels never depend on any of this.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from giz.core.words import signed
from labeling.aggregation.vote_table import FloatArray

DOUBT_RULE = "doubt-1"
# With fewer galaxies to compare, the network's performance in the campaign is unknown.
MIN_COMPARED = 20
MIN_ERRORS = 3.0
MIN_DIFFERENCE_DEG = 5.0
LEAST_BIAS_DEG = 0.5
# A verdict of the network counts if it is this sure, and if it agrees with people on this share of the galaxies.
SURE_REJECTION = 0.98
MIN_AGREEMENT = 0.9
# Standard deviation of a normal distribution over its median absolute deviation.
_NORMAL_MAD = 1.4826


@dataclass(frozen=True, slots=True)
class NetworkEstimate:
    """A network's prediction for one galaxy: degrees, and the probability of a rejection (or of face-on)."""

    inclination_deg: float
    sigma_deg: float
    rejection: float
    spread_deg: float = 0.0

    @property
    def error_deg(self) -> float:
        return math.hypot(self.sigma_deg, self.spread_deg)


@dataclass(frozen=True, slots=True)
class TrackRecord:
    """A network's performance on the finished galaxies of a campaign.

    ``bias_deg`` is the median of people minus network over ``compared`` galaxies, ``error_scale`` (at least 1) the
    factor by which its errors are larger than stated, ``agreement`` the share of equal verdicts among ``verdicts``.
    """

    compared: int
    bias_deg: float
    error_scale: float
    verdicts: int
    agreement: float


NO_RECORD = TrackRecord(0, 0.0, 1.0, 0, 0.0)


def track_record_of(
    *,
    people_deg: FloatArray,
    people_sigma_deg: FloatArray,
    network_deg: FloatArray,
    network_error_deg: FloatArray,
    people_accept: FloatArray,
    rejection: FloatArray,
) -> TrackRecord:
    """Compare a network with people's labels on finished galaxies.

    Parameters
    ----------
    people_deg, people_sigma_deg, network_deg, network_error_deg : array, shape (G,)
        In degrees; NaN where people gave no inclination.
    people_accept : array of bool, shape (G,)
    rejection : array, shape (G,)
        The network's probability of a rejection.
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
    return TrackRecord(count, bias, max(1.0, scale), agree.size, float(agree.mean()) if agree.size else 0.0)


def doubt_of(
    *,
    verdict: str,
    inclination_deg: float | None,
    sigma_deg: float | None,
    prediction: NetworkEstimate,
    record: TrackRecord,
) -> str:
    """Return why a supervisor should look at a finished galaxy, as a sentence; empty if there is no doubt.

    Inclinations are in doubt if they differ by more than three times the combined error and by at least 5°; verdicts if
    people accept what the network rejects with 98 % or more, or reject what it accepts with 98 % or more. Nothing is in
    doubt before 20 galaxies can be compared, and no verdict while the network disagrees on more than a tenth of them.
    """
    if record.verdicts >= MIN_COMPARED and record.agreement >= MIN_AGREEMENT:
        if verdict == "A" and prediction.rejection >= SURE_REJECTION:
            return f"People accept it; the network rejects it with a probability of {prediction.rejection:.1%}."
        if verdict in ("J", "F") and prediction.rejection <= 1 - SURE_REJECTION:
            called = "face-on" if verdict == "F" else "rejected"
            return (
                f"People call it {called}; the network accepts it with a probability of {1 - prediction.rejection:.1%}."
            )
    if record.compared < MIN_COMPARED or verdict != "A" or inclination_deg is None or sigma_deg is None:
        return ""
    network_deg = prediction.inclination_deg + record.bias_deg
    error_deg = record.error_scale * math.hypot(sigma_deg, prediction.error_deg)
    difference_deg = abs(inclination_deg - network_deg)
    if difference_deg < MIN_DIFFERENCE_DEG or difference_deg <= MIN_ERRORS * error_deg:
        return ""
    bias = signed(-record.bias_deg, 1)
    moved = f" (corrected for its bias here, {bias}°)" if abs(record.bias_deg) >= LEAST_BIAS_DEG else ""
    return (
        f"People say {inclination_deg:.1f}° ± {sigma_deg:.1f}, the network {network_deg:.1f}° ± "
        f"{record.error_scale * prediction.error_deg:.1f}{moved}: {difference_deg / error_deg:.1f} errors apart."
    )
