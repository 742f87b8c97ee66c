"""The least error by an exact axial ratio alone. ``python -m tests.bench.bench_axial_ratio_floor``

Disks are not round by themselves and not equally thick, so one axial ratio is seen at many tilts. The best answer is
the mean of the tilts that show it (for the absolute error: their median). The tilts and ellipticities are those of the
population that networks are trained and measured on; no picture is made, so there is no seeing, noise or star here.
"""

from __future__ import annotations

import argparse
import math

import numpy as np
import numpy.typing as npt

from giz.synthetic.parameters import draw_parameters
from giz.synthetic.population import POPULATION_RULE, draw_member

Floats = npt.NDArray[np.float64]
Q0, Q0_SCATTER = 0.2, 0.12
PER_CELL = 200


def axial_ratios(members: int, seed: int) -> tuple[Floats, Floats]:
    """Tilts in degrees and exact axial ratios (thick oblate disks, Hubble 1926) of the disks of a population."""
    rng = np.random.default_rng(seed)
    tilts, ratios = [], []
    for number in range(members):
        member = draw_member(seed, number)
        if member.inclination_deg is None:
            continue
        p = draw_parameters(member.galaxy_type, member.inclination_deg, member.seed)
        along = math.cos(2.0 * p.ellipticity_phase)
        thin = math.cos(math.radians(member.inclination_deg)) * (1.0 - p.ellipticity) ** along
        q0 = Q0 * math.exp(rng.normal(0.0, Q0_SCATTER))
        tilts.append(member.inclination_deg)
        ratios.append(math.sqrt(thin**2 * (1.0 - q0**2) + q0**2))
    return np.array(tilts), np.array(ratios)


def best_answers(tilts_deg: Floats, ratios: Floats) -> tuple[Floats, Floats]:
    """Mean and median of the tilts of galaxies that show about the same axial ratio, for each galaxy."""
    order = np.argsort(ratios)
    means, medians = np.empty_like(tilts_deg), np.empty_like(tilts_deg)
    for cell in np.array_split(order, max(tilts_deg.size // PER_CELL, 1)):
        means[cell], medians[cell] = tilts_deg[cell].mean(), np.median(tilts_deg[cell])
    return means, medians


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.bench_axial_ratio_floor", description=__doc__)
    parser.add_argument("--members", type=int, default=100_000, help="of the population, rejects too (default 100000)")
    parser.add_argument("--seed", type=int, default=5_000, help="of the population (default 5000)")
    options = parser.parse_args()
    tilts, ratios = axial_ratios(options.members, options.seed)
    means, medians = best_answers(tilts, ratios)
    squares, width = (means - tilts) ** 2, 5
    print(f"{POPULATION_RULE}, {tilts.size:,} disks, nothing known but their exact axial ratio:")
    print(f"  RMS at least {math.sqrt(squares.mean()):.2f}°, MAE at least {np.abs(medians - tilts).mean():.2f}°")
    bins = [(low, (tilts >= low) & (tilts < low + width)) for low in range(45, 90, width)]
    print("  RMS by 5°: " + ", ".join(f"{low}: {math.sqrt(squares[inside].mean()):.2f}°" for low, inside in bins))


if __name__ == "__main__":
    main()
