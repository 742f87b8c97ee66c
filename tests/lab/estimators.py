"""Compare estimators by votes that they have not seen, and by two halves of the votes against each other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from labeling.aggregation.robust import RobustFit, galaxy_posteriors, robust_fit
from labeling.aggregation.robust_model import PRIORS, Priors
from labeling.aggregation.vote_table import FloatArray, IntArray, VoteTable, medians
from tests.lab.linear import LinearFit, linear_fit
from tests.lab.predicted_votes import expected_votes

RESAMPLES = 2000
SPLITS = 10
CENTRAL = {"1_sigma": 0.6827, "2_sigma": 0.9545}

OnProgress = Callable[[int, int], None]


class Fitted(Protocol):
    """An estimator that has seen some votes."""

    @property
    def label_deg(self) -> FloatArray:
        """Galaxies' inclinations in degrees (G,), NaN where it has none."""

    def expected(self, held_out: VoteTable) -> tuple[FloatArray, FloatArray | None]:
        """The values that these volunteers would give, and the ranks of those given (None without a model of them)."""


@dataclass(frozen=True, slots=True)
class _Median:
    label_deg: FloatArray

    def expected(self, held_out: VoteTable) -> tuple[FloatArray, FloatArray | None]:
        return self.label_deg[held_out.galaxy], None


@dataclass(frozen=True, slots=True)
class _Linear:
    fit: LinearFit

    @property
    def label_deg(self) -> FloatArray:
        return self.fit.inclination_deg

    def expected(self, held_out: VoteTable) -> tuple[FloatArray, FloatArray | None]:
        return self.fit.expected_deg(held_out.volunteer, held_out.galaxy), None


@dataclass(frozen=True, slots=True)
class _Robust:
    fit: RobustFit
    table: VoteTable

    @property
    def label_deg(self) -> FloatArray:
        return np.where(self.fit.vote_count > 0, self.fit.inclination_deg, np.nan)

    def expected(self, held_out: VoteTable) -> tuple[FloatArray, FloatArray | None]:
        crowd, volunteers = self.fit.crowd, self.fit.volunteers
        galaxies, place = np.unique(held_out.galaxy, return_inverse=True)
        seen = self.table.pick(np.isin(self.table.galaxy, galaxies))
        asked = VoteTable(
            np.searchsorted(galaxies, seen.galaxy),
            seen.volunteer,
            seen.verdict,
            seen.inclination_deg,
            galaxies.size,
            seen.volunteer_count,
        )
        posteriors = galaxy_posteriors(asked, crowd, volunteers)
        return expected_votes(place, held_out.volunteer, held_out.inclination_deg, posteriors, crowd, volunteers)


def compared(priors: Priors) -> dict[str, Callable[[VoteTable], Fitted]]:
    """The estimators by name, the robust one with these priors."""
    return {
        "median": lambda table: _Median(medians(table)),
        "linear": lambda table: _Linear(linear_fit(table)),
        "robust": lambda table: _Robust(robust_fit(table, priors=priors), table),
    }


@dataclass(frozen=True, slots=True)
class Measured:
    """A root mean square in degrees with its 95 % interval, from resampled galaxies."""

    rms_deg: float
    low_deg: float
    high_deg: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """Of each estimator: RMS over the pairs, and its difference to the median's RMS over the same pairs."""

    pairs: int
    galaxies: int
    rms: dict[str, Measured]
    minus_median: dict[str, Measured]
    coverage: dict[str, float]


def held_out_comparison(
    table: VoteTable, *, folds: int, seed: int, priors: Priors = PRIORS, on_progress: OnProgress | None = None
) -> Comparison:
    """Predict each vote from the votes of the other folds.

    All estimators are asked for the same votes: the accepted ones whose galaxy keeps at least one accepted vote of
    another volunteer. Each says what *this* volunteer is expected to give (user-aware): the median its value, the
    linear adjustment its value with the volunteer's line undone, the robust one the mean of its prediction.

    Parameters
    ----------
    table : VoteTable
        One vote for each volunteer and galaxy.
    folds : int
    seed : int
        Of the assignment to folds and of the resampling.
    """
    fold = np.random.default_rng([seed, 1]).permutation(len(table)) % folds
    galaxy: list[IntArray] = []
    estimators = compared(priors)
    errors: dict[str, list[FloatArray]] = {name: [] for name in estimators}
    ranks: list[FloatArray] = []
    for number in range(folds):
        seen = table.pick(fold != number)
        has_value = np.bincount(seen.galaxy[seen.is_accepted], minlength=table.galaxy_count) > 0
        held_out = table.pick((fold == number) & table.is_accepted & has_value[table.galaxy])
        galaxy.append(held_out.galaxy)
        for name, fit in estimators.items():
            expected, rank = fit(seen).expected(held_out)
            errors[name].append(expected - held_out.inclination_deg)
            if rank is not None:
                ranks.append(rank)
        if on_progress:
            on_progress(number + 1, folds)
    found = {name: np.concatenate(parts) for name, parts in errors.items()}
    return _comparison(np.concatenate(galaxy), found, seed, np.concatenate(ranks))


def split_half_comparison(
    table: VoteTable, *, seed: int, splits: int = SPLITS, priors: Priors = PRIORS, on_progress: OnProgress | None = None
) -> Comparison:
    """Fit two random halves of each galaxy's votes apart and compare the labels; repeated ``splits`` times.

    Galaxies with an accepted vote in both halves are compared. An estimator that shrinks its labels looks better here
    than it is; held-out votes can't be fooled so.
    """
    galaxy: list[IntArray] = []
    estimators = compared(priors)
    errors: dict[str, list[FloatArray]] = {name: [] for name in estimators}
    for number, half in enumerate(_halves(table, seed, splits)):
        parts = (table.pick(half), table.pick(~half))
        accepted = [np.bincount(part.galaxy[part.is_accepted], minlength=table.galaxy_count) > 0 for part in parts]
        both = np.flatnonzero(accepted[0] & accepted[1])
        galaxy.append(both)
        for name, fit in estimators.items():
            first, second = (fit(part).label_deg[both] for part in parts)
            errors[name].append(first - second)
        if on_progress:
            on_progress(number + 1, splits)
    found = {name: np.concatenate(pieces) for name, pieces in errors.items()}
    return _comparison(np.concatenate(galaxy), found, seed, None)


def _halves(table: VoteTable, seed: int, splits: int) -> Iterator[np.ndarray[tuple[int], np.dtype[np.bool_]]]:
    """Masks that take each galaxy's votes alternately, in random order, beginning at random."""
    rng = np.random.default_rng([seed, 2])
    for _split in range(splits):
        order = np.lexsort((rng.random(len(table)), table.galaxy))
        coin = rng.integers(0, 2, table.galaxy_count)
        count = np.bincount(table.galaxy, minlength=table.galaxy_count)
        rank = np.arange(len(table)) - np.repeat(np.cumsum(count) - count, count)
        half = np.empty(len(table), dtype=bool)
        half[order] = (rank + coin[table.galaxy[order]]) % 2 == 0
        yield half


def _comparison(galaxy: IntArray, errors: Mapping[str, FloatArray], seed: int, ranks: FloatArray | None) -> Comparison:
    groups, place = np.unique(galaxy, return_inverse=True)
    count = np.bincount(place, minlength=groups.size)
    squares = {name: np.bincount(place, error**2, groups.size) for name, error in errors.items()}
    rms = {name: float(np.sqrt(np.mean(error**2))) if error.size else 0.0 for name, error in errors.items()}
    resampled: dict[str, list[float]] = {name: [] for name in errors}
    rng = np.random.default_rng([seed, 3])
    for _number in range(RESAMPLES if groups.size else 0):
        drawn = np.bincount(rng.integers(0, groups.size, groups.size), minlength=groups.size)
        votes = drawn @ count
        for name, square in squares.items():
            resampled[name].append(float(np.sqrt(drawn @ square / votes)))
    base = np.asarray(resampled["median"])
    coverage = {}
    if ranks is not None and ranks.size:
        coverage = {name: float(np.mean(np.abs(ranks - 0.5) <= share / 2)) for name, share in CENTRAL.items()}
    return Comparison(
        pairs=int(galaxy.size),
        galaxies=int(groups.size),
        rms={name: _measured(value, np.asarray(resampled[name])) for name, value in rms.items()},
        minus_median={
            name: _measured(value - rms["median"], np.asarray(resampled[name]) - base)
            for name, value in rms.items()
            if name != "median"
        },
        coverage=coverage,
    )


def _measured(value: float, resampled: FloatArray) -> Measured:
    if not resampled.size:
        return Measured(value, value, value)
    low, high = np.percentile(resampled, [2.5, 97.5])
    return Measured(value, float(low), float(high))
