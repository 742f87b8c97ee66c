"""Which pictures make a batch: the rules of SCIENCE.md section 5, held exactly in every batch.

A batch is a pure function of (seed, number of the batch): neither workers nor interruptions play a part.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from giz.training.nn.data import BANDS, BIN_COUNT, COLOUR, GREYS, Rows, Side, TrainingData, bin_of
from giz.training.nn.errors import TrainingError
from giz.training.nn.names import Task

# Half colour, half grey; of the greys each band and each of (as stored, inverted) equally often: 6 + 6.
LOOKS_ROUND = 2 * 2 * len(GREYS)
COLOUR_INDEX = BANDS.index(COLOUR)
# A network that takes all bands looks at colour by itself. Of the greys it sees: every one there is; one alone; or each
# further one by the toss of a coin.
ALL_GREYS_SHARE, ONE_GREY_SHARE = 0.4, 0.35


@dataclass(frozen=True, eq=False)
class Batch:
    """What goes into one batch, slot by slot, before any pixel is read.

    rows : (n,) galaxies, rows of the label set.
    main_band : (n,) the band this slot stands for in the rules, index into BANDS.
    is_inverted : (n,) whether greys are turned to white-on-black.
    wanted : (n, 4) bands to show.
    is_measured : (n,) whether the slot is an accepted galaxy.
    seeds : (n,) one for each slot, for the augmentation.
    """

    rows: Rows
    main_band: npt.NDArray[np.int64]
    is_inverted: npt.NDArray[np.bool_]
    wanted: npt.NDArray[np.bool_]
    is_measured: npt.NDArray[np.bool_]
    seeds: npt.NDArray[np.uint64]

    def part(self, rank: int, processes: int) -> Batch:
        """The share of one of several processes: as many measured slots, and as many others, for each."""
        kinds = np.flatnonzero(self.is_measured), np.flatnonzero(~self.is_measured)
        mine = np.sort(np.concatenate([places[rank::processes] for places in kinds]))
        return Batch(
            self.rows[mine],
            self.main_band[mine],
            self.is_inverted[mine],
            self.wanted[mine],
            self.is_measured[mine],
            self.seeds[mine],
        )


def batch_multiple(task: Task) -> int:
    """A batch must be a multiple of this, or the rules can't be held exactly."""
    return {"regression": math.lcm(LOOKS_ROUND, 2 * BIN_COUNT), "verdict": 2 * LOOKS_ROUND, "both": 48}[task]


def usual_size(task: Task) -> int:
    """How large batches are where nothing else is said."""
    return 2 * batch_multiple(task)


def check_shares(task: Task, size: int, processes: int) -> None:
    """Each process must get as many pictures of each kind, or the mean of their losses is not that of the batch.

    Raises
    ------
    TrainingError
        ``bad_processes``, with those that are possible.
    """
    smallest = {"regression": size, "verdict": size // 2, "both": size // 4}[task]
    if smallest % processes:
        fit = ", ".join(str(count) for count in range(1, smallest + 1) if smallest % count == 0)
        raise TrainingError(
            "bad_processes", f"{processes} processes can't share batches of {size} evenly; possible are {fit}."
        )


class BatchPlan:
    """Draws the batches of one side of one label set.

    task : "regression" takes accepted galaxies, inclinations even over 45 to 90 (each 5-degree bin equally often, as
        often in colour as in grey); "verdict" as many accepted as rejected; "both" three accepted to one rejected,
        the accepted by the rules of regression, the loss weighs the verdicts evenly.
    size : of the whole batch, which keeps the rules. rank, processes : draw the share of one of several processes.
    all_bands : whether further greys of the galaxy come along with a grey one.
    """

    def __init__(
        self,
        data: TrainingData,
        *,
        task: Task,
        size: int,
        seed: int,
        all_bands: bool,
        side: Side = "train",
        flavour: int = 0,
        rank: int = 0,
        processes: int = 1,
    ) -> None:
        multiple = batch_multiple(task)
        if size <= 0 or size % multiple:
            raise TrainingError("bad_batch_size", f"A batch must be a multiple of {multiple}; got {size}.")
        check_shares(task, size, processes)
        self._data, self._task, self.size, self._seed, self._all_bands = data, task, size, seed, all_bands
        self._rank, self._processes = rank, processes
        rows = data.rows(side, flavour)
        self.galaxy_count = int(rows.size)
        accepted, rejected = rows[data.is_accepted[rows]], rows[data.is_rejected[rows]]
        self._by_bin = _by_bin(data, accepted) if task != "verdict" else []
        self._accepted = _by_band(data, accepted) if task == "verdict" else []
        self._rejected = _by_band(data, rejected) if task != "regression" else []

    def batch(self, number: int) -> Batch:
        """Draw batch `number` (from 0), or this process's share of it."""
        rng = np.random.default_rng([self._seed, number])
        if self._task == "regression":
            parts = [self._measured(rng, self.size)]
        elif self._task == "verdict":
            half = self.size // 2
            parts = [self._from_pools(rng, self._accepted, half), self._from_pools(rng, self._rejected, half)]
        else:
            quarter = self.size // 4
            parts = [self._measured(rng, self.size - quarter), self._from_pools(rng, self._rejected, quarter)]
        rows, band, inverted = (np.concatenate(values) for values in zip(*parts, strict=True))
        order = rng.permutation(self.size)
        rows, band, inverted = rows[order], band[order], inverted[order]
        batch = Batch(
            rows,
            band,
            inverted,
            self._wanted(rng, rows, band),
            self._data.is_accepted[rows],
            rng.integers(2**63, size=self.size, dtype=np.uint64),
        )
        return batch if self._processes == 1 else batch.part(self._rank, self._processes)

    def _measured(self, rng: np.random.Generator, count: int) -> tuple[Rows, Rows, npt.NDArray[np.bool_]]:
        """Accepted galaxies: each bin equally often in colour and in grey; the greys' looks shared out at random."""
        band, inverted = looks(count)
        bins = np.empty(count, np.int64)
        for is_colour in (True, False):
            slots = np.flatnonzero((band == COLOUR_INDEX) == is_colour)
            bins[rng.permutation(slots)] = spread(rng, slots.size, BIN_COUNT)
        rows = np.array([_pick(rng, self._by_bin[b][look]) for b, look in zip(bins, band, strict=True)], np.int64)
        return rows, band, inverted

    def _from_pools(
        self, rng: np.random.Generator, pools: list[Rows], count: int
    ) -> tuple[Rows, Rows, npt.NDArray[np.bool_]]:
        band, inverted = looks(count)
        return np.array([_pick(rng, pools[look]) for look in band], np.int64), band, inverted

    def _wanted(self, rng: np.random.Generator, rows: Rows, band: Rows) -> npt.NDArray[np.bool_]:
        wanted = np.zeros((rows.size, len(BANDS)), bool)
        if self._all_bands:
            kind = rng.random((rows.size, 1))
            coin = rng.random(wanted.shape) < 0.5
            wanted = (kind < ALL_GREYS_SHARE) | ((kind >= ALL_GREYS_SHARE + ONE_GREY_SHARE) & coin)
            wanted &= self._data.has_band[rows]
            wanted[band == COLOUR_INDEX] = False
            wanted[:, COLOUR_INDEX] = False
        wanted[np.arange(rows.size), band] = True
        return wanted


def looks(count: int) -> tuple[Rows, npt.NDArray[np.bool_]]:
    """Main band and inversion of `count` slots: half colour; the greys g, r, i alike, half of each inverted."""
    greys = np.arange(count // 2)
    band = np.concatenate([np.full(count - greys.size, COLOUR_INDEX), greys % len(GREYS)])
    inverted = np.concatenate([np.zeros(count - greys.size, bool), (greys // len(GREYS)) % 2 == 1])
    return band, inverted


def spread(rng: np.random.Generator, count: int, kinds: int) -> Rows:
    """`count` numbers below `kinds`, each equally often; what does not divide goes to kinds drawn at random."""
    rest = rng.permutation(kinds)[: count % kinds]
    return np.concatenate([np.repeat(np.arange(kinds), count // kinds), rest])


def _by_band(data: TrainingData, rows: Rows) -> list[Rows]:
    pools = [rows[data.has_band[rows, number]] for number in range(len(BANDS))]
    empty = [band for band, pool in zip(BANDS, pools, strict=True) if pool.size == 0]
    if empty:
        raise TrainingError(
            "too_few_galaxies",
            f"No galaxy to learn from has a picture in {', '.join(empty)}; a batch needs each of {', '.join(BANDS)}, "
            "among the accepted and among the rejected.",
        )
    return pools


def _by_bin(data: TrainingData, rows: Rows) -> list[list[list[Rows]]]:
    """Pools of galaxies: by 5-degree bin, then band, then degree, so that a bin is evenly filled within, too."""
    bins = bin_of(data.inclination_deg[rows])
    pools: list[list[list[Rows]]] = []
    for number in range(BIN_COUNT):
        mine = rows[bins == number]
        by_band = []
        for band in range(len(BANDS)):
            have = mine[data.has_band[mine, band]]
            degrees = np.floor(data.inclination_deg[have])
            by_band.append([have[degrees == degree] for degree in np.unique(degrees)])
        if not all(by_band):
            low = 45 + 5 * number
            raise TrainingError(
                "too_few_galaxies",
                f"No train galaxy between {low}° and {low + 5}° in each of {', '.join(BANDS)}; a batch needs them all.",
            )
        pools.append(by_band)
    return pools


def _pick(rng: np.random.Generator, pool: Rows | list[Rows]) -> int:
    chosen = pool[rng.integers(len(pool))] if isinstance(pool, list) else pool
    return int(chosen[rng.integers(chosen.size)])
