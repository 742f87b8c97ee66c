"""The inner loop of the robust estimator: posteriors of a handful of galaxies over the nodes, and what they teach.

Arrays over votes and nodes are float32 and small enough for the processor's cache; sums are float64.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy import sparse, special

from labeling.aggregation.robust_model import EDGE_DEG, FACE_ON_BELOW_DEG, PIVOT_DEG, Crowd, Volunteers
from labeling.aggregation.vote_table import FACE_ON, REJECTED, FloatArray, IntArray, VoteTable

Float32 = NDArray[np.float32]

_Z_LIMIT = 40.0
_Z_STEPS = 100
LEVER_UNIT_DEG = 10.0
# Golden targets are known to about this; a node next to the truth must still have its say.
KNOWN_SIGMA_DEG = 0.7
# What the central 95.4 % have to say in a standard error, beside the central 68.3 %.
WIDE_SHARE = 0.25


@dataclass(frozen=True, slots=True)
class Tail:
    """log P(t < z) and its derivative for one ν, tabulated: a table is faster than the incomplete beta function."""

    log_below: Float32
    hazard: Float32

    def at(self, z: Float32) -> tuple[Float32, Float32]:
        place = np.clip(z * _Z_STEPS + _Z_LIMIT * _Z_STEPS + 0.5, 0, self.log_below.size - 1).astype(np.int32)
        return self.log_below[place], self.hazard[place]


@lru_cache(maxsize=8)
def tail_of(freedom: float) -> Tail:
    """Return the table of Student's t with ``freedom`` degrees of freedom."""
    z = np.arange(-_Z_LIMIT * _Z_STEPS, _Z_LIMIT * _Z_STEPS + 1) / _Z_STEPS
    log_below = np.log(special.stdtr(freedom, z))
    log_density = (
        special.gammaln((freedom + 1) / 2)
        - special.gammaln(freedom / 2)
        - 0.5 * np.log(freedom * np.pi)
        - (freedom + 1) / 2 * np.log1p(z * z / freedom)
    )
    return Tail(log_below.astype(np.float32), np.exp(log_density - log_below).astype(np.float32))


@dataclass(frozen=True, slots=True)
class Readings:
    """Votes that tell of an inclination, ordered by galaxy, shape (n,).

    ``side`` is 0 for a measured value, 1 where the galaxy was seen below ``value_deg`` (face-on), -1 where beyond
    (right of the 90° standard). ``rejections`` counts each galaxy's other rejections, shape (G,): they tell nothing of
    the inclination, but galaxies that some reject are harder for everybody.
    """

    galaxy: IntArray
    volunteer: IntArray
    value_deg: FloatArray
    side: NDArray[np.int8]
    rejections: IntArray

    def pick(self, which: IntArray) -> Readings:
        return Readings(
            self.galaxy[which], self.volunteer[which], self.value_deg[which], self.side[which], self.rejections
        )


def readings_of(table: VoteTable) -> Readings:
    """Accepted votes and face-on rejections; other rejections say nothing about the inclination."""
    is_face_on = table.verdict == FACE_ON
    used = np.flatnonzero(table.is_accepted | is_face_on)
    used = used[np.argsort(table.galaxy[used], kind="stable")]
    face_on = is_face_on[used]
    value = np.where(face_on, FACE_ON_BELOW_DEG, table.inclination_deg[used])
    side = np.where(face_on, 1, np.where(value >= EDGE_DEG, -1, 0)).astype(np.int8)
    rejections = np.bincount(table.galaxy[table.verdict == REJECTED], minlength=table.galaxy_count)
    return Readings(table.galaxy[used], table.volunteer[used], value, side, rejections)


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some galaxies with their readings, looked at in windows of ``width`` nodes.

    ``row`` (n,) is each reading's galaxy within the chunk, ``first_node`` (m,) where each galaxy's window begins,
    ``members`` the m × n matrix that sums readings of a galaxy, ``rejections`` and ``votes`` (m,) each galaxy's other
    rejections, and these with its readings.
    """

    readings: Readings
    galaxies: IntArray
    row: IntArray
    first_node: IntArray
    width: int
    members: sparse.csr_array
    rejections: IntArray
    votes: IntArray


@dataclass(frozen=True, slots=True)
class ChunkPosterior:
    """Posterior (m, K, width) of a chunk's galaxies and, over readings (n, width), what the M step needs.

    ``precision`` is the expected weight over squared scale, ``pull`` the derivative of the log-likelihood by the
    expected value, ``square`` the weighted squared residual in units of its scale; all times the posterior.
    """

    probability: Float32
    precision: Float32
    pull: Float32
    square: Float32
    log_weight_sum: float
    weight_sum: float
    measured_count: int


def log_windows(values: FloatArray, chunk: Chunk) -> Float32:
    """The (m, width) pieces of a function of the nodes that the chunk's galaxies look at."""
    return np.asarray(sliding_window_view(values.astype(np.float32), chunk.width)[chunk.first_node])


def posterior(
    chunk: Chunk,
    crowd: Crowd,
    volunteers: Volunteers,
    known_deg: FloatArray | None = None,
    *,
    wants_weight: bool = True,
) -> ChunkPosterior:
    """Return posterior and moments of a chunk. A reading's scale is widened by what its volunteer's line may be off.

    ``known_deg`` (m,) holds the truth of golden targets, NaN elsewhere.
    """
    freedom = crowd.freedom
    readings, who = chunk.readings, chunk.readings.volunteer
    nodes = log_windows(crowd.nodes_deg, chunk)
    scatter2 = log_windows(crowd.scatter_deg**2, chunk)
    offset = (readings.value_deg - PIVOT_DEG - volunteers.offset_deg[who]).astype(np.float32)
    steepness = (1 + volunteers.slope[who]).astype(np.float32)
    residual = offset[:, None] - steepness[:, None] * (nodes - np.float32(PIVOT_DEG))[chunk.row]
    spread2 = (freedom * _own_variance(readings, crowd, volunteers)).astype(np.float32)[:, None] * scatter2[chunk.row]
    residual2 = residual * residual
    censored = np.flatnonzero(readings.side)
    measured = (chunk.members @ (readings.side == 0).astype(np.float32)).astype(np.float32)[:, None]
    log_prior = np.log(log_windows(crowd.population, chunk)) + freedom / 2 * measured * np.log(scatter2)

    if known_deg is not None:
        log_prior -= np.nan_to_num((nodes - known_deg[:, None]) ** 2 / (2 * KNOWN_SIGMA_DEG**2)).astype(np.float32)
    pieces = []
    log_posterior = np.empty((chunk.galaxies.size, crowd.spreads.size, chunk.width), dtype=np.float32)
    for number, spread in enumerate(crowd.spreads):
        wide2 = spread2 * np.float32(spread**2)
        total = wide2 + residual2
        log_total = np.log(total)
        log_like = np.float32(-(freedom + 1) / 2) * log_total
        tail = _censored(censored, readings, residual, wide2, freedom)
        log_like[censored] = tail[0]
        bonus = np.float32(freedom * np.log(spread)) * measured + _log_share(chunk, crowd, number)
        log_posterior[:, number] = chunk.members @ log_like + log_prior + bonus
        pieces.append((wide2, total, log_total, tail))
    log_posterior -= log_posterior.max(axis=(1, 2), keepdims=True)
    probability = np.exp(log_posterior)
    probability /= probability.sum(axis=(1, 2), keepdims=True)
    return _moments(chunk, probability, residual, residual2, censored, freedom, pieces, wants_weight)


def _log_share(chunk: Chunk, crowd: Crowd, number: int) -> Float32:
    """Log of a spread's share and of the probability that so many of the galaxy's votes are rejections, (m, 1)."""
    rate = crowd.reject_rates[number]
    told = chunk.rejections * np.log(rate) + (chunk.votes - chunk.rejections) * np.log(1 - rate)
    return np.asarray(np.log(crowd.spread_shares[number]) + told, dtype=np.float32)[:, None]


def _own_variance(readings: Readings, crowd: Crowd, volunteers: Volunteers) -> FloatArray:
    """σ_j², widened by the variance of the volunteer's line at the reading relative to g² there."""
    who = readings.volunteer
    scatter = np.interp(readings.value_deg, crowd.nodes_deg, crowd.scatter_deg)
    return volunteers.scale[who] ** 2 + volunteers.line_variance(who, readings.value_deg) / scatter**2


def standard_error_deg(probability: Float32, nodes_deg: Float32) -> FloatArray:
    """Return the standard error of posteriors (m, width) over nodes (m, width), in degrees.

    A standard error promises two things, 68.3 % within one and 95.4 % within two. Posteriors of few heavy-tailed votes
    keep both best with three parts of half the central 68.3 % and one part of a quarter of the central 95.4 %; for a
    normal distribution either is its standard deviation.
    """
    cumulative = np.cumsum(probability, axis=1, dtype=np.float64)
    cumulative /= cumulative[:, -1:]
    edges = np.concatenate([(nodes_deg[:, 1:] + nodes_deg[:, :-1]) / 2, nodes_deg[:, -1:]], axis=1)
    rows = np.arange(cumulative.shape[0])

    def quantile(share: float) -> FloatArray:
        place = np.minimum((cumulative < share).sum(axis=1), cumulative.shape[1] - 1)
        before = np.maximum(place - 1, 0)
        below = np.where(place > 0, cumulative[rows, before], 0.0)
        start = np.where(place > 0, edges[rows, before], nodes_deg[:, 0])
        step = np.maximum(cumulative[rows, place] - below, 1e-12)
        return np.asarray(start + (edges[rows, place] - start) * np.clip((share - below) / step, 0, 1))

    one = (quantile(0.84134) - quantile(0.15866)) / 2
    two = (quantile(0.97725) - quantile(0.02275)) / 4
    return np.asarray((1 - WIDE_SHARE) * one + WIDE_SHARE * two)


Tails = tuple[Float32, Float32, Float32, Float32]


def _censored(censored: IntArray, readings: Readings, residual: Float32, wide2: Float32, freedom: float) -> Tails:
    """Log-likelihood, precision, pull and square of readings of which only a side is known."""
    side = readings.side[censored].astype(np.float32)[:, None]
    scale = np.sqrt(wide2[censored] / np.float32(freedom))
    z = side * residual[censored] / scale
    log_below, hazard = tail_of(freedom).at(z)
    return log_below, 1 / (scale * scale), -side * hazard / scale, 1 - z * hazard


def _moments(
    chunk: Chunk,
    probability: Float32,
    residual: Float32,
    residual2: Float32,
    censored: IntArray,
    freedom: float,
    pieces: list[tuple[Float32, Float32, Float32, Tails]],
    wants_weight: bool,
) -> ChunkPosterior:
    precision, pull, square = (np.zeros_like(residual) for _ in range(3))
    log_weight = weight = 0.0
    is_measured = (chunk.readings.side == 0).astype(np.float32)[:, None]
    for number, (wide2, total, log_total, tail) in enumerate(pieces):
        share = probability[:, number][chunk.row]
        weighted = np.float32(freedom + 1) * share / total
        own_pull = weighted * residual
        own_square = weighted * residual2
        if wants_weight:
            own_share = share * is_measured
            log_weight += float(np.vdot(own_share, np.log(wide2) - log_total))
            weight += float(np.vdot(weighted * is_measured, wide2)) / freedom
        part = share[censored]
        weighted[censored], own_pull[censored], own_square[censored] = part * tail[1], part * tail[2], part * tail[3]
        precision += weighted
        pull += own_pull
        square += own_square
    count = int(is_measured.sum()) if wants_weight else 0
    log_weight += count * float(np.log((freedom + 1) / freedom))
    return ChunkPosterior(probability, precision, pull, square, log_weight, weight, count)
