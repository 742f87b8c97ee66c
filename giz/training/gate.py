"""The gate: a network replaces the one in service only if it is significantly better on the same galaxies. Pure.

Both are asked about the same pictures of the same test galaxies. Galaxies are then resampled with replacement, 2,000
times (a paired bootstrap: Efron & Tibshirani 1993, chapter 8), all pictures of a galaxy together, for both networks.
The new one passes if the central 95 % of the differences lie on its side of zero, and its other answers are not worse
by the same measure. If no network is in service, it is compared with a constant guess, and must be better by a tenth.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from giz.core.words import counted, signed

DRAWS = 2000
SEED = 20
LOW_PERCENT, HIGH_PERCENT = 2.5, 97.5
# Fewer test galaxies can't show a difference of a tenth of a degree.
LEAST_GALAXIES = 50
REJECTION_THRESHOLD = 0.5
CONSTANT = "a constant guess"
# The first network must also be better than a guess by this share: one that has hardly learned anything can be slightly
# but significantly better by chance.
LEAST_GAIN_ON_A_GUESS = 0.1

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class PictureErrors:
    """The errors of one network on n pictures; NaN where it was not asked or gives no answer.

    error_deg : (n,) answer minus truth of the inclination. is_wrong : (n,) 0 or 1, for the verdict.
    """

    error_deg: Floats
    is_wrong: Floats


@dataclass(frozen=True, slots=True)
class Difference:
    """New minus served, in `unit`; less is better. low, high : of the central 95 % of the draws."""

    quantity: str
    unit: str
    galaxies: int
    new: float
    served: float
    difference: float
    low: float
    high: float

    @property
    def is_better(self) -> bool:
        return self.high < 0

    @property
    def is_worse(self) -> bool:
        return self.low > 0

    @property
    def words(self) -> str:
        low, high, apart = (signed(value, 2) for value in (self.low, self.high, self.difference))
        return (
            f"{self.quantity} {self.new:.2f}{self.unit} against {self.served:.2f}{self.unit}, a difference of "
            f"{apart}{self.unit} (95\u00a0%: {low} to {high}{self.unit})"
        )


@dataclass(frozen=True, slots=True)
class Gate:
    """The result: whether it passed, why, and figures. rival : checksum of the version in service, or CONSTANT."""

    passed: bool
    why: str
    rival: str = ""
    differences: tuple[Difference, ...] = ()

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def judge(new: PictureErrors, served: PictureErrors, galaxies: npt.ArrayLike, *, rival: str) -> Gate:
    """Compare two networks on the same pictures.

    Parameters
    ----------
    galaxies : (n,) the galaxy of each picture.
    rival : the name of the other one.
    """
    numbers = np.unique(np.asarray(galaxies, np.int64), return_inverse=True)[1]
    found = [
        difference
        for difference in (
            _difference("RMS", "°", np.square(new.error_deg), np.square(served.error_deg), numbers),
            _difference("wrong verdicts", "\u00a0%", new.is_wrong, served.is_wrong, numbers),
        )
        if difference
    ]
    if not found:
        return Gate(False, "The two networks answer nothing in common, so they can't be compared.", rival)
    main, others = found[0], found[1:]
    gate = Gate(False, "", rival, tuple(found))
    count = counted(main.galaxies, "test galaxy", "test galaxies")
    where = f"on the same {count}"
    if main.galaxies < LEAST_GALAXIES:
        few = f"Only {count}: at least {LEAST_GALAXIES} are needed to tell which one is better."
        return replace(gate, why=few)
    name = CONSTANT if rival == CONSTANT else "the served one"
    if not main.is_better:
        verdict = "Worse than" if main.is_worse else "Not better than"
        noise = "" if main.is_worse else " outside the noise"
        return replace(gate, why=f"{verdict} {name}{noise}, {where}: {main.words}.")
    if rival == CONSTANT and main.new > (1.0 - LEAST_GAIN_ON_A_GUESS) * main.served:
        short = f"Better than {name} by less than {100 * LEAST_GAIN_ON_A_GUESS:.0f}\u00a0%, {where}: {main.words}."
        return replace(gate, why=short)
    worse = next((other for other in others if other.is_worse), None)
    if worse:
        return replace(gate, why=f"Better than {name} in one thing ({main.words}) but worse in another: {worse.words}.")
    also = "".join(f"; {other.words}" for other in others)
    return replace(gate, passed=True, why=f"Better than {name} {where}: {main.words}{also}.")


def _difference(quantity: str, unit: str, new: Floats, served: Floats, galaxies: Ints) -> Difference | None:
    """Compare means (n,) over pictures that both answer: roots of mean squares, or shares in percent."""
    known = np.isfinite(new) & np.isfinite(served)
    if not known.any():
        return None
    numbers = np.unique(galaxies[known], return_inverse=True)[1]
    count = int(numbers.max()) + 1
    sums = np.stack([np.bincount(numbers, weights, count) for weights in (None, new[known], served[known])])
    is_root = unit == "°"

    def value(total: Floats, pictures: Floats) -> Floats:
        return np.sqrt(total / pictures) if is_root else 100.0 * total / pictures

    rng = np.random.default_rng(SEED)
    drawn = np.stack([sums[:, rng.integers(count, size=count)].sum(axis=1) for _ in range(DRAWS)], axis=1)
    differences = value(drawn[1], drawn[0]) - value(drawn[2], drawn[0])
    low, high = np.percentile(differences, (LOW_PERCENT, HIGH_PERCENT))
    pictures, mine, theirs = sums.sum(axis=1)
    ours, rivals = float(value(mine, pictures)), float(value(theirs, pictures))
    return Difference(quantity, unit, count, ours, rivals, ours - rivals, float(low), float(high))
