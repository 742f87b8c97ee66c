"""Several networks that answer as one: the median inclination, a mixture of what each thinks possible. No torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from giz.training.nn.errors import TrainingError
from giz.training.nn.metrics import ensemble
from giz.training.nn.predictor import Prediction

# How many standard deviations the 68 and 95 % intervals are wide on either side.
NORMAL_WIDTHS = (1.0, 1.96)


class Answering(Protocol):
    """Whatever can be asked as a network is: a `Predictor`, or an `Ensemble` of them."""

    card: dict[str, Any]
    size_px: int
    takes_all_bands: bool

    def predict(
        self, pictures: npt.NDArray[np.uint8], present: npt.NDArray[np.bool_], main_band: str = "gri"
    ) -> Prediction: ...


class Ensemble:
    """Networks of one kind and size. Those that measure and those that judge (`-binary`) may stand together."""

    def __init__(self, members: Sequence[Answering]) -> None:
        """Raises TrainingError ``mixed_ensemble``."""
        self.members = list(members)
        if len({(member.takes_all_bands, member.size_px) for member in members}) != 1:
            raise TrainingError(
                "mixed_ensemble", "The networks of an ensemble must take the same pictures: one size, all bands or one."
            )
        self.size_px, self.takes_all_bands = members[0].size_px, members[0].takes_all_bands
        names = [f"{member.card.get('network', '')}{member.card.get('flavour') or ''}" for member in members]
        self.card: dict[str, Any] = {"network": "ensemble", "members": names}

    def predict(
        self, pictures: npt.NDArray[np.uint8], present: npt.NDArray[np.bool_], main_band: str = "gri"
    ) -> Prediction:
        """As `Predictor.predict`; what no member says stays None."""
        return combined([member.predict(pictures, present, main_band) for member in self.members])


def combined(said: Sequence[Prediction]) -> Prediction:
    """One answer of several: the median inclination; the width of the mixture; mean probabilities.

    The variance of a mixture is the mean of the variances and the variance of the means. So the interval widens where
    the networks disagree, however sure each of them is.
    """
    measured = [one for one in said if one.inclination_deg is not None]
    median = half_widths = None
    if measured:
        median, spread = ensemble([one.inclination_deg for one in measured if one.inclination_deg is not None])
        widths = [one.half_widths_deg for one in measured if one.half_widths_deg is not None]
        if len(widths) == len(measured):
            apart = np.outer(spread, NORMAL_WIDTHS)
            half_widths = np.sqrt(np.mean(np.square(widths), axis=0) + apart**2).astype(np.float32)
    return Prediction(
        None if median is None else median.astype(np.float32),
        half_widths,
        _mean([one.rejection for one in said if one.rejection is not None]),
        _mean([one.reasons for one in said if one.reasons is not None]),
    )


def _mean(values: Sequence[npt.NDArray[np.float32]]) -> npt.NDArray[np.float32] | None:
    return np.asarray(np.mean(np.stack(values), axis=0), np.float32) if values else None
