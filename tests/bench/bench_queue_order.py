"""Does the network's order of the queue help? Error against votes, in random order and in the network's.

``python -m tests.bench.bench_queue_order LABELSET`` takes a label set of synthetic galaxies (`manage.py synthesize`).
People are simulated (three votes each, with the measured scatter). The "network" is a small stand-in that learns in a
second: Gaussian processes on principal components of small pictures, one on all labels and eight on resamples of them;
its errors are its own. After each round it learns from all labels so far and looks at the open galaxies again.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterator
from pathlib import Path

# One core: the machine may be shared; it must be set before numpy is imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

from giz.labelset import LabelSet
from labeling.aggregation.robust_model import measured_scatter_deg
from labeling.aggregation.usefulness import NetworkEstimates, levels, usefulness
from labeling.aggregation.vote_table import FloatArray, IntArray

PEOPLE = 3
COMPONENTS = 40
SIDE = 16
MEMBERS = 8
FIRST, ROUND = 100, 100

Order = Callable[[NetworkEstimates, np.random.Generator], IntArray]


def random_order(answers: NetworkEstimates, rng: np.random.Generator) -> IntArray:
    return rng.permutation(answers.sigma_deg.size)


def network_order(answers: NetworkEstimates, rng: np.random.Generator) -> IntArray:
    """By level, at random within one: as the queue is served."""
    lots = rng.random(answers.sigma_deg.size)
    return np.lexsort((rng.random(lots.size), levels(usefulness(answers, people=PEOPLE), lots.tolist())))


def greedy_order(answers: NetworkEstimates, _rng: np.random.Generator) -> IntArray:
    """Strictly the most useful first, none by chance."""
    return np.argsort(-usefulness(answers, people=PEOPLE))


ORDERS: dict[str, Order] = {"need only": random_order, "network": network_order, "greedy": greedy_order}


def features(labelset: LabelSet, most: int) -> tuple[FloatArray, FloatArray]:
    """Principal components of accepted galaxies' colour pictures, and their true inclinations in degrees."""
    inclination_deg = labelset.column("inclination_deg").astype(float)
    rows = np.flatnonzero(np.isfinite(inclination_deg) & (inclination_deg >= 45) & labelset.has_image("gri"))[:most]
    grey = np.empty((rows.size, SIDE * SIDE))
    for place, row in enumerate(rows.tolist()):
        picture = np.asarray(labelset.image(row, "gri"), dtype=float).mean(axis=-1)
        block = picture.shape[0] // SIDE
        small = picture[: block * SIDE, : block * SIDE].reshape(SIDE, block, SIDE, block).mean(axis=(1, 3))
        grey[place] = np.sqrt(small).ravel()
    grey -= grey.mean(axis=1, keepdims=True)
    grey /= grey.std(axis=1, keepdims=True) + 1e-9
    _, _, axes = np.linalg.svd(grey - grey.mean(axis=0), full_matrices=False)
    found = (grey - grey.mean(axis=0)) @ axes[:COMPONENTS].T
    return np.asarray(found / found[:, 0].std()), inclination_deg[rows]


def distances(a: FloatArray, b: FloatArray) -> FloatArray:
    """Squared distances between rows."""
    return np.asarray(np.maximum((a**2).sum(1)[:, None] + (b**2).sum(1)[None] - 2 * a @ b.T, 0))


class StandIn:
    """A Gaussian process with an RBF kernel; its width follows from the distances, its noise from what is left out."""

    def __init__(self, x: FloatArray, y: FloatArray, rng: np.random.Generator) -> None:
        self._x, self._mean = x, float(y.mean())
        distance = distances(x, x)
        self._width = float(np.median(distance))
        self._scale = float(y.var())
        self._kernel = np.exp(-distance / self._width)
        best: tuple[float, float] = (np.inf, 0.1)
        for noise in (0.02, 0.05, 0.1, 0.2, 0.4):
            inverse = np.linalg.inv(self._kernel + noise * np.eye(y.size))
            left_out = (inverse @ (y - self._mean)) / np.diag(inverse)
            best = min(best, (float(np.mean(left_out**2)), noise))
        self._left_out_var, noise = best
        self._inverse = np.linalg.inv(self._kernel + noise * np.eye(y.size))
        self._weights = self._inverse @ (y - self._mean)
        inside = 1 - ((self._kernel @ self._inverse) * self._kernel).sum(1)
        self._stretch = self._left_out_var / float(np.mean(inside + noise))
        self._noise = noise
        self._members = [self._resampled(y, rng) for _ in range(MEMBERS)]

    def _resampled(self, y: FloatArray, rng: np.random.Generator) -> tuple[IntArray, FloatArray]:
        chosen = np.unique(rng.integers(0, y.size, y.size))
        kernel = self._kernel[np.ix_(chosen, chosen)] + self._noise * np.eye(chosen.size)
        return chosen, np.asarray(np.linalg.solve(kernel, y[chosen] - self._mean), dtype=np.float64)

    def answers(self, x: FloatArray) -> NetworkEstimates:
        kernel = np.exp(-distances(x, self._x) / self._width)
        left = 1 - ((kernel @ self._inverse) * kernel).sum(1) + self._noise
        members = np.stack([kernel[:, chosen] @ weights for chosen, weights in self._members])
        return NetworkEstimates(
            np.clip(self._mean + kernel @ self._weights, 45, 90),
            np.sqrt(np.maximum(left * self._stretch, 0.01)),
            np.full(len(x), 0.02),
            members.std(axis=0),
        )


def trial(
    x: FloatArray, truth_deg: FloatArray, order: Order, *, held_out: int, rounds: int, seed: int
) -> Iterator[tuple[int, float, float]]:
    """Yield votes, RMS of the network on galaxies held out, RMS of the catalogue (label, else the network's answer)."""
    rng = np.random.default_rng(seed)
    places = rng.permutation(truth_deg.size)
    test, pool = places[:held_out], places[held_out:]
    scatter = measured_scatter_deg(truth_deg[pool]) / PEOPLE**0.5
    label = np.clip(truth_deg[pool] + rng.normal(0, 1, pool.size) * scatter, 45, 90)
    is_judged = np.zeros(pool.size, dtype=bool)
    is_judged[rng.permutation(pool.size)[:FIRST]] = True
    order_rng = np.random.default_rng([seed, 1])
    for _ in range(rounds):
        network = StandIn(x[pool[is_judged]], label[is_judged], order_rng)
        open_ones = np.flatnonzero(~is_judged)
        said = network.answers(x[pool[open_ones]])
        error = label - truth_deg[pool]
        error[open_ones] = said.inclination_deg - truth_deg[pool[open_ones]]
        miss = network.answers(x[test]).inclination_deg - truth_deg[test]
        yield PEOPLE * int(is_judged.sum()), float(np.sqrt(np.mean(miss**2))), float(np.sqrt(np.mean(error**2)))
        is_judged[open_ones[order(said, order_rng)[:ROUND]]] = True


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("labelset", type=Path, help="of synthetic galaxies, with pictures")
    parser.add_argument("--galaxies", type=int, default=2400, help="at most (default: 2400)")
    parser.add_argument("--held-out", type=int, default=600, help="galaxies that measure the network (default: 600)")
    parser.add_argument("--rounds", type=int, default=8, help="of 100 galaxies each (default: 8)")
    parser.add_argument("--seeds", type=int, default=5, help="crowds and samples (default: 5)")
    options = parser.parse_args()
    x, truth_deg = features(LabelSet.open(options.labelset), options.galaxies)
    print(f"{truth_deg.size:,} galaxies, {options.held_out} of them held out; mean ± error of {options.seeds} seeds")
    found = {
        name: np.array(
            [
                list(trial(x, truth_deg, order, held_out=options.held_out, rounds=options.rounds, seed=seed))
                for seed in range(options.seeds)
            ]
        )
        for name, order in ORDERS.items()
    }
    for column, title in ((1, "RMS of the network, held out, °"), (2, "RMS of the catalogue, °")):
        print(f"\n{title}\n{'votes':>8}" + "".join(f"{name:>18}" for name in found))
        for number in range(options.rounds):
            cells = [runs[:, number, column] for runs in found.values()]
            error = (options.seeds) ** 0.5
            shown = "".join(f"{f'{cell.mean():.2f} ± {cell.std() / error:.2f}':>18}" for cell in cells)
            print(f"{found['need only'][0, number, 0]:8,.0f}{shown}")


if __name__ == "__main__":
    main()
