"""Labels of a simulated crowd against the truth, and what adapting saves. ``python -m tests.bench.bench_crowd``"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

from labeling.aggregation.retirement import adaptive, fixed
from tests.labeling.simulation.rounds import Score, play, sky


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.bench_crowd", description=__doc__)
    parser.add_argument("--galaxies", type=int, default=5000, help="of the demo sky (default 5,000)")
    parser.add_argument("--people", type=int, default=200, help="volunteers (default 200)")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3], help="skies and crowds (default 1 2 3)")
    options = parser.parse_args()
    for seed in options.seeds:
        print(f"seed {seed}: {options.galaxies} synthetic galaxies, {options.people} simulated volunteers", flush=True)
        seen = sky(options.galaxies, options.people, seed)
        _tell("fixed, 3 votes", play(seen, fixed, overlap=3, start=3))
        four = play(seen, fixed, overlap=4, start=4)
        _tell("fixed, 4 votes", four)
        adapted = play(seen, adaptive, overlap=3, start=2)
        _tell("adaptive", adapted)
        saved, ratio = 1 - adapted.votes_a_galaxy / four.votes_a_galaxy, adapted.robust.rms_deg / four.robust.rms_deg
        print(f"  adaptive: {saved:.1%} fewer votes than fixed with 4, at {ratio:.3f} of its RMS (target 20 % at 1)")


def _tell(name: str, score: Score) -> None:
    robust = score.robust
    print(
        f"  {name:14} {score.votes_a_galaxy:.2f} votes a galaxy; RMS median {score.median.rms_deg:.2f}°, robust "
        f"{robust.rms_deg:.2f}°; robust covers {robust.within_1_sigma:.1%} (65–71 %), {robust.within_2_sigma:.1%} "
        f"(93–97 %); {robust.count} galaxies accepted",
        flush=True,
    )


if __name__ == "__main__":
    main()
