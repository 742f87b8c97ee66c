"""The robust estimator's model: parameters of the crowd, of each volunteer, and their priors.

Volunteer j sees a galaxy of inclination i at y = i + a_j + s_j (i − 70) + noise, in degrees. The noise follows
Student's t with scale σ_j g(i) u; the spread u takes one of two values and is common to all votes on a galaxy, since
some galaxies are harder than others. docs/reference/aggregation.md has the details.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from labeling.aggregation.median import MEASURED_SCATTER_DEG
from labeling.aggregation.vote_table import FloatArray, IntArray

ROBUST_RULE = "robust-2"

PIVOT_DEG = 70.0
FACE_ON_BELOW_DEG = 45.0
EDGE_DEG = 90.0


@dataclass(frozen=True, slots=True)
class Priors:
    """Prior values, and the number of votes or galaxies that each weighs as much as."""

    offset_sd_deg: float = 0.75
    slope_sd: float = 0.05
    scale_votes: float = 12.0
    scatter_votes: float = 60.0
    population_galaxies: float = 30.0
    spreads: tuple[float, ...] = (0.7, 1.6)
    spread_shares: tuple[float, ...] = (0.7, 0.3)
    spread_galaxies: float = 10.0
    reject_rates: tuple[float, ...] = (0.1, 0.1)
    reject_votes: float = 20.0
    freedom: float = 6.0
    freedom_votes: float = 50.0
    freedom_limits: tuple[float, float] = (3.0, 40.0)
    population_width_deg: float = 4.0
    scatter_width_deg: float = 2.5


PRIORS = Priors()


def nodes_deg() -> FloatArray:
    """Return the inclinations of posteriors, shape (N,): 1.5° apart, and 0.5° near edge-on, where votes are precise."""
    return np.concatenate([np.arange(25.0, 76.0, 1.5), np.arange(76.0, 85.0, 1.0), np.arange(85.0, 90.1, 0.5)])


def random_orientations(nodes: FloatArray) -> FloatArray:
    """Return the probability of each node for randomly oriented disks: ∝ sin i · Δi. Shape (N,), sums to 1."""
    mass = np.sin(np.radians(nodes)) * np.gradient(nodes)
    # The last node is the end of the range: half a step.
    mass[-1] /= 2
    return np.asarray(mass / mass.sum())


def measured_scatter_deg(inclination_deg: FloatArray) -> FloatArray:
    """Return the measured scatter of one volunteer at inclinations of any shape, in degrees; constant outside."""
    measured_at_deg, scatter_deg = zip(*MEASURED_SCATTER_DEG, strict=True)
    return np.interp(inclination_deg, measured_at_deg, scatter_deg)


@dataclass(frozen=True, slots=True)
class Crowd:
    """Parameters that all volunteers and galaxies share.

    Attributes
    ----------
    nodes_deg, population, scatter_deg : array of float64, shape (N,)
        Inclinations in degrees, the probability of each, and g there, in degrees.
    spreads, spread_shares, reject_rates : array of float64, shape (K,)
        The values of u, their shares of the galaxies, and the rate of rejections (other than face-on) for each.
    freedom : float
        ν of Student's t.
    """

    nodes_deg: FloatArray
    population: FloatArray
    scatter_deg: FloatArray
    spreads: FloatArray
    spread_shares: FloatArray
    reject_rates: FloatArray
    freedom: float

    def as_json(self) -> dict[str, Any]:
        values = {name: getattr(self, name).tolist() for name in _CROWD_ARRAYS}
        return {**values, "freedom": self.freedom}

    @staticmethod
    def from_json(stored: dict[str, Any]) -> Crowd:
        # Fits by robust-1 have no rates; equal ones have no influence.
        known = {"reject_rates": [PRIORS.reject_rates[0]] * len(stored["spreads"]), **stored}
        arrays = {name: np.asarray(known[name], dtype=float) for name in _CROWD_ARRAYS}
        return Crowd(**arrays, freedom=float(stored["freedom"]))


_CROWD_ARRAYS = ("nodes_deg", "population", "scatter_deg", "spreads", "spread_shares", "reject_rates")


@dataclass(frozen=True, slots=True)
class Volunteers:
    """Posteriors of J volunteers, each array of shape (J,).

    Attributes
    ----------
    offset_deg, slope : array of float64
        The offset a_j at 70° in degrees and the slope s_j, 0 for a volunteer without bias.
    scale : array of float64
        σ_j, the scatter relative to the crowd's.
    offset_variance, slope_variance, covariance : array of float64
        Of offset and slope.
    scale_log_error : array of float64
        Standard error of log σ_j.
    vote_count : array of int64
        Votes that depend on the inclination.
    """

    offset_deg: FloatArray
    slope: FloatArray
    scale: FloatArray
    offset_variance: FloatArray
    slope_variance: FloatArray
    covariance: FloatArray
    scale_log_error: FloatArray
    vote_count: IntArray

    @property
    def weight(self) -> FloatArray:
        """The weight of each volunteer's votes relative to a typical volunteer's: 1 / σ_j²."""
        return 1 / self.scale**2

    @property
    def weight_error(self) -> FloatArray:
        return 2 * self.weight * self.scale_log_error

    def line_variance(self, which: IntArray, inclination_deg: FloatArray) -> FloatArray:
        """Return V_j(y), the variance of volunteers' offsets at inclinations, in degrees squared."""
        lever = inclination_deg - PIVOT_DEG
        return np.asarray(
            self.offset_variance[which]
            + 2 * self.covariance[which] * lever
            + self.slope_variance[which] * lever * lever
        )

    def expected_deg(self, which: IntArray, inclination_deg: FloatArray) -> FloatArray:
        """Return where volunteers see galaxies of these inclinations, without noise, in degrees."""
        lever = inclination_deg - PIVOT_DEG
        return np.asarray(PIVOT_DEG + self.offset_deg[which] + (1 + self.slope[which]) * lever)


def prior_crowd(priors: Priors = PRIORS) -> Crowd:
    nodes = nodes_deg()
    ratios, shares = np.asarray(priors.spreads), np.asarray(priors.spread_shares)
    return Crowd(
        nodes_deg=nodes,
        population=random_orientations(nodes),
        scatter_deg=measured_scatter_deg(nodes),
        spreads=ratios / np.sqrt(shares @ ratios**2),
        spread_shares=shares,
        reject_rates=np.asarray(priors.reject_rates),
        freedom=priors.freedom,
    )


def prior_volunteers(count: int, priors: Priors = PRIORS) -> Volunteers:
    """Return ``count`` volunteers about whom nothing is known."""
    return Volunteers(
        offset_deg=np.zeros(count),
        slope=np.zeros(count),
        scale=np.ones(count),
        offset_variance=np.full(count, priors.offset_sd_deg**2),
        slope_variance=np.full(count, priors.slope_sd**2),
        covariance=np.zeros(count),
        scale_log_error=np.full(count, (2 * priors.scale_votes) ** -0.5),
        vote_count=np.zeros(count, dtype=np.int64),
    )
