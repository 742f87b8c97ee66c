"""The registry of estimators: a new one registers here and is known to services, commands and exports."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from labeling.aggregation.judgements import Opinion, UnknownRule
from labeling.aggregation.median import MEDIAN_RULE, median_inclination

OpinionsOfGalaxies = Mapping[int, Sequence[Opinion]]


@dataclass(frozen=True, slots=True)
class Estimate:
    """Inclination and its standard error in degrees; both None where nobody gave an inclination."""

    inclination_deg: float | None
    sigma_deg: float | None


@dataclass(frozen=True, slots=True)
class Estimator:
    """How inclinations come from opinions.

    ``estimate`` maps the opinions of galaxies (by target id) to estimates. An estimator that fits volunteers too
    must see the whole campaign at once and says so by ``needs_whole_campaign``.
    """

    name: str
    rule_version: str
    estimate: Callable[[OpinionsOfGalaxies], dict[int, Estimate]]
    needs_whole_campaign: bool = False


def _medians(galaxies: OpinionsOfGalaxies) -> dict[int, Estimate]:
    return {target_id: Estimate(*median_inclination(opinions)) for target_id, opinions in galaxies.items()}


ESTIMATORS: dict[str, Estimator] = {
    "median": Estimator("median", MEDIAN_RULE, _medians),
}


def estimator_named(name: str) -> Estimator:
    """Return the estimator; raises UnknownRule naming the known ones."""
    try:
        return ESTIMATORS[name]
    except KeyError:
        raise UnknownRule("estimator", name, ESTIMATORS) from None
