"""Ask the networks about pictures: everything at once, each band alone, every network; and how far they disagree."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from giz.inference.services.runtime import Network
from giz.inference.view import View, look
from giz.training.nn.data import BANDS, REASON_CODES
from giz.training.nn.metrics import OUTLIER_DEG
from giz.training.nn.predictor import Prediction as Said
from giz.training.services.pictures import pictures_stack

Pixels = npt.NDArray[np.uint8]
LOWEST_DEG, HIGHEST_DEG = 0.0, 90.0


@dataclass(frozen=True, slots=True)
class Opinion:
    """What one network says of one view of a galaxy; None where it does not say. Degrees and probabilities."""

    inclination_deg: float | None
    half_width_68_deg: float | None = None
    half_width_95_deg: float | None = None
    rejection: float | None = None
    reasons: Mapping[str, float] = field(default_factory=dict)

    @property
    def reason(self) -> str:
        """The likeliest reason; empty where the network gives none."""
        return max(self.reasons, key=lambda code: self.reasons[code]) if self.reasons else ""

    @property
    def interval_68_deg(self) -> tuple[float, float] | None:
        return _interval(self.inclination_deg, self.half_width_68_deg)

    @property
    def interval_95_deg(self) -> tuple[float, float] | None:
        return _interval(self.inclination_deg, self.half_width_95_deg)


@dataclass(frozen=True, slots=True)
class ByNetwork:
    """A network's opinions: of all bands together, and by band alone."""

    network: Network
    whole: Opinion
    by_band: Mapping[str, Opinion]


@dataclass(frozen=True, slots=True)
class Answer:
    """What all networks say; the first is the served one. `seen` holds what they were shown, by band."""

    said: Sequence[ByNetwork]
    seen: Mapping[str, Pixels]
    view: View

    @property
    def served(self) -> ByNetwork:
        return self.said[0]

    @property
    def bands(self) -> list[str]:
        return [band for band in BANDS if band in self.seen]

    @property
    def spread_deg(self) -> float:
        """The widest gap between networks that say an inclination; where only one does, between the views."""
        networks = _known(one.whole for one in self.said)
        known = networks if len(networks) > 1 else _known([self.served.whole, *self.served.by_band.values()])
        return max(known) - min(known) if known else 0.0

    @property
    def is_alarming(self) -> bool:
        return self.spread_deg > OUTLIER_DEG


def _known(opinions: Iterable[Opinion]) -> list[float]:
    return [one.inclination_deg for one in opinions if one.inclination_deg is not None]


def pictures_answer(pictures: Mapping[str, Pixels], view: View, networks: Sequence[Network]) -> Answer:
    """Look at square pictures by band in one view, and ask every network."""
    size_px = networks[0].predictor.size_px
    seen = pictures_seen(pictures, view, size_px)
    said = []
    for network in networks:
        other_px = network.predictor.size_px
        said.append(_ask(network, seen if other_px == size_px else pictures_seen(pictures, view, other_px)))
    return Answer(said, seen, view)


def pictures_seen(pictures: Mapping[str, Pixels], view: View, size_px: int) -> dict[str, Pixels]:
    return {band: look(pictures[band], view, size_px) for band in BANDS if band in pictures}


def _ask(network: Network, seen: Mapping[str, Pixels]) -> ByNetwork:
    bands = list(seen)
    if network.predictor.takes_all_bands:
        first, *rest = opinions(network.ask(*pictures_stack(seen, [bands, *([band] for band in bands)])))
        return ByNetwork(network, first, dict(zip(bands, rest, strict=True)))
    by_band = {band: opinions(network.ask(*pictures_stack(seen, [[band]]), band))[0] for band in bands}
    return ByNetwork(network, _middle(by_band.values()), by_band)


def opinions(said: Said) -> list[Opinion]:
    """A network's arrays, row by row."""
    count = next(len(column) for column in (said.inclination_deg, said.rejection) if column is not None)
    return [_opinion(said, row) for row in range(count)]


def _opinion(said: Said, row: int) -> Opinion:
    widths = None if said.half_widths_deg is None else said.half_widths_deg[row]
    return Opinion(
        inclination_deg=None
        if said.inclination_deg is None
        else _number(min(max(float(said.inclination_deg[row]), LOWEST_DEG), HIGHEST_DEG)),
        half_width_68_deg=None if widths is None else _number(widths[0]),
        half_width_95_deg=None if widths is None else _number(widths[1]),
        rejection=None if said.rejection is None else _number(min(max(float(said.rejection[row]), 0.0), 1.0), 4),
        reasons={}
        if said.reasons is None
        else {code: _number(value, 4) for code, value in zip(REASON_CODES, said.reasons[row], strict=True)},
    )


def _middle(said: Collection[Opinion]) -> Opinion:
    """A network of one band says of a galaxy the median of what it says of its bands."""
    inclinations = _known(said)
    rejections = [one.rejection for one in said if one.rejection is not None]
    return Opinion(
        inclination_deg=_number(np.median(inclinations)) if inclinations else None,
        rejection=_number(np.median(rejections), 4) if rejections else None,
    )


def _number(value: Any, digits: int = 2) -> float:
    return round(float(value), digits)


def _interval(middle_deg: float | None, half_width_deg: float | None) -> tuple[float, float] | None:
    if middle_deg is None or half_width_deg is None:
        return None
    low, high = middle_deg - half_width_deg, middle_deg + half_width_deg
    return round(max(LOWEST_DEG, low), 2), round(min(HIGHEST_DEG, high), 2)
