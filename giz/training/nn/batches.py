"""Which pictures make a batch (by the rules of SCIENCE.md section 5, exactly in every batch), and batches as tensors.

A batch is a pure function of (seed, number of the batch), whatever the number of worker threads or interruptions.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from giz.core.vocabulary import BANDS, GREYS
from giz.training.nn.augment import Augmenter
from giz.training.nn.data import BIN_COUNT, COLOUR_INDEX, Rows, Side, TrainingData, TrainingError, bin_of
from giz.training.nn.kinds import Task, batch_multiple, check_shares

# A network that takes all bands sees colour alone, or greys: with this probability all that exist, with that one grey,
# otherwise each further grey with probability 1/2.
ALL_GREYS_SHARE, ONE_GREY_SHARE = 0.4, 0.35
AHEAD_PER_WORKER = 2


@dataclass(frozen=True, eq=False)
class Batch:
    """The contents of one batch, slot by slot, before any pixel is read.

    rows : (n,) galaxies, as rows of the label set.
    main_band : (n,) the band that the slot counts as, an index into BANDS.
    is_inverted : (n,) whether greys are inverted to white-on-black.
    wanted : (n, 4) bands to show.
    is_measured : (n,) whether the galaxy is an accepted one.
    seeds : (n,) seeds of the augmentation.
    """

    rows: Rows
    main_band: npt.NDArray[np.int64]
    is_inverted: npt.NDArray[np.bool_]
    wanted: npt.NDArray[np.bool_]
    is_measured: npt.NDArray[np.bool_]
    seeds: npt.NDArray[np.uint64]

    def part(self, rank: int, processes: int) -> Batch:
        """Return the share of one of several processes: each gets equally many measured slots, and others."""
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


class BatchPlan:
    """Draws the batches of one side of a label set.

    task : "regression" takes accepted galaxies with inclinations even over 45 to 90 (each 5-degree bin equally often,
        and as often in colour as in grey); "verdict" equally many accepted and rejected; "both" three accepted to one
        rejected, the accepted by the rules of regression (the loss then weighs the verdicts evenly).
    size : pictures in the whole batch. rank, processes : draw only the share of one of several processes.
    all_bands : whether further greys of the galaxy accompany a grey picture.
    even_degrees : whether each degree of a bin is drawn equally often; otherwise as often as it occurs.
    may_lack : whether there may be 5-degree bins without a galaxy; those of the nearest bin take their place.
    """

    def __init__(
        self,
        data: TrainingData,
        *,
        task: Task,
        size: int,
        seed: int,
        all_bands: bool,
        even_degrees: bool = True,
        side: Side = "train",
        flavour: int = 0,
        rank: int = 0,
        processes: int = 1,
        may_lack: bool = False,
    ) -> None:
        multiple = batch_multiple(task)
        if size <= 0 or size % multiple:
            raise TrainingError("bad_batch_size", f"A batch must be a multiple of {multiple}; got {size}.")
        check_shares(task, size, processes)
        self._data, self._task, self.size, self._seed, self._all_bands = data, task, size, seed, all_bands
        self._rank, self._processes = rank, processes
        rows = data.rows(side, flavour)
        accepted, rejected = rows[data.is_accepted[rows]], rows[data.is_rejected[rows]]
        self._by_bin = _by_bin(data, accepted, even_degrees, may_lack) if task != "verdict" else []
        self._accepted = _by_band(data, accepted) if task == "verdict" else []
        self._rejected = _by_band(data, rejected) if task != "regression" else []

    def batch(self, number: int) -> Batch:
        """Draw this process's share of batch `number` (from 0)."""
        batch = self.whole_batch(number)
        return batch if self._processes == 1 else batch.part(self._rank, self._processes)

    def whole_batch(self, number: int) -> Batch:
        """Draw batch `number` (from 0) for all processes."""
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
        return Batch(
            rows,
            band,
            inverted,
            self._wanted(rng, rows, band),
            self._data.is_accepted[rows],
            rng.integers(2**63, size=self.size, dtype=np.uint64),
        )

    def _measured(self, rng: np.random.Generator, count: int) -> tuple[Rows, Rows, npt.NDArray[np.bool_]]:
        """Draw accepted galaxies: each bin equally often in colour and in grey."""
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
    """Return main band and inversion of `count` slots: half colour; g, r, i equally often, half of each inverted."""
    greys = np.arange(count // 2)
    band = np.concatenate([np.full(count - greys.size, COLOUR_INDEX), greys % len(GREYS)])
    inverted = np.concatenate([np.zeros(count - greys.size, bool), (greys // len(GREYS)) % 2 == 1])
    return band, inverted


def spread(rng: np.random.Generator, count: int, kinds: int) -> Rows:
    """Return `count` numbers below `kinds`, each equally often; the remainder goes to kinds drawn at random."""
    rest = rng.permutation(kinds)[: count % kinds]
    return np.concatenate([np.repeat(np.arange(kinds), count // kinds), rest])


def _by_band(data: TrainingData, rows: Rows) -> list[Rows]:
    pools = [rows[data.has_band[rows, number]] for number in range(len(BANDS))]
    empty = [band for band, pool in zip(BANDS, pools, strict=True) if pool.size == 0]
    if empty:
        raise TrainingError(
            "too_few_galaxies",
            f"No galaxy to learn from has a picture in {', '.join(empty)}. Each batch needs pictures in each of "
            f"{', '.join(BANDS)}, of accepted and of rejected galaxies.",
        )
    return pools


def _by_bin(data: TrainingData, rows: Rows, even_degrees: bool, may_lack: bool) -> list[list[list[Rows]]]:
    """Group galaxies by 5-degree bin, then band, then degree where inclinations are even within a bin, too."""
    bins = bin_of(data.inclination_deg[rows])
    pools: list[list[list[Rows]]] = []
    for number in range(BIN_COUNT):
        mine = rows[bins == number]
        by_band = []
        for band in range(len(BANDS)):
            have = mine[data.has_band[mine, band]]
            degrees = np.floor(data.inclination_deg[have]) * even_degrees
            by_band.append([have[degrees == degree] for degree in np.unique(degrees)])
        pools.append(by_band)
    for number in range(BIN_COUNT) if may_lack else ():
        for band in range(len(BANDS)):
            near = sorted(range(BIN_COUNT), key=lambda other: abs(other - number))
            pools[number][band] = next((pools[other][band] for other in near if pools[other][band]), [])
    for number, by_band in enumerate(pools):
        if not all(by_band):
            low = 45 + 5 * number
            raise TrainingError(
                "too_few_galaxies",
                f"Between {low}° and {low + 5}° there is no train galaxy in each of {', '.join(BANDS)}. "
                "Each batch needs them all.",
            )
    return pools


def _pick(rng: np.random.Generator, pool: Rows | list[Rows]) -> int:
    chosen = pool[rng.integers(len(pool))] if isinstance(pool, list) else pool
    return int(chosen[rng.integers(chosen.size)])


# --- as tensors -------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, eq=False)
class Sample:
    """A batch as tensors.

    pictures : (n, 6, S, S), 0 to 1. present : (n, 4) of ones where a band is shown. main_band : (n,).
    inclination_deg : (n,), 0 where not measured. is_measured : (n,). reasons : (n, 9) of 0 and 1.
    """

    pictures: Tensor
    present: Tensor
    main_band: Tensor
    inclination_deg: Tensor
    is_measured: Tensor
    reasons: Tensor


@dataclass(frozen=True, eq=False)
class Predictions:
    """A network's answers about n pictures; None where it gives none.

    inclination_deg, sigma_deg : (n,). rejected : (n,) logit. reasons : (n, 9) logits.
    """

    inclination_deg: Tensor | None = None
    sigma_deg: Tensor | None = None
    rejected: Tensor | None = None
    reasons: Tensor | None = None


def make_sample(data: TrainingData, batch: Batch, augmenter: Augmenter) -> Sample:
    """Read and augment the pictures of one batch."""
    pixels = torch.from_numpy(data.pictures(batch.rows, batch.wanted))
    pictures = augmenter(pixels, batch.seeds, batch.is_inverted, batch.wanted)
    device = pictures.device
    return Sample(
        pictures,
        torch.from_numpy(batch.wanted.astype(np.float32)).to(device),
        torch.from_numpy(batch.main_band).to(device),
        torch.from_numpy(np.nan_to_num(data.inclination_deg[batch.rows]).astype(np.float32)).to(device),
        torch.from_numpy(batch.is_measured).to(device),
        torch.from_numpy(data.reasons[batch.rows]).to(device),
    )


def joined(parts: Sequence[Sample]) -> Sample:
    """Return one batch of several."""
    return Sample(*(torch.cat([getattr(part, field.name) for part in parts]) for field in fields(Sample)))


def feed(
    data: TrainingData, plan: BatchPlan, augmenter: Augmenter, *, start: int, stop: int, workers: int
) -> Iterator[Sample]:
    """Yield batches `start` to `stop` - 1 in order, prepared ahead by `workers` threads (0: none, on demand)."""
    if workers == 0:
        for number in range(start, stop):
            yield make_sample(data, plan.batch(number), augmenter)
        return
    waiting: deque[Future[Sample]] = deque()
    with ThreadPoolExecutor(workers, thread_name_prefix="feed") as pool:
        try:
            for number in range(start, stop):
                waiting.append(pool.submit(lambda n: make_sample(data, plan.batch(n), augmenter), number))
                if len(waiting) > workers * AHEAD_PER_WORKER:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
