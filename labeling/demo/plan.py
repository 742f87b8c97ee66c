"""The galaxies of the demo sky: each is a function of the sky's seed and its own number.

Therefore a larger sky contains the smaller one, an interrupted run can be resumed, and neither a target's number nor
the order of making reveals anything about it.
"""

import random
from dataclasses import asdict, dataclass
from typing import Any

from giz.catalog.formats.numbers import FIRST_SYNTHETIC_PGC
from giz.synthetic import GALAXY_TYPES
from giz.synthetic.population import REASONS_OF_FOURTH
from standards import grid

FIRST_TARGET_PGC = FIRST_SYNTHETIC_PGC + 100_000
REJECT_SHARE = 0.2
DISTURBED_SHARE = 0.15
LOWEST_TARGET_DEG, HIGHEST_TARGET_DEG = 45.0, 90.0


@dataclass(frozen=True, slots=True)
class Recipe:
    """One galaxy to render; a reject draws its type and inclination from its own seed."""

    pgc: int
    name: str
    seed: int
    galaxy_type: str = ""
    inclination_deg: float | None = None
    reject_reason: str = ""
    disturbed: bool = False

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def standard_recipes(seed: int, per_bin: int) -> list[Recipe]:
    """Return ``per_bin`` standards for each bin of the grid: the first of every bin, then the second of every bin, …"""
    return [standard_recipe(seed, bin_deg, index) for index in range(per_bin) for bin_deg in grid.GRID_BINS]


def standard_recipe(seed: int, bin_deg: int, index: int) -> Recipe:
    """Return the ``index``-th standard of a bin, at exactly its inclination; standards of one bin differ in type."""
    types = sorted(GALAXY_TYPES, key=lambda name: random.Random(f"{seed}|type|{bin_deg}|{name}").random())
    number = index * len(grid.GRID_BINS) + bin_deg - grid.GRID_BINS[0]
    return Recipe(
        pgc=FIRST_SYNTHETIC_PGC + number,
        name=f"Demo standard {number + 1}",
        seed=random.Random(f"{seed}|standard|{bin_deg}|{index}").getrandbits(40),
        galaxy_type=types[index % len(types)],
        inclination_deg=float(bin_deg),
    )


def target_recipes(seed: int, count: int) -> list[Recipe]:
    return [target_recipe(seed, number) for number in range(count)]


def target_recipe(seed: int, number: int) -> Recipe:
    """Return the ``number``-th target: one in five should be rejected, the others have uniform inclinations."""
    rng = random.Random(f"{seed}|target|{number}")
    pgc, name, own_seed = FIRST_TARGET_PGC + number, f"Demo {number + 1}", rng.getrandbits(40)
    if rng.random() < REJECT_SHARE:
        return Recipe(pgc, name, own_seed, reject_reason=rng.choice(REASONS_OF_FOURTH))
    return Recipe(
        pgc,
        name,
        own_seed,
        galaxy_type=rng.choice(GALAXY_TYPES),
        inclination_deg=round(rng.uniform(LOWEST_TARGET_DEG, HIGHEST_TARGET_DEG), 2),
        disturbed=rng.random() < DISTURBED_SHARE,
    )
