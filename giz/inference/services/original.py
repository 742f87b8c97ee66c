"""What the original's programs expect: its groups of networks, its summary, its strings with units.

Which of its slots hold what here: docs/decisions, "The original's addresses".
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from giz.inference.models import Source
from giz.inference.services.answers import opinions, pictures_seen
from giz.inference.services.runtime import Network
from giz.inference.storage import Pixels
from giz.inference.view import View
from giz.training.services.pictures import pictures_stack

# Its three architectures, each trained four times: on everything, and on three sub-samples.
GROUPS = ("model4", "model5", "model6")
SUB_SAMPLES = ("", "1", "2", "3")
# Where a network of its own does not answer here, ours does: a framing for each group, bands for each sub-sample. The
# last framing is the original's field, 1.5 x D25 instead of 2 x D25.
FRAMINGS = (1.0, 1.15, 4 / 3)
GREYS, COLOUR, DEEPEST = ("g", "r", "i"), ("gri",), ("r",)
# The original's field in units of the side of our pictures (0.15 x 10^logd25 arcmin is 1.5 x D25).
FIELD_SHARE = 0.75


def original_answer(pictures: Mapping[str, Pixels], networks: Sequence[Network]) -> dict[str, Any]:
    """`inclinations` (degrees) and `rejection_likelihood` (percent) in the original's shape."""
    by_role = {network.version.role: network for network in networks}
    ours = [_ours(pictures, networks[0], zoom) for zoom in FRAMINGS]
    inclinations: dict[str, Any] = {}
    rejections: dict[str, Any] = {}
    for number, group in enumerate(GROUPS):
        slots = {}
        for place, sub_sample in enumerate(SUB_SAMPLES):
            own = by_role.get(group + sub_sample)
            said = ours[number][place][0] if own is None else _own(pictures, own)[0]
            slots[group + sub_sample] = round(said or 0.0, 1)
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


def _ours(pictures: Mapping[str, Pixels], network: Network, zoom: float) -> list[Pair]:
    """Inclination and probability of rejection: all bands, colour alone, greys together, the deepest grey alone."""
    seen = pictures_seen(pictures, View(zoom=zoom), network.predictor.size_px)
    everything = list(seen)
    wanted = [everything, *([band for band in bands if band in seen] for bands in (COLOUR, GREYS, DEEPEST))]
    if not network.predictor.takes_all_bands:
        return [_own(pictures, network)] * len(wanted)
    said = network.ask(*pictures_stack(seen, [bands or everything for bands in wanted]))
    return [(one.inclination_deg, one.rejection) for one in opinions(said)]


def _own(pictures: Mapping[str, Pixels], network: Network) -> Pair:
    """A network of one band, as the original used it: on the colour picture, else on the first grey."""
    seen = pictures_seen(pictures, View(), network.predictor.size_px)
    band = next(band for band in ("gri", "r", "i", "g") if band in seen)
    (said,) = opinions(network.ask(*pictures_stack(seen, [[band]]), band))
    return said.inclination_deg, said.rejection


def _summary(values: Sequence[float]) -> dict[str, float]:
    return {
        "mean": statistics.fmean(values),
        "median": statistics.median(values),
        "stdev": statistics.pstdev(values),
    }


def original_galaxy(source: Source, *, pgc: Any, objname: str | None = None, with_units: bool = True) -> dict[str, Any]:
    """The galaxy as the original tells it: numbers as text, "nan" where nothing is known."""
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
