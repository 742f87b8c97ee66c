"""The registry of estimators. Services, commands and exports know every estimator that is registered here."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from giz.core.vocabulary import ACCEPTED
from labeling.aggregation.judgements import Opinion, UnknownRule
from labeling.aggregation.median import MEDIAN_RULE, median_inclination
from labeling.aggregation.robust import galaxy_update
from labeling.aggregation.robust_model import ROBUST_RULE, Crowd, Volunteers, prior_crowd, prior_volunteers
from labeling.aggregation.vote_table import VERDICT_CODES, VoteTable

OpinionsOfGalaxies = Mapping[int, Sequence[Opinion]]


@dataclass(frozen=True, slots=True)
class Estimate:
    """Inclination and its standard error, in degrees; both None if nobody gave an inclination."""

    inclination_deg: float | None
    sigma_deg: float | None


@dataclass(frozen=True, slots=True)
class Calibration:
    """The result of the last full fit: the crowd, and the volunteers, whose rows ``places`` finds by their ids.

    The last row is a volunteer about whom nothing is known; it serves everybody who is not in ``places``.
    """

    crowd: Crowd
    volunteers: Volunteers
    places: Mapping[int, int]


def no_calibration() -> Calibration:
    """Return the calibration before the first fit: the priors, and no known volunteer."""
    return Calibration(prior_crowd(), prior_volunteers(1), {})


@dataclass(frozen=True, slots=True)
class Estimator:
    """A way from opinions to inclinations: ``estimate`` maps opinions, by target id, to estimates.

    Estimators without ``needs_calibration`` ignore the calibration.
    """

    name: str
    rule_version: str
    estimate: Callable[[OpinionsOfGalaxies, Calibration], dict[int, Estimate]]
    needs_calibration: bool = False


def _medians(galaxies: OpinionsOfGalaxies, _calibration: Calibration) -> dict[int, Estimate]:
    return {target_id: Estimate(*median_inclination(opinions)) for target_id, opinions in galaxies.items()}


def _robusts(galaxies: OpinionsOfGalaxies, calibration: Calibration) -> dict[int, Estimate]:
    """Estimate galaxies with the volunteers as last fitted; exact for given volunteers."""
    unknown = calibration.volunteers.scale.size - 1
    votes = [
        (place, calibration.places.get(opinion.volunteer_id, unknown), opinion)
        for place, opinions in enumerate(galaxies.values())
        for opinion in opinions
    ]
    table = VoteTable(
        galaxy=np.array([place for place, _, _ in votes], dtype=np.int64),
        volunteer=np.array([row for _, row, _ in votes], dtype=np.int64),
        verdict=np.array([VERDICT_CODES[opinion.verdict] for _, _, opinion in votes], dtype=np.int8),
        inclination_deg=np.array([opinion.inclination_deg for _, _, opinion in votes], dtype=float),
        galaxy_count=len(galaxies),
        volunteer_count=unknown + 1,
    )
    inclination_deg, sigma_deg = galaxy_update(table, calibration.crowd, calibration.volunteers)
    return {
        target_id: Estimate(float(inclination_deg[place]), float(sigma_deg[place]))
        if any(opinion.verdict == ACCEPTED and opinion.inclination_deg is not None for opinion in opinions)
        else Estimate(None, None)
        for place, (target_id, opinions) in enumerate(galaxies.items())
    }


ESTIMATORS: dict[str, Estimator] = {
    "median": Estimator("median", MEDIAN_RULE, _medians),
    "robust": Estimator("robust", ROBUST_RULE, _robusts, needs_calibration=True),
}


def estimator_named(name: str) -> Estimator:
    """Return the estimator of this name; raises UnknownRule, which lists the known ones."""
    try:
        return ESTIMATORS[name]
    except KeyError:
        raise UnknownRule("estimator", name, ESTIMATORS) from None
