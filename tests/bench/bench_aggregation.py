"""Seconds and memory of a robust fit, and of one galaxy after a vote. ``python -m tests.bench.bench_aggregation``"""

from __future__ import annotations

import argparse
import os

# One core, as the target says; it must be set before numpy is imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import platform
import resource
import time

import numpy as np

from labeling.aggregation.robust import galaxy_update, robust_fit
from labeling.aggregation.vote_table import VoteTable
from tests.labeling.aggregation.crowd import simulated_inclinations_deg, simulated_volunteers, simulated_votes

TARGET_FIT_S = 60
TARGET_RSS_GB = 1.5
TARGET_UPDATE_MS = 5


def votes_of(votes: int, galaxies: int, people: int, seed: int) -> VoteTable:
    """Random pairs without repeats; few people vote much, most a little."""
    rng = np.random.default_rng(seed)
    eagerness = rng.pareto(1.2, people) + 0.2
    pairs = np.zeros(0, dtype=np.int64)
    while pairs.size < votes:
        person = rng.choice(people, votes, p=eagerness / eagerness.sum())
        pairs = np.unique(np.concatenate([pairs, rng.integers(0, galaxies, votes) * people + person]))
    pairs = np.sort(rng.choice(pairs, votes, replace=False))
    truth_deg = simulated_inclinations_deg(galaxies, rng)
    return simulated_votes(pairs // people, pairs % people, truth_deg, simulated_volunteers(people, rng), rng)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.bench_aggregation", description=__doc__)
    parser.add_argument("--votes", type=int, default=1_000_000, help="votes (default 1,000,000)")
    parser.add_argument("--galaxies", type=int, default=300_000, help="galaxies (default 300,000)")
    parser.add_argument("--people", type=int, default=20_000, help="volunteers (default 20,000)")
    parser.add_argument("--seed", type=int, default=0, help="of the simulated crowd")
    options = parser.parse_args()
    votes = votes_of(options.votes, options.galaxies, options.people, options.seed)
    print(f"{platform.processor() or platform.machine()}, numpy {np.__version__}, one thread")

    cpu, wall = time.process_time(), time.perf_counter()
    fit = robust_fit(votes)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    rss_gb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"full fit of {len(votes)} votes: {cpu:.1f} s CPU, {wall:.1f} s wall (target at most {TARGET_FIT_S} s)")
    print(f"  {fit.iterations} iterations after the sample's, converged: {fit.is_converged}")
    print(f"  largest memory {rss_gb:.2f} GB (target at most {TARGET_RSS_GB} GB)")

    one = votes.pick(votes.galaxy == np.bincount(votes.galaxy).argmax())
    one = VoteTable(
        np.zeros(len(one), dtype=np.int64), one.volunteer, one.verdict, one.inclination_deg, 1, options.people
    )
    start = time.process_time()
    for _turn in range(200):
        galaxy_update(one, fit.crowd, fit.volunteers)
    ms = (time.process_time() - start) / 200 * 1000
    print(f"one galaxy of {len(one)} votes after a vote: {ms:.2f} ms CPU (target at most {TARGET_UPDATE_MS} ms)")


if __name__ == "__main__":
    main()
