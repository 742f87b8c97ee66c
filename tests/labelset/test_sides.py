"""A galaxy's side follows from its number alone."""

import numpy as np

from giz.labelset import sides_of


def test_a_galaxy_never_changes_sides() -> None:
    # Written down once: a change of the rule would put test galaxies of earlier sets into training.
    assert [pgc for pgc in range(1, 60) if sides_of(pgc).split == "test"] == [13, 15, 20, 25, 30, 52]


def test_the_shares_are_as_promised() -> None:
    sides = [sides_of(pgc) for pgc in range(40_000)]
    train = [side for side in sides if side.split == "train"]
    assert abs(len(train) / len(sides) - 0.90) < 0.006
    assert abs(np.mean([side.is_validation for side in train]) - 0.10) < 0.006
    shares = np.mean([side.subsamples for side in train], axis=0)
    assert np.abs(shares - 0.67).max() < 0.01


def test_test_galaxies_are_in_no_sub_sample_and_in_no_validation() -> None:
    tested = [side for side in map(sides_of, range(5_000)) if side.split == "test"]
    assert not any(side.is_validation or any(side.subsamples) for side in tested)


def test_the_sub_samples_are_independent_of_each_other() -> None:
    chosen = np.array([side.subsamples for side in map(sides_of, range(40_000)) if side.split == "train"], float)
    correlation = np.corrcoef(chosen.T)
    assert np.abs(correlation[np.triu_indices(3, 1)]).max() < 0.02
