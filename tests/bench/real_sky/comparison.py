"""Real and synthetic pictures side by side: do their measurements agree, inclination by inclination?"""

from __future__ import annotations

import random
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import numpy.typing as npt

from giz.synthetic.population import draw_member, render_member
from tests.bench.real_sky.looks import Floats, Look, Pixels, columns, measure_look

# Of the tilt itself the difference to the inclination is shown: that is what a network may be misled by.
RANGES_DEG = ((45.0, 60.0), (60.0, 70.0), (70.0, 80.0), (80.0, 90.1))
PERCENTILES = (10, 25, 50, 75, 90)


def synthetic_pictures(count: int, seed: int, size_px: int, workers: int, rule: str) -> tuple[list[Pixels], Floats]:
    """Colour pictures (S, S, 3) of `count` members to be measured, turned by any angle, and their inclinations."""
    numbers = []
    number = 0
    while len(numbers) < count:
        member = draw_member(seed, number, rule=rule)
        if not member.reject_reason and member.missing_band != "gri":
            numbers.append(number)
        number += 1
    with ProcessPoolExecutor(workers) as pool:
        made = list(pool.map(_picture, [(seed, number, size_px, rule) for number in numbers], chunksize=8))
    return [picture for picture, _ in made], np.array([tilt for _, tilt in made])


def _picture(what: tuple[int, int, int, str]) -> tuple[Pixels, float]:
    seed, number, size_px, rule = what
    made = render_member(seed, number, size_px, rule=rule)
    # Real pictures come north up or level: quarter turns are enough for what is measured here.
    picture = np.rot90(made.pictures["gri"], random.Random(number).randrange(4))
    return np.ascontiguousarray(picture), float(made.inclination_deg or 0.0)


def looks_of(pictures: list[Pixels] | Pixels, workers: int) -> list[Look]:
    with ProcessPoolExecutor(workers) as pool:
        return list(pool.map(measure_look, list(pictures), chunksize=32))


def comparison_lines(real: list[Look], real_deg: Floats, synthetic: list[Look], synthetic_deg: Floats) -> Iterator[str]:
    """Medians and spreads of each measurement in four ranges of inclination, and how many sigmas the medians differ."""
    mine, theirs = columns(real), columns(synthetic)
    yield f"{'':24} {'real':^34}   {'synthetic':^34}   medians"
    yield f"{'':24} {''.join(f'{p:>6}%' for p in PERCENTILES)}   {''.join(f'{p:>6}%' for p in PERCENTILES)}   differ by"
    for name in mine:
        for low, high in RANGES_DEG:
            one = _chosen(mine[name], real_deg, low, high, name)
            other = _chosen(theirs[name], synthetic_deg, low, high, name)
            if one.size < 8 or other.size < 8:
                continue
            difference = float(np.median(one) - np.median(other))
            sigmas = difference / max(np.hypot(_median_error(one), _median_error(other)), 1e-9)
            title = f"{name} – i" if name.startswith("tilt") else name
            yield (
                f"{title:16} {low:2.0f}–{min(high, 90):2.0f}°  {_percentiles(one)}   {_percentiles(other)}   "
                f"{difference:+7.2f} ({sigmas:+.1f} σ)  n {one.size}, {other.size}"
            )


def _chosen(values: Floats, deg: Floats, low: float, high: float, name: str) -> Floats:
    inside = (deg >= low) & (deg < high) & np.isfinite(values)
    return values[inside] - deg[inside] if name.startswith("tilt") else values[inside]


def _median_error(values: npt.NDArray[np.float64]) -> float:
    return float(1.2533 * values.std() / np.sqrt(values.size))


def _percentiles(values: Floats) -> str:
    return "".join(f"{value:7.2f}" for value in np.percentile(values, PERCENTILES))
