"""The robust estimator's model: what it knows of the crowd, of each volunteer, and before any vote.

y = i + a_j + s_j (i - 70) + noise; the noise is Student-t of scale σ_j g(i) u, where u is one of two spreads that a
galaxy has for all of its votes (some are plainly harder). docs/reference/aggregation.md has the whole of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from labeling.aggregation.vote_table import FloatArray, IntArray

ROBUST_RULE = "robust-2"

PIVOT_DEG = 70.0
FACE_ON_BELOW_DEG = 45.0
EDGE_DEG = 90.0

# Scatter of one volunteer about the consensus against inclination: measured on the original's votes (SCIENCE.md 3).
MEASURED_INCLINATION_DEG = (65.0, 77.5, 86.5, 89.0)
MEASURED_SCATTER_DEG = (5.0, 3.9, 2.1, 1.2)


@dataclass(frozen=True, slots=True)
class Priors:
    """What is believed before a vote, and how many votes it is worth."""

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
    """The inclinations at which posteriors are held: 1.5° apart at low inclination, 0.5° where people see sharply."""
    return np.concatenate([np.arange(25.0, 76.0, 1.5), np.arange(76.0, 85.0, 1.0), np.arange(85.0, 90.1, 0.5)])


def random_orientations(nodes: FloatArray) -> FloatArray:
    """Probability of each node for disks that point anywhere: ∝ sin i times the node's share of the axis."""
    mass = np.sin(np.radians(nodes)) * np.gradient(nodes)
    # The last node is the edge itself: half a step.
    mass[-1] /= 2
    return np.asarray(mass / mass.sum())


def measured_scatter_deg(inclination_deg: FloatArray) -> FloatArray:
    """The measured scatter of one volunteer, in degrees, linear between the measured points."""
    return np.interp(inclination_deg, MEASURED_INCLINATION_DEG, MEASURED_SCATTER_DEG)


@dataclass(frozen=True, slots=True)
class Crowd:
    """What all volunteers and galaxies share.

    ``nodes_deg``, ``population`` (probability of each node) and ``scatter_deg`` (g at each node) have shape (N,);
    ``spreads``, ``spread_shares`` and ``reject_rates`` (how often galaxies of that spread are rejected, face-on apart)
    shape (K,); ``freedom`` is ν of Student's t.
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
        # Fits of robust-1 knew no rates: equal ones tell nothing.
        known = {"reject_rates": [PRIORS.reject_rates[0]] * len(stored["spreads"]), **stored}
        arrays = {name: np.asarray(known[name], dtype=float) for name in _CROWD_ARRAYS}
        return Crowd(**arrays, freedom=float(stored["freedom"]))


_CROWD_ARRAYS = ("nodes_deg", "population", "scatter_deg", "spreads", "spread_shares", "reject_rates")


@dataclass(frozen=True, slots=True)
class Volunteers:
    """Posterior of J volunteers, each array of shape (J,).

    ``offset_deg`` at 70° and ``slope`` excess s (0 = true to the ruler) with their variances and covariance;
    ``scale`` is σ_j (1 = the crowd's own scatter); ``scale_log_error`` the standard error of its logarithm;
    ``vote_count`` the votes that told of an inclination.
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
        """What a vote of each counts, relative to a typical volunteer's: 1 / σ_j²."""
        return 1 / self.scale**2

    @property
    def weight_error(self) -> FloatArray:
        return 2 * self.weight * self.scale_log_error

    def line_variance(self, which: IntArray, inclination_deg: FloatArray) -> FloatArray:
        """Variance of the offset that these volunteers have at an inclination, in degrees squared."""
        lever = inclination_deg - PIVOT_DEG
        return np.asarray(
            self.offset_variance[which]
            + 2 * self.covariance[which] * lever
            + self.slope_variance[which] * lever * lever
        )

    def expected_deg(self, which: IntArray, inclination_deg: FloatArray) -> FloatArray:
        """Where these volunteers put a galaxy of that inclination, before noise."""
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
    """``count`` people of whom nothing is known yet."""
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
