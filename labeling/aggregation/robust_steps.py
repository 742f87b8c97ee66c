"""One iteration of the robust estimator: sums over all posteriors, then better volunteers and a better crowd."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import optimize, special

from labeling.aggregation.robust_kernel import (
    LEVER_UNIT_DEG,
    Chunk,
    ChunkPosterior,
    Readings,
    log_windows,
    posterior,
    standard_error_deg,
)
from labeling.aggregation.robust_model import (
    PIVOT_DEG,
    Crowd,
    Priors,
    Volunteers,
    measured_scatter_deg,
    random_orientations,
)
from labeling.aggregation.vote_table import FloatArray, VoteTable

# A crowd's mean offset is taken as 0, unless golden votes tell otherwise; this many of them weigh as much as that.
ANCHOR_VOTES = 20.0
# ν is one number; this many votes tell it well enough.
ENOUGH_FOR_FREEDOM = 30_000


@dataclass(slots=True)
class Sums:
    """Sums over the posteriors of all galaxies.

    Galaxies' mean and standard error in degrees (G,); ``lines`` (J, 3, 2) are the sums of precision over levers
    0, 1, 2, all of it and without what the galaxy owes to this very vote; ``pulls`` (J, 2), ``squares`` (J,),
    ``counts`` (J,), ``known_counts`` and ``known_pulls`` (J,) of golden targets; ``scatter_squares``,
    ``scatter_counts`` and ``population`` over nodes (N,); ``spreads``, ``spread_votes`` and
    ``spread_rejections`` (K,).
    """

    inclination_deg: FloatArray
    sigma_deg: FloatArray
    lines: FloatArray
    pulls: FloatArray
    squares: FloatArray
    free_squares: FloatArray
    counts: FloatArray
    scatter_squares: FloatArray
    scatter_counts: FloatArray
    population: FloatArray
    spreads: FloatArray
    spread_votes: FloatArray
    spread_rejections: FloatArray
    known_offset: FloatArray
    log_weight: float = 0.0
    weight: float = 0.0
    measured: int = 0


def sums_over(
    plan: Sequence[Chunk],
    readings: Readings,
    crowd: Crowd,
    volunteers: Volunteers,
    table: VoteTable,
    known_deg: FloatArray | None,
    *,
    is_final: bool = False,
) -> Sums:
    """The E step: posteriors of all galaxies, chunk by chunk, and their sums."""
    prior_mean = float(crowd.population @ crowd.nodes_deg)
    prior_sigma = float(np.sqrt(crowd.population @ (crowd.nodes_deg - prior_mean) ** 2))
    people, nodes = table.volunteer_count, crowd.nodes_deg.size
    sums = Sums(
        inclination_deg=np.full(table.galaxy_count, prior_mean),
        sigma_deg=np.full(table.galaxy_count, prior_sigma),
        lines=np.zeros((people, 3, 2)),
        pulls=np.zeros((people, 2)),
        squares=np.zeros(people),
        free_squares=np.zeros(people),
        counts=np.bincount(readings.volunteer, minlength=people).astype(float),
        scatter_squares=np.zeros(nodes),
        scatter_counts=np.zeros(nodes),
        population=np.zeros(nodes),
        spreads=np.zeros(crowd.spreads.size),
        spread_votes=np.zeros(crowd.spreads.size),
        spread_rejections=np.zeros(crowd.spreads.size),
        known_offset=np.zeros(2),
    )
    # Chunks are ordered by the width of posteriors, so the sample for ν is taken evenly from all of them.
    step = max(1, readings.galaxy.size // ENOUGH_FOR_FREEDOM)
    for number, chunk in enumerate(plan):
        known = None if known_deg is None else known_deg[chunk.galaxies]
        found = posterior(chunk, crowd, volunteers, known, wants_weight=number % step == 0)
        _add(sums, chunk, found, crowd, known)
        if is_final:
            nodes_deg = log_windows(crowd.nodes_deg, chunk)
            sums.sigma_deg[chunk.galaxies] = standard_error_deg(found.probability.sum(axis=1), nodes_deg)
    return sums


def _add(sums: Sums, chunk: Chunk, found: ChunkPosterior, crowd: Crowd, known_deg: FloatArray | None) -> None:
    nodes = log_windows(crowd.nodes_deg, chunk)
    of_node = found.probability.sum(axis=1)
    mean = np.einsum("mw,mw->m", of_node, nodes, dtype=np.float64)
    variance = np.einsum("mw,mw->m", of_node, (nodes - mean[:, None].astype(np.float32)) ** 2, dtype=np.float64)
    sums.inclination_deg[chunk.galaxies] = mean
    sums.sigma_deg[chunk.galaxies] = np.sqrt(variance)

    who, people = chunk.readings.volunteer, sums.counts.size
    lever = ((nodes - PIVOT_DEG) / LEVER_UNIT_DEG)[chunk.row]
    moment, precision = found.precision, found.precision.sum(axis=1, dtype=np.float64)
    # How much of the galaxy's position is this vote's own doing: it can't tell of the volunteer's line again.
    free = 1 - np.minimum(precision * variance[chunk.row], 1)
    for power in range(3):
        total = precision if power == 0 else moment.sum(axis=1, dtype=np.float64)
        sums.lines[:, power, 0] += np.bincount(who, total, people)
        sums.lines[:, power, 1] += np.bincount(who, total * free, people)
        moment = moment * lever
    sums.free_squares += np.bincount(who, free**2, people)
    pull = found.pull.sum(axis=1, dtype=np.float64)
    sums.pulls[:, 0] += np.bincount(who, pull, people)
    sums.pulls[:, 1] += np.bincount(who, np.einsum("nw,nw->n", found.pull, lever, dtype=np.float64), people)
    sums.squares += np.bincount(who, found.square.sum(axis=1, dtype=np.float64), people)
    if known_deg is not None:
        golden = np.isfinite(known_deg)[chunk.row]
        sums.known_offset += (float(pull[golden].sum()), float(precision[golden].sum()))

    place = (chunk.first_node[:, None] + np.arange(chunk.width)).ravel()
    count = sums.population.size
    votes = np.bincount(chunk.row)[:, None]
    sums.population += np.bincount(place, of_node.ravel(), count)
    sums.scatter_counts += np.bincount(place, (of_node * votes).ravel(), count)
    sums.scatter_squares += np.bincount(place, (chunk.members @ found.square).ravel(), count)
    of_spread = found.probability.sum(axis=2, dtype=np.float64)
    sums.spreads += of_spread.sum(axis=0)
    sums.spread_votes += chunk.votes @ of_spread
    sums.spread_rejections += chunk.rejections @ of_spread
    sums.log_weight += found.log_weight_sum
    sums.weight += found.weight_sum
    sums.measured += found.measured_count


def better_volunteers(former: Volunteers, sums: Sums, priors: Priors, *, freedom: float, has_known: bool) -> Volunteers:
    """The M step of offset, slope and σ; the votes' mean slope stays 1 and their mean offset 0."""
    offset_weight, slope_weight = priors.offset_sd_deg**-2, (LEVER_UNIT_DEG * priors.slope_sd) ** -2
    pull_offset = sums.pulls[:, 0] - former.offset_deg * offset_weight
    pull_slope = sums.pulls[:, 1] - LEVER_UNIT_DEG * former.slope * slope_weight
    # Between all the precision (slow, safe) and the free part of it (fast): half way converges for any overlaps.
    half = sums.lines.mean(axis=2)
    variances = _inverse(half[:, 0] + offset_weight, half[:, 1], half[:, 2] + slope_weight)
    offset = former.offset_deg + variances[0] * pull_offset + variances[1] * pull_slope
    slope = former.slope + (variances[1] * pull_offset + variances[2] * pull_slope) / LEVER_UNIT_DEG
    free = sums.lines[:, :, 1]
    offset_variance, covariance, slope_variance = _inverse(
        free[:, 0] + offset_weight, free[:, 1], free[:, 2] + slope_weight
    )
    votes = sums.counts
    if votes.sum():
        slope = slope - np.average(slope, weights=votes)
        offset = offset - np.average(offset, weights=votes) + _crowd_offset(former, sums, has_known)
    squares = _squares(sums.squares, votes, freedom)
    scale2 = (priors.scale_votes + former.scale**2 * squares) / (priors.scale_votes + votes)
    told = priors.scale_votes + sums.free_squares * freedom / (freedom + 3)
    return Volunteers(
        offset_deg=offset,
        slope=slope,
        scale=np.sqrt(scale2),
        offset_variance=offset_variance,
        slope_variance=slope_variance / LEVER_UNIT_DEG**2,
        covariance=covariance / LEVER_UNIT_DEG,
        scale_log_error=1 / np.sqrt(2 * told),
        vote_count=votes.astype(np.int64),
    )


def _squares(squares: FloatArray, counts: FloatArray, freedom: float) -> FloatArray:
    """Sums of weighted squared residuals by the faster rule of Meng & van Dyk 1997 (J. R. Stat. Soc. B 59, 511).

    A vote's weight is (ν + 1 - its square) / ν; dividing by the weights' sum instead of the votes' number has the same
    fixed point, where both are equal.
    """
    weights = ((freedom + 1) * counts - squares) / freedom
    return np.asarray(squares * np.clip(counts / np.maximum(weights, 1e-9), 0.5, 2.0))


def _crowd_offset(former: Volunteers, sums: Sums, has_known: bool) -> float:
    """The mean offset of all votes: 0 by convention, unless golden targets tell it."""
    if not has_known:
        return 0.0
    pull, precision = sums.known_offset
    mean = float(np.average(former.offset_deg, weights=sums.counts))
    typical = float(sums.lines[:, 0, 0].sum() / sums.counts.sum())
    return float((mean * precision + pull) / (precision + ANCHOR_VOTES * typical))


def _inverse(first: FloatArray, mixed: FloatArray, last: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """The inverse of symmetric 2 × 2 matrices: first, mixed and last element."""
    determinant = first * last - mixed * mixed
    return last / determinant, -mixed / determinant, first / determinant


def better_crowd(former: Crowd, sums: Sums, priors: Priors) -> Crowd:
    """The M step of scatter, population, spreads and ν."""
    nodes = former.nodes_deg
    distance2 = (nodes[:, None] - nodes[None, :]) ** 2
    near = np.exp(-0.5 * distance2 / priors.scatter_width_deg**2)
    node_squares = _squares(sums.scatter_squares, sums.scatter_counts, former.freedom)
    squares = near @ (node_squares * former.scatter_deg**2)
    scatter2 = (squares + priors.scatter_votes * measured_scatter_deg(nodes) ** 2) / (
        near @ sums.scatter_counts + priors.scatter_votes
    )
    wide = np.exp(-0.5 * distance2 / priors.population_width_deg**2)
    base = random_orientations(nodes)
    population = base * (wide @ (sums.population + priors.population_galaxies * base)) / (wide @ base)
    shares = sums.spreads + priors.spread_galaxies * np.asarray(priors.spread_shares)
    shares /= shares.sum()
    ratios = np.asarray(priors.spreads)
    return Crowd(
        nodes_deg=nodes,
        population=population / population.sum(),
        scatter_deg=np.sqrt(scatter2),
        # Their mean square stays 1, so that the scatter means the same whatever the shares.
        spreads=ratios / np.sqrt(shares @ ratios**2),
        spread_shares=shares,
        reject_rates=(sums.spread_rejections + priors.reject_votes * np.asarray(priors.reject_rates))
        / (sums.spread_votes + priors.reject_votes),
        freedom=_better_freedom(former.freedom, sums, priors),
    )


def _better_freedom(former: float, sums: Sums, priors: Priors) -> float:
    """Solve the M step of ν (Liu & Rubin 1995, Statistica Sinica 5, 19, eq. 16), drawn to the prior's value."""
    if not sums.measured:
        return former
    evidence = (sums.log_weight - sums.weight) / sums.measured + _digamma_gap((former + 1) / 2)
    believed = _digamma_gap(priors.freedom / 2) - 1
    share = sums.measured / (sums.measured + priors.freedom_votes)
    target = share * evidence + (1 - share) * believed

    def slope(freedom: float) -> float:
        return 1 + target - _digamma_gap(freedom / 2)

    low, high = priors.freedom_limits
    if slope(low) <= 0:
        return low
    if slope(high) >= 0:
        return high
    # Two digits: the table of tails is made anew for each value.
    return round(float(optimize.brentq(slope, low, high)), 2)


def _digamma_gap(value: float) -> float:
    return float(special.digamma(value) - np.log(value))
