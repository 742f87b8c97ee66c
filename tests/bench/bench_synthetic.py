"""CPU seconds a synthetic galaxy takes: three bands and the four pictures. ``python -m tests.bench.bench_synthetic``"""

from __future__ import annotations

import argparse
import time

from giz.synthetic import GALAXY_TYPES, display_images, make_galaxy

INCLINATIONS_DEG = (0.0, 45.0, 60.0, 75.0, 90.0)
TARGET_256_S = 0.08


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


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.bench_synthetic", description=__doc__)
    parser.add_argument("--seeds", type=int, default=4, help="galaxies of each type and inclination (default 4)")
    parser.add_argument("--sizes", type=int, nargs="+", default=[128, 256, 512], help="sizes in pixels")
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


if __name__ == "__main__":
    main()
