"""Responses in the format of the original service: its groups of networks, its summary, its strings with units.

Which of its slots hold what here: docs/decisions, "The original's addresses".
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from giz.core.vocabulary import BEST_FIRST, COLOUR, GREYS, GREYS_BY_DEPTH
from giz.inference.models import Source
from giz.inference.services.predictions import shown_pictures, values_of
from giz.inference.services.runtime import LoadedNetwork
from giz.inference.storage import Pixels
from giz.inference.view import View
from giz.training.nn.data import pictures_stack

# Its three architectures, each trained four times: on everything, and on three sub-samples.
GROUPS = ("model4", "model5", "model6")
SUB_SAMPLES = ("", "1", "2", "3")
# Slots without a network of that role are filled by ours: a framing for each group, bands for each sub-sample. The last
# framing is the original's field, 1.5 x D25 instead of 2 x D25.
FRAMINGS = (1.0, 1.15, 4 / 3)
# The original's field in units of the side of our pictures (0.15 x 10^logd25 arcmin is 1.5 x D25).
FIELD_SHARE = 0.75


def original_prediction(pictures: Mapping[str, Pixels], networks: Sequence[LoadedNetwork]) -> dict[str, Any]:
    """Return `inclinations` (degrees) and `rejection_likelihood` (percent) in the original's format."""
    by_role = {network.version.role: network for network in networks}
    ours = [_ours(pictures, networks[0], zoom) for zoom in FRAMINGS]
    inclinations: dict[str, Any] = {}
    rejections: dict[str, Any] = {}
    for number, group in enumerate(GROUPS):
        slots = {}
        for place, sub_sample in enumerate(SUB_SAMPLES):
            own = by_role.get(group + sub_sample)
            inclination_deg = ours[number][place][0] if own is None else _own(pictures, own)[0]
            slots[group + sub_sample] = round(inclination_deg or 0.0, 1)
        inclinations[f"Group_{number}"] = slots
        verdict = by_role.get(f"{group}-binary")
        likelihood = ours[number][0][1] if verdict is None else _own(pictures, verdict)[1]
        rejections[f"{group}-binary"] = round(100.0 * (likelihood or 0.0), 4)
    every = [value for slots in inclinations.values() for value in slots.values()]
    return {
        "inclinations": {**inclinations, "summary": _summary(every)},
        "rejection_likelihood": {**rejections, "summary": _summary(list(rejections.values()))},
    }


Pair = tuple[float | None, float | None]


def _ours(pictures: Mapping[str, Pixels], network: LoadedNetwork, zoom: float) -> list[Pair]:
    """Return inclination and probability of rejection from all bands, colour, all grey bands, the deepest grey band."""
    shown = shown_pictures(pictures, View(zoom=zoom), network.predictor.size_px)
    everything = list(shown)
    groups = ((COLOUR,), GREYS, GREYS_BY_DEPTH[:1])
    wanted = [everything, *([band for band in bands if band in shown] for bands in groups)]
    if not network.predictor.takes_all_bands:
        return [_own(pictures, network)] * len(wanted)
    output = network.ask(*pictures_stack(shown, [bands or everything for bands in wanted]))
    return [(one.inclination_deg, one.rejection) for one in values_of(output)]


def _own(pictures: Mapping[str, Pixels], network: LoadedNetwork) -> Pair:
    """Predict with a network of one band as the original did: on the colour picture, else the deepest grey one."""
    shown = shown_pictures(pictures, View(), network.predictor.size_px)
    band = next(band for band in BEST_FIRST if band in shown)
    (values,) = values_of(network.ask(*pictures_stack(shown, [[band]]), band))
    return values.inclination_deg, values.rejection


def _summary(values: Sequence[float]) -> dict[str, float]:
    return {
        "mean": statistics.fmean(values),
        "median": statistics.median(values),
        "stdev": statistics.pstdev(values),
    }


def original_galaxy(source: Source, *, pgc: Any, objname: str | None = None, with_units: bool = True) -> dict[str, Any]:
    """Describe the galaxy as the original does: numbers as text, "nan" for unknown values."""
    ra, dec, field, angle = (" deg", " deg", " arcmin", " deg") if with_units else ("", "", "", "")
    field_arcmin = None if source.size_arcmin is None else FIELD_SHARE * source.size_arcmin
    return {
        "pgc": pgc,
        "ra": _text(source.ra_deg, 4) + ra,
        "dec": _text(source.dec_deg, 4) + dec,
        "fov": _text(field_arcmin, 2) + field,
        "pa": ("nan" if source.position_angle_deg is None else str(source.position_angle_deg)) + angle,
        "objname": objname or source.name,
    }


def _text(value: float | None, digits: int) -> str:
    return "nan" if value is None else f"{value:.{digits}f}"
