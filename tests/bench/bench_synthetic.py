"""CPU seconds a synthetic galaxy takes: three bands and the four pictures. ``python -m tests.bench.bench_synthetic``

And how many a second ``manage.py synthesize`` writes, with files and everything that it does before and after.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from giz.synthetic import GALAXY_TYPES, display_images, make_galaxy

INCLINATIONS_DEG = (0.0, 45.0, 60.0, 75.0, 90.0)
TARGET_256_S = 0.08
SYNTHESIZED_PX, TARGET_PER_S = 128, 30


def measure(size_px: int, seeds: int) -> dict[float, float]:
    """Mean CPU seconds a galaxy at each inclination."""
    seconds = {}
    for tilt in INCLINATIONS_DEG:
        start = time.process_time()
        for seed in range(seeds):
            for name in GALAXY_TYPES:
                display_images(make_galaxy(name, tilt, seed, size_px=size_px))
        seconds[tilt] = (time.process_time() - start) / (seeds * len(GALAXY_TYPES))
    return seconds


def synthesized_per_s(galaxies: int, workers: int) -> float:
    """Galaxies a second of the command, its start and its last lines included."""
    with tempfile.TemporaryDirectory(prefix="giz-synth-") as folder:
        numbers = ("--n", str(galaxies), "--size", str(SYNTHESIZED_PX), "--workers", str(workers))
        command = [sys.executable, "manage.py", "synthesize", *numbers, "--out", str(Path(folder) / "set")]
        start = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=os.environ | {"GIZ_HOME": folder})
        return galaxies / (time.perf_counter() - start)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.bench_synthetic", description=__doc__)
    parser.add_argument("--seeds", type=int, default=4, help="galaxies of each type and inclination (default 4)")
    parser.add_argument("--sizes", type=int, nargs="+", default=[128, 256, 512], help="sizes in pixels")
    parser.add_argument("--n", type=int, default=1_024, help="galaxies of the label set (default 1024)")
    parser.add_argument("--workers", type=int, default=2, help="processes that make it (default 2)")
    options = parser.parse_args()
    display_images(make_galaxy("Sbc", 60.0, 0, size_px=128))
    print("CPU seconds a galaxy (make + display, one thread)")
    print("size px    mean   " + "  ".join(f"i={tilt:<4g}" for tilt in INCLINATIONS_DEG))
    for size_px in options.sizes:
        seconds = measure(size_px, options.seeds)
        mean = sum(seconds.values()) / len(seconds)
        row = "  ".join(f"{value:.3f} " for value in seconds.values())
        note = f"   (target at most {TARGET_256_S} s)" if size_px == 256 else ""
        print(f"{size_px:7d}   {mean:.3f}   {row}{note}")
    rate = synthesized_per_s(options.n, options.workers)
    print(f"manage.py synthesize, {options.n} galaxies at {SYNTHESIZED_PX} px, {options.workers} workers, with files:")
    print(f"  {rate:.0f} galaxies/s (target on two cores at least {TARGET_PER_S})")


if __name__ == "__main__":
    main()
