"""From a plan of batches to tensors, prepared ahead by threads: the same batches whatever their number."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from giz.training.nn.augment import Augmenter
from giz.training.nn.batches import COLOUR_INDEX, Batch, BatchPlan
from giz.training.nn.data import BANDS, Rows, TrainingData

AHEAD_PER_WORKER = 2


@dataclass(frozen=True, eq=False)
class Sample:
    """A batch as tensors.

    pictures : (n, 6, S, S) in 0 to 1. present : (n, 4) of ones where a band is there.
    main_band : (n,) the one that counts.
    inclination_deg : (n,), 0 where not measured. is_measured : (n,). reasons : (n, 9).
    """

    pictures: Tensor
    present: Tensor
    main_band: Tensor
    inclination_deg: Tensor
    is_measured: Tensor
    reasons: Tensor


def make_sample(data: TrainingData, batch: Batch, augmenter: Augmenter) -> Sample:
    """Read and change the pictures of one batch."""
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


def feed(
    data: TrainingData, plan: BatchPlan, augmenter: Augmenter, *, start: int, stop: int, workers: int
) -> Iterator[Sample]:
    """Yield batches `start` … `stop` - 1 in order; `workers` threads work ahead, 0 for none."""
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


def look_at(
    data: TrainingData, rows: Rows, view: str, augmenter: Augmenter, *, size: int = 128
) -> Iterator[tuple[Rows, Sample]]:
    """Yield (rows, pictures as they are) of galaxies in one view; those without such a band are left out."""
    rows = rows if view == "all" else rows[data.has_band[rows, BANDS.index(view)]]
    for first in range(0, rows.size, size):
        part = rows[first : first + size]
        wanted = data.has_band[part].copy()
        main = np.full(part.size, COLOUR_INDEX)
        if view == "all":
            main = np.where(wanted[:, COLOUR_INDEX], COLOUR_INDEX, wanted.argmax(axis=1))
        else:
            main[:] = BANDS.index(view)
            wanted[:] = False
            wanted[:, BANDS.index(view)] = True
        yield part, make_sample(data, untouched(data, part, main, wanted), augmenter)


def untouched(data: TrainingData, rows: Rows, main_band: Rows, wanted: np.ndarray) -> Batch:
    """A batch of pictures as they are."""
    return Batch(
        rows,
        main_band.astype(np.int64),
        np.zeros(rows.size, bool),
        wanted,
        data.is_accepted[rows],
        np.zeros(rows.size, np.uint64),
    )
