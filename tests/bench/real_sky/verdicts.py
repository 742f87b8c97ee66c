"""What a campaign's own share of rejections does to the verdicts on real galaxies.

The share is taken from one half of the galaxies that people judged, as `labeling.services.network` takes it from
finished ones, and the network's probabilities on the other half are adapted to it (`labeling/aggregation/prior.py`).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from labeling.aggregation.prior import rejection_rate, with_prior
from tests.bench.real_sky.figures import Answers, Floats, Mask
from tests.bench.real_sky.intervals import HALVES, half_of
from tests.bench.real_sky.sky import RealPicture

# No logarithm of 0: probabilities are given with four digits.
SUREST = 1e-4


def prior_lines(rows: list[RealPicture], said: Answers) -> Iterator[str]:
    """Yield verdicts and their scores as the network states them and as adapted, over both halves together."""
    judged = np.array([row.is_measured or row.verdict in ("F", "J") for row in rows])
    mine = [row for row, is_judged in zip(rows, judged, strict=True) if is_judged]
    is_rejected = np.array([not row.is_measured for row in mine])
    half = np.array([half_of(row.pgc) for row in mine])
    stated, adapted = said.rejection[judged], np.empty(len(mine))
    shares = []
    for number in range(HALVES):
        other = half != number
        shares.append(rejection_rate(int(is_rejected[other].sum()), int(other.sum())))
        adapted[~other] = [with_prior(float(one), shares[-1]) for one in stated[~other]]
    yield "verdicts with a campaign's own share of rejections, taken from the other half of the galaxies"
    yield f"  {'as it learned (half of them)':<44} {_score_words(stated, is_rejected)}"
    words = " and ".join(f"{share:.1%}" for share in shares)
    yield f"  {f'{words} of them':<44} {_score_words(adapted, is_rejected)}"


def _score_words(probability: Floats, is_rejected: Mask) -> str:
    sure = np.clip(probability, SUREST, 1 - SUREST)
    log_loss = -np.where(is_rejected, np.log(sure), np.log(1 - sure)).mean()
    brier = np.square(probability - is_rejected).mean()
    wrong, found = (probability[~is_rejected] >= 0.5).mean(), (probability[is_rejected] >= 0.5).mean()
    return (
        f"rejected of the measured {wrong:.1%}, found {found:.1%}; mean probability {probability.mean():.1%} where "
        f"{is_rejected.mean():.1%} are; Brier {brier:.4f}, log loss {log_loss:.3f}"
    )
