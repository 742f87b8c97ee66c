"""May this network take the place of the served one? Only if it is better on the same galaxies outside the noise. Pure.

Both are asked about the same pictures of the same test galaxies. Galaxies are then drawn anew with repetition, 2,000
times (a paired bootstrap: Efron & Tibshirani 1993, chapter 8): all pictures of one galaxy together, for both networks.
The new one passes where 95 % of the differences, less the same share above as below, lie on its side of zero, and what
else it says is not worse by the same measure. Where nothing is served, a constant guess is the served one, and must be
beaten by a tenth, too.
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
# Fewer test galaxies than this tell nothing about a difference of a tenth of a degree.
LEAST_GALAXIES = 50
REJECTION_THRESHOLD = 0.5
CONSTANT = "a constant guess"
# The first network must be better than a guess by this share, too: one that has not learned yet can lie a little, and
# outside the noise, below a guess by chance.
LEAST_GAIN_ON_A_GUESS = 0.1

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Errors:
    """What one network got wrong, picture by picture; NaN where it was not asked or does not say.

    error_deg : (n,) answer minus truth of the inclination. is_wrong : (n,) 0 or 1, of the verdict.
    """

    error_deg: Floats
    is_wrong: Floats


@dataclass(frozen=True, slots=True)
class Difference:
    """New minus served, in `unit`; less is better. low, high : of the middle 95 % of the draws."""

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
    """Whether it passed, why in one sentence, and the figures. rival : the served version's checksum, or CONSTANT."""

    passed: bool
    why: str
    rival: str = ""
    differences: tuple[Difference, ...] = ()

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def judge(new: Errors, served: Errors, galaxies: npt.ArrayLike, *, rival: str) -> Gate:
    """Compare two networks on the same pictures.

    Parameters
    ----------
    galaxies : (n,) which galaxy each picture shows.
    rival : what the other one is called.
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
    """Compare means over pictures where both say something: of squares, then their root; or of shares, in percent."""
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
