"""Which galaxies are computed together, and through how wide a window of the nodes."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
from scipy import sparse

from labeling.aggregation.robust_kernel import Chunk, Readings
from labeling.aggregation.vote_table import BoolArray, FloatArray, IntArray

CELLS_A_CHUNK = 60_000
WINDOW_WIDTHS = (12, 18, 24, 32)
WINDOW_SIGMAS = 4.0
WINDOW_MARGIN_DEG = 1.5


def full_plan(readings: Readings, node_count: int) -> list[Chunk]:
    """Chunks in which every galaxy is looked at over all nodes."""
    return list(_chunks(readings, np.ones(readings.galaxy.size, dtype=bool), None, node_count))


def windowed_plan(
    readings: Readings, nodes_deg: FloatArray, inclination_deg: FloatArray, sigma_deg: FloatArray
) -> list[Chunk]:
    """Chunks in which each galaxy is looked at where its posterior was, four standard errors to both sides."""
    half = WINDOW_SIGMAS * sigma_deg + WINDOW_MARGIN_DEG
    low = np.searchsorted(nodes_deg, inclination_deg - half, side="right") - 1
    high = np.searchsorted(nodes_deg, inclination_deg + half)
    low, high = np.clip(low, 0, None), np.clip(high, None, nodes_deg.size - 1)
    needed = high - low + 1
    plan: list[Chunk] = []
    last_width = 0
    for width in (*WINDOW_WIDTHS, nodes_deg.size):
        # Centred on what is needed, and inside the nodes.
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
    # Cut at the first galaxy that begins after each full chunk.
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
