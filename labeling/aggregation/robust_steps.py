"""One iteration of the robust estimator: sums over all posteriors (E step), then new parameters (M step)."""

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
    posterior,
    standard_error_deg,
    windows_of,
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

# The crowd's mean offset is 0 by convention; golden targets can move it, and this many votes on them weigh as much.
ANCHOR_VOTES = 20.0
# ν is a single number, which this many votes determine well enough.
ENOUGH_FOR_FREEDOM = 30_000


@dataclass(slots=True)
class Sums:
    """Sums over the posteriors of all galaxies.

    Attributes
    ----------
    inclination_deg, sigma_deg : array, shape (G,)
        Mean and standard error of each galaxy, in degrees.
    lines : array, shape (J, 3, 2)
        Sums of precision times lever^0, lever^1, lever^2; second, only the part that is free of the vote's own
        influence on its galaxy. The lever is (i − 70) / 10.
    pulls : array, shape (J, 2)
        Sums of ∂ log L / ∂ expected value times lever^0 and lever^1.
    squares, free_squares, counts : array, shape (J,)
        Sums of w r² / τ², of the squared free parts, and of votes.
    scatter_squares, scatter_counts, population : array, shape (N,)
        By node: sums of w r² / τ², of votes, and of galaxies.
    spreads, spread_votes, spread_rejections : array, shape (K,)
        By spread: sums of galaxies, of votes, and of rejections.
    known_offset : array, shape (2,)
        Sums of ∂ log L / ∂ expected value and of precision over the votes on golden targets.
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
    """Compute the posteriors of all galaxies, chunk by chunk, and return their sums (E step)."""
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
    # Chunks are ordered by the width of their posteriors, so the sample for ν is taken evenly from all of them.
    step = max(1, readings.galaxy.size // ENOUGH_FOR_FREEDOM)
    for number, chunk in enumerate(plan):
        known = None if known_deg is None else known_deg[chunk.galaxies]
        found = posterior(chunk, crowd, volunteers, known, wants_weight=number % step == 0)
        _add(sums, chunk, found, crowd, known)
        if is_final:
            nodes_deg = windows_of(crowd.nodes_deg, chunk)
            sums.sigma_deg[chunk.galaxies] = standard_error_deg(found.probability.sum(axis=1), nodes_deg)
    return sums


def _add(sums: Sums, chunk: Chunk, found: ChunkPosterior, crowd: Crowd, known_deg: FloatArray | None) -> None:
    nodes = windows_of(crowd.nodes_deg, chunk)
    of_node = found.probability.sum(axis=1)
    mean = np.einsum("mw,mw->m", of_node, nodes, dtype=np.float64)
    variance = np.einsum("mw,mw->m", of_node, (nodes - mean[:, None].astype(np.float32)) ** 2, dtype=np.float64)
    sums.inclination_deg[chunk.galaxies] = mean
    sums.sigma_deg[chunk.galaxies] = np.sqrt(variance)

    who, people = chunk.readings.volunteer, sums.counts.size
    lever = ((nodes - PIVOT_DEG) / LEVER_UNIT_DEG)[chunk.row]
    moment, precision = found.precision, found.precision.sum(axis=1, dtype=np.float64)
    # The part of the galaxy's position that comes from this vote itself says nothing about the volunteer's line.
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
    """Return new offsets, slopes and σ (M step); over all votes the mean slope excess stays 0 and the mean offset 0."""
    offset_weight, slope_weight = priors.offset_sd_deg**-2, (LEVER_UNIT_DEG * priors.slope_sd) ** -2
    pull_offset = sums.pulls[:, 0] - former.offset_deg * offset_weight
    pull_slope = sums.pulls[:, 1] - LEVER_UNIT_DEG * former.slope * slope_weight
    # All of the precision converges slowly but safely, its free part fast: half way converges for any overlap.
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
    scale_votes = priors.scale_votes + sums.free_squares * freedom / (freedom + 3)
    return Volunteers(
        offset_deg=offset,
        slope=slope,
        scale=np.sqrt(scale2),
        offset_variance=offset_variance,
        slope_variance=slope_variance / LEVER_UNIT_DEG**2,
        covariance=covariance / LEVER_UNIT_DEG,
        scale_log_error=1 / np.sqrt(2 * scale_votes),
        vote_count=votes.astype(np.int64),
    )


def _squares(squares: FloatArray, counts: FloatArray, freedom: float) -> FloatArray:
    """Rescale sums of w r² / τ² by the faster rule of Meng & van Dyk 1997 (J. R. Stat. Soc. B 59, 511).

    w = (ν + 1 − w r² / τ²) / ν. Dividing by Σ w instead of by the number of votes converges faster and has the same
    fixed point, because there the two are equal.
    """
    weights = ((freedom + 1) * counts - squares) / freedom
    return np.asarray(squares * np.clip(counts / np.maximum(weights, 1e-9), 0.5, 2.0))


def _crowd_offset(former: Volunteers, sums: Sums, has_known: bool) -> float:
    """Return the mean offset of all votes, in degrees: 0 by convention, else as the golden targets imply."""
    if not has_known:
        return 0.0
    pull, precision = sums.known_offset
    mean = float(np.average(former.offset_deg, weights=sums.counts))
    typical = float(sums.lines[:, 0, 0].sum() / sums.counts.sum())
    return float((mean * precision + pull) / (precision + ANCHOR_VOTES * typical))


def _inverse(first: FloatArray, mixed: FloatArray, last: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Invert symmetric 2 × 2 matrices, given and returned as first, mixed and last element."""
    determinant = first * last - mixed * mixed
    return last / determinant, -mixed / determinant, first / determinant


def better_crowd(former: Crowd, sums: Sums, priors: Priors) -> Crowd:
    """Return new scatter, population, spreads and ν (M step)."""
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
        # Their mean square stays 1, so that the scatter has the same meaning for any shares.
        spreads=ratios / np.sqrt(shares @ ratios**2),
        spread_shares=shares,
        reject_rates=(sums.spread_rejections + priors.reject_votes * np.asarray(priors.reject_rates))
        / (sums.spread_votes + priors.reject_votes),
        freedom=_better_freedom(former.freedom, sums, priors),
    )


def _better_freedom(former: float, sums: Sums, priors: Priors) -> float:
    """Return the new ν (Liu & Rubin 1995, Statistica Sinica 5, 19, eq. 16), drawn towards the prior's value.

    With d(x) = ψ(x) − log x and the former ν' it solves 1 − d(ν/2) + mean(log w − w) + d((ν' + 1)/2) = 0.
    """
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
    # Two digits, because each value needs its own table of tails.
    return round(float(optimize.brentq(slope, low, high)), 2)


def _digamma_gap(value: float) -> float:
    return float(special.digamma(value) - np.log(value))
