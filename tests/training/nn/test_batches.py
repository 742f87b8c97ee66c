"""The rules of a batch hold exactly, in every batch, and a batch depends on nothing but the seed and its number."""

from dataclasses import replace

import numpy as np
import pytest

from giz.training.nn.batches import BatchPlan
from giz.training.nn.data import BIN_COUNT, COLOUR_INDEX, TrainingData, TrainingError, bin_of
from giz.training.nn.kinds import NETWORKS, Task, batch_multiple, task_of
from giz.training.nn.networks import network_for
from tests.refusals import refuses


def plan(data: TrainingData, task: Task, size: int = 0, **options: object) -> BatchPlan:
    settings = {"seed": 3, "all_bands": False, **options}
    return BatchPlan(data, task=task, size=size or batch_multiple(task), **settings)  # type: ignore[arg-type]


@pytest.mark.parametrize("network", NETWORKS)
def test_pages_without_torch_know_the_task_of_each_network(network: str) -> None:
    assert task_of(network) == network_for(network, 128).task


@pytest.mark.parametrize("task", ["regression", "verdict", "both"])
def test_half_is_colour_and_the_greys_are_shared_out_evenly(data: TrainingData, task: Task) -> None:
    drawn = plan(data, task)
    for number in range(40):
        batch = drawn.batch(number)
        is_grey = batch.main_band != COLOUR_INDEX
        assert is_grey.sum() * 2 == drawn.size
        for band in range(3):
            for inverted in (False, True):
                assert ((batch.main_band == band) & (batch.is_inverted == inverted)).sum() * 12 == drawn.size
        assert not batch.is_inverted[~is_grey].any()


@pytest.mark.parametrize("task", ["regression", "both"])
def test_each_five_degrees_come_equally_often_in_colour_and_in_grey(data: TrainingData, task: Task) -> None:
    drawn = plan(data, task)
    for number in range(40):
        batch = drawn.batch(number)
        for is_colour in (True, False):
            mine = batch.is_measured & ((batch.main_band == COLOUR_INDEX) == is_colour)
            counts = np.bincount(bin_of(data.inclination_deg[batch.rows[mine]]), minlength=BIN_COUNT)
            assert len(set(counts)) == 1


def test_verdicts_are_balanced(data: TrainingData) -> None:
    drawn = plan(data, "verdict")
    for number in range(40):
        batch = drawn.batch(number)
        assert batch.is_measured.sum() * 2 == drawn.size
        assert data.is_rejected[batch.rows[~batch.is_measured]].all()


def test_every_band_shown_is_there_greys_come_alone_or_together_and_colour_by_itself(data: TrainingData) -> None:
    drawn = plan(data, "both", 96, all_bands=True)
    greys_shown = np.zeros(4, int)
    for number in range(40):
        batch = drawn.batch(number)
        assert not (batch.wanted & ~data.has_band[batch.rows]).any()
        assert batch.wanted[np.arange(96), batch.main_band].all()
        is_colour = batch.main_band == COLOUR_INDEX
        assert (batch.wanted[:, COLOUR_INDEX] == is_colour).all()
        assert not batch.wanted[is_colour, :COLOUR_INDEX].any()
        greys_shown += np.bincount(batch.wanted[~is_colour].sum(axis=1), minlength=4)
    assert greys_shown[0] == 0
    assert (greys_shown[1:] > 200).all()


def test_batches_hold_train_galaxies_only(data: TrainingData) -> None:
    train = set(data.rows("train"))
    drawn = plan(data, "both")
    assert {row for number in range(60) for row in drawn.batch(number).rows} <= train


def test_a_batch_is_a_function_of_seed_and_number(data: TrainingData) -> None:
    first, again, other = plan(data, "both"), plan(data, "both"), plan(data, "both", seed=4)
    for number in (5, 0, 5):
        one, two = first.batch(number), again.batch(number)
        assert np.array_equal(one.rows, two.rows)
        assert np.array_equal(one.seeds, two.seeds)
        assert not np.array_equal(one.seeds, other.batch(number).seeds)


@pytest.mark.parametrize("task", ["regression", "verdict", "both"])
def test_the_shares_of_several_processes_make_up_the_batch(data: TrainingData, task: Task) -> None:
    whole = plan(data, task).batch(7)
    shares = [plan(data, task, rank=rank, processes=3).batch(7) for rank in range(3)]
    seeds = np.concatenate([share.seeds for share in shares])
    assert sorted(seeds) == sorted(whole.seeds)
    assert len({(share.rows.size, share.is_measured.sum()) for share in shares}) == 1
    # Each slot goes on with what it was drawn with.
    where = {seed: place for place, seed in enumerate(whole.seeds)}
    places = [where[seed] for seed in seeds]
    for name in ("rows", "main_band", "is_inverted", "wanted"):
        joined = np.concatenate([getattr(share, name) for share in shares])
        np.testing.assert_array_equal(joined, getattr(whole, name)[places])


def test_a_size_that_can_not_hold_the_rules_is_refused(data: TrainingData) -> None:
    with refuses("bad_batch_size", "36", "64"):
        plan(data, "regression", 64)


def test_a_set_that_can_not_fill_a_bin_is_refused(data: TrainingData) -> None:
    thin = TrainingData(
        data.labelset,
        np.where(data.inclination_deg < 85, data.inclination_deg, np.nan),
        data.is_accepted & (data.inclination_deg < 85),
        data.is_rejected,
        data.reasons,
        data.has_band,
    )
    with pytest.raises(TrainingError, match="85° and 90°", check=lambda error: error.code == "too_few_galaxies"):
        plan(thin, "regression")


def test_beside_others_a_bin_without_galaxies_is_filled_from_the_nearest(data: TrainingData) -> None:
    lacking = replace(data, is_accepted=data.is_accepted & ~(data.inclination_deg >= 85.0))
    batch = plan(lacking, "both", may_lack=True).batch(0)
    measured = data.inclination_deg[batch.rows[batch.is_measured]]
    assert measured.max() < 85.0
    even = np.bincount(bin_of(measured), minlength=BIN_COUNT)
    assert even[-1] == 0
    assert even[-2] == 2 * even[0] == measured.size * 2 // BIN_COUNT
