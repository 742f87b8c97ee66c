"""A label set may be larger than memory: what is held of it is counted, byte by byte; pictures stay in their files."""

import mmap
from collections.abc import Iterator
from dataclasses import fields

import numpy as np

from giz.training.nn.batches import BatchPlan
from giz.training.nn.data import TrainingData

MOST_BYTES_A_GALAXY = 400
GIB = 2**30


def arrays_of(data: TrainingData, plan: BatchPlan) -> Iterator[np.ndarray]:
    """Every array that lives as long as a run: labels, where pictures lie, the pools that batches are drawn from."""
    yield from (value for field in fields(data) if isinstance(value := getattr(data, field.name), np.ndarray))
    yield data.labelset.pgc
    yield from data.labelset._places.values()
    yield from plan._rejected
    for by_band in plan._by_bin:
        for by_degree in by_band:
            yield from by_degree


def test_a_million_galaxies_need_less_than_half_a_gibibyte(data: TrainingData) -> None:
    plan = BatchPlan(data, task="both", size=48, seed=1, all_bands=True)
    held = sum(array.nbytes for array in arrays_of(data, plan)) / len(data.labelset)
    assert held < MOST_BYTES_A_GALAXY
    assert held * 1_000_000 < GIB / 2
    # Their pictures in four bands at 128 px would fill four machines of 24 GiB.
    assert 3.5 * 24 * GIB < 1_000_000 * 6 * 128 * 128


def test_a_picture_is_a_view_of_its_file_not_a_copy(data: TrainingData) -> None:
    row = int(np.flatnonzero(data.has_band.all(axis=1))[0])
    for band in ("r", "gri"):
        owner: object = data.labelset.image(row, band)
        while isinstance(owner, np.ndarray):
            owner = owner.base
        assert isinstance(owner, mmap.mmap)


def test_one_batch_copies_the_pictures_of_its_own_galaxies_alone(data: TrainingData) -> None:
    batch = BatchPlan(data, task="both", size=48, seed=1, all_bands=True).batch(0)
    pixels = data.pictures(batch.rows, batch.wanted)
    assert pixels.nbytes == 48 * 6 * data.size_px**2
