"""The median over volunteers and its standard error: the estimator of the original GIZ, and the default."""

import itertools
import math
from collections.abc import Sequence
from statistics import median

from labeling.aggregation.judgements import Opinion

MEDIAN_RULE = "median-1"

# sd(median) / sd(mean) of n draws from a normal distribution, n = 1, 2, …: exact integrals of the order statistics.
_MEDIAN_OVER_MEAN = (1.0, 1.0, 1.160, 1.092, 1.198, 1.135, 1.214, 1.160, 1.223, 1.176, 1.228, 1.188, 1.232)
_MEDIAN_OVER_MEAN_LARGE = math.sqrt(math.pi / 2)

# Scatter of one volunteer about the consensus at an inclination, both in degrees, measured on 11,420 votes of the
# original (SCIENCE.md 3).
MEASURED_SCATTER_DEG = ((65.0, 5.0), (77.5, 3.9), (86.5, 2.1), (89.0, 1.2))
_PRIOR_DEGREES_OF_FREEDOM = 4


def median_inclination(opinions: Sequence[Opinion]) -> tuple[float | None, float | None]:
    """Return the median inclination over volunteers, and its standard error.

    With the residuals r_j of the n volunteers from their median m, the scatter of one volunteer is estimated as
    s² = (ν₀ g(m)² + Σ r_j²) / (ν₀ + n − 1). The scatter g measured on the original's votes has the weight of ν₀ = 4
    degrees of freedom, because three votes may agree by chance. The standard error is c_n s / √n, where c_n is the
    exact ratio sd(median) / sd(mean) for n normal draws (1, 1, 1.16, 1.09, 1.20, …, √(π/2)).

    Parameters
    ----------
    opinions : sequence of Opinion
        One per volunteer; those without an inclination are ignored.

    Returns
    -------
    inclination_deg, sigma_deg : float or None
        In degrees; both None if nobody gave an inclination.
    """
    values = [opinion.inclination_deg for opinion in opinions if opinion.inclination_deg is not None]
    if not values:
        return None, None
    middle = float(median(values))
    squares = sum((value - middle) ** 2 for value in values)
    count = len(values)
    freedom = _PRIOR_DEGREES_OF_FREEDOM + count - 1
    variance = (_PRIOR_DEGREES_OF_FREEDOM * measured_scatter(middle) ** 2 + squares) / freedom
    ratio = _MEDIAN_OVER_MEAN[count - 1] if count <= len(_MEDIAN_OVER_MEAN) else _MEDIAN_OVER_MEAN_LARGE
    return middle, ratio * math.sqrt(variance / count)


def measured_scatter(inclination_deg: float) -> float:
    """Return the scatter of one volunteer at an inclination, both in degrees.

    Linear between the measured points, constant outside.
    """
    if inclination_deg <= MEASURED_SCATTER_DEG[0][0]:
        return MEASURED_SCATTER_DEG[0][1]
    for (low, low_scatter), (high, high_scatter) in itertools.pairwise(MEASURED_SCATTER_DEG):
        if inclination_deg <= high:
            return low_scatter + (high_scatter - low_scatter) * (inclination_deg - low) / (high - low)
    return MEASURED_SCATTER_DEG[-1][1]
