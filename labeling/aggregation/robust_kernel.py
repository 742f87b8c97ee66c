"""The inner loop of the robust estimator: posteriors of some galaxies over the nodes, and their moments.

Galaxies are computed in chunks whose float32 arrays over votes and nodes fit into the processor's cache; sums are
float64. `posterior` writes out the likelihood.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy import sparse, special

from labeling.aggregation.robust_model import EDGE_DEG, FACE_ON_BELOW_DEG, PIVOT_DEG, Crowd, Volunteers
from labeling.aggregation.vote_table import FACE_ON, REJECTED, BoolArray, FloatArray, IntArray, VoteTable

Float32 = NDArray[np.float32]

_Z_LIMIT = 40.0
_Z_STEPS = 100
LEVER_UNIT_DEG = 10.0
# About the error of a golden target's inclination; wide enough that the nodes next to it keep some probability.
KNOWN_SIGMA_DEG = 0.7
# Weight of the central 95.4 % in a standard error; the central 68.3 % have the rest.
WIDE_SHARE = 0.25
CELLS_A_CHUNK = 60_000
WINDOW_WIDTHS = (12, 18, 24, 32)
WINDOW_SIGMAS = 4.0
WINDOW_MARGIN_DEG = 1.5


@dataclass(frozen=True, slots=True)
class Tail:
    """log P(t < z) and its derivative by z, the hazard, tabulated for one ν.

    A table is faster than the incomplete beta function. Both arrays have shape (8001,), for z from -40 to 40.
    """

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
    """The n votes that depend on the inclination, ordered by galaxy.

    Attributes
    ----------
    galaxy, volunteer : array of int64, shape (n,)
    value_deg : array of float64, shape (n,)
        In degrees.
    side : array of int8, shape (n,)
        0 for a measured value; 1 if the galaxy was seen below ``value_deg`` (face-on), -1 if above (right of 90°).
    rejections : array of int64, shape (G,)
        Each galaxy's other rejections. They say nothing about its inclination, but galaxies that some people reject
        are harder for everybody.
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
    """Return the accepted votes and face-on rejections; other rejections are only counted."""
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
    """m galaxies with their n readings, computed in windows of ``width`` nodes.

    Attributes
    ----------
    galaxies : array of int64, shape (m,)
        Codes of the galaxies.
    row : array of int64, shape (n,)
        Each reading's galaxy within the chunk.
    first_node : array of int64, shape (m,)
        Where each galaxy's window begins.
    members : sparse array, shape (m, n)
        Sums over the readings of each galaxy.
    rejections, votes : array of int64, shape (m,)
        Each galaxy's other rejections; its rejections and readings together.
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
    """Posteriors of a chunk's m galaxies and the moments that the M step needs; `posterior` defines the symbols.

    Attributes
    ----------
    probability : array of float32, shape (m, K, width)
        Over spreads u and nodes i; sums to 1 for each galaxy.
    precision, pull, square : array of float32, shape (n, width)
        Σ_u p(u, i) times w / τ², ∂ log L / ∂ expected value, and w r² / τ².
    log_weight_sum, weight_sum : float
        Expectations of Σ log w and of Σ w over the measured readings.
    measured_count : int
        Number of these readings; 0 if the weights were not wanted.
    """

    probability: Float32
    precision: Float32
    pull: Float32
    square: Float32
    log_weight_sum: float
    weight_sum: float
    measured_count: int


def full_plan(readings: Readings, node_count: int) -> list[Chunk]:
    """Return chunks in which every galaxy has all nodes."""
    return list(_chunks(readings, np.ones(readings.galaxy.size, dtype=bool), None, node_count))


def windowed_plan(
    readings: Readings, nodes_deg: FloatArray, inclination_deg: FloatArray, sigma_deg: FloatArray
) -> list[Chunk]:
    """Return chunks in which each galaxy has the nodes within four standard errors of its last estimate.

    Parameters
    ----------
    nodes_deg : array, shape (N,)
    inclination_deg, sigma_deg : array, shape (G,)
        In degrees, without NaN.
    """
    half = WINDOW_SIGMAS * sigma_deg + WINDOW_MARGIN_DEG
    low = np.searchsorted(nodes_deg, inclination_deg - half, side="right") - 1
    high = np.searchsorted(nodes_deg, inclination_deg + half)
    low, high = np.clip(low, 0, None), np.clip(high, None, nodes_deg.size - 1)
    needed = high - low + 1
    plan: list[Chunk] = []
    last_width = 0
    for width in (*WINDOW_WIDTHS, nodes_deg.size):
        # Centred on the needed nodes, and within the range of all.
        first = np.clip(low - (width - needed) // 2, 0, nodes_deg.size - width)
        fits = (needed > last_width) & (needed <= width)
        plan.extend(_chunks(readings, fits[readings.galaxy], first, width))
        last_width = width
    return plan


def _chunks(readings: Readings, which: BoolArray, first_node: IntArray | None, width: int) -> Iterator[Chunk]:
    picked = readings.pick(np.flatnonzero(which))
    count = picked.galaxy.size
    if not count:
        return
    starts = np.flatnonzero(np.r_[True, np.diff(picked.galaxy) != 0])
    # Chunks end where a galaxy ends.
    cuts = starts[np.searchsorted(starts, np.arange(0, count, max(1, CELLS_A_CHUNK // width)), side="right") - 1]
    edges = [*np.unique(cuts).tolist(), count]
    for begin, end in itertools.pairwise(edges):
        part = picked.pick(np.arange(begin, end))
        first, row = np.unique(part.galaxy, return_index=True)[0], np.cumsum(np.r_[0, np.diff(part.galaxy) != 0])
        pointers = np.r_[0, np.flatnonzero(np.diff(part.galaxy)) + 1, end - begin]
        members = sparse.csr_array(
            (np.ones(end - begin, dtype=np.float32), np.arange(end - begin), pointers), shape=(first.size, end - begin)
        )
        begins = np.zeros(first.size, dtype=np.int64) if first_node is None else first_node[first]
        rejections = readings.rejections[first]
        yield Chunk(part, first, row, begins, width, members, rejections, rejections + np.diff(pointers))


def windows_of(values: FloatArray, chunk: Chunk) -> Float32:
    """Return the values of a function of the nodes (N,) in the windows of the chunk's galaxies, shape (m, width)."""
    return np.asarray(sliding_window_view(values.astype(np.float32), chunk.width)[chunk.first_node])


def posterior(
    chunk: Chunk,
    crowd: Crowd,
    volunteers: Volunteers,
    known_deg: FloatArray | None = None,
    *,
    wants_weight: bool = True,
) -> ChunkPosterior:
    """Return the posterior of a chunk's galaxies over spreads and nodes, and its moments.

    Volunteer j reads a galaxy of inclination i and spread u as y, with the residual and the scale

        r = y − 70 − a_j − (1 + s_j)(i − 70),      τ = σ'_j g(i) u,      σ'_j² = σ_j² + V_j(y) / g(y)²,

    where V_j(y) is the variance of the volunteer's line at y. With Student's t of ν degrees of freedom

        log L(y) = const − log τ − (ν + 1)/2 · log(1 + r² / (ν τ²))
                 = const + ν log τ − (ν + 1)/2 · log(ν τ² + r²).

    Of ν log τ, the term ν log σ'_j depends on neither i nor u and is dropped, ν log g(i) is added once per galaxy for
    all its measured readings, and so is ν log u. A censored reading has log L = log P(t < z) with z = ± r / τ, + if the
    galaxy was seen below the value. The prior is the population P(i), the share of u, and the binomial probability of
    the galaxy's rejections given u.

    The weight of a reading is w = (ν + 1) / (ν + r² / τ²). With the hazard h = d log P(t < z) / dz the moments are

        measured:  w / τ² = (ν + 1) / (ν τ² + r²),   ∂ log L / ∂ expected = w r / τ²,   square = w r² / τ²
        censored:  1 / τ²,                           ∓ h / τ,                           1 − z h

    (the last from ∂ log L / ∂ log τ = square − 1, which holds for both). Liu & Rubin 1995, Statistica Sinica 5, 19.

    Parameters
    ----------
    known_deg : array, shape (m,), optional
        Inclination of golden targets in degrees, NaN elsewhere: a normal prior of σ = `KNOWN_SIGMA_DEG`.
    wants_weight : bool, optional
        Whether Σ log w and Σ w are wanted; they cost time, and ν needs only a sample.
    """
    freedom = crowd.freedom
    readings, who = chunk.readings, chunk.readings.volunteer
    nodes = windows_of(crowd.nodes_deg, chunk)
    scatter2 = windows_of(crowd.scatter_deg**2, chunk)
    # r² / τ² is never formed: spread2 = ν σ'² g², wide2 = ν τ², total = ν τ² + r².
    offset = (readings.value_deg - PIVOT_DEG - volunteers.offset_deg[who]).astype(np.float32)
    steepness = (1 + volunteers.slope[who]).astype(np.float32)
    residual = offset[:, None] - steepness[:, None] * (nodes - np.float32(PIVOT_DEG))[chunk.row]
    spread2 = (freedom * _own_variance(readings, crowd, volunteers)).astype(np.float32)[:, None] * scatter2[chunk.row]
    residual2 = residual * residual
    censored = np.flatnonzero(readings.side)
    measured = (chunk.members @ (readings.side == 0).astype(np.float32)).astype(np.float32)[:, None]
    log_prior = np.log(windows_of(crowd.population, chunk)) + freedom / 2 * measured * np.log(scatter2)

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
    """Return log(share of the spread) plus the log-probability of the galaxies' rejections, shape (m, 1)."""
    rate = crowd.reject_rates[number]
    rejected = chunk.rejections * np.log(rate) + (chunk.votes - chunk.rejections) * np.log(1 - rate)
    return np.asarray(np.log(crowd.spread_shares[number]) + rejected, dtype=np.float32)[:, None]


def _own_variance(readings: Readings, crowd: Crowd, volunteers: Volunteers) -> FloatArray:
    """Return σ'_j² = σ_j² + V_j(y) / g(y)² of each reading, shape (n,)."""
    who = readings.volunteer
    scatter = np.interp(readings.value_deg, crowd.nodes_deg, crowd.scatter_deg)
    return volunteers.scale[who] ** 2 + volunteers.line_variance(who, readings.value_deg) / scatter**2


def standard_error_deg(probability: Float32, nodes_deg: Float32) -> FloatArray:
    """Return the standard error of posteriors (m, width) over nodes (m, width), in degrees.

    One standard error should cover 68.3 % and two 95.4 %. A posterior of few heavy-tailed votes is not normal; both
    coverages are met best by σ = ¾ · (half the central 68.3 % interval) + ¼ · (a quarter of the central 95.4 %
    interval), found on simulated campaigns (docs/decisions/0012). For a normal posterior either part is its σ.
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
    """Return log L, 1 / τ², ∂ log L / ∂ expected and 1 − z h of the censored readings, shape (c, width) each."""
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
