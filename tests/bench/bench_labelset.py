"""Label sets: a million labels as tables (time, memory, same bytes), reading at random, synthetic galaxies a second.

``python -m tests.bench.bench_labelset``. Each table is written in a process of its own, so that its memory is its own.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from giz.labelset import Column, LabelSet, LabelSetSpec, LabelSetWriter
from giz.labelset.tables import TABLE_FORMATS, write_table
from giz.synthetic.workers import render_population

TARGET_S, TARGET_RSS_MB, TARGET_RATE = 60.0, 100.0, 30.0
COLUMNS = (
    Column("pgc", "int64", "number", nullable=False),
    Column("inc", "int64", "whole degrees", unit="deg"),
    Column("inc_e", "int64", "standard error", unit="deg"),
    Column("inc_flg", "int64", "1 where not accepted"),
    Column("inc_n", "int64", "volunteers"),
    Column("inc_note", "string", "reasons and remarks"),
    Column("inclination_deg", "float64", "exact", unit="deg"),
    Column("sigma_deg", "float64", "standard error", unit="deg"),
    Column("verdict", "string", "A, F, J or split"),
    Column("status", "string", "open, retired, expert"),
)


def simulated_rows(count: int) -> Iterator[tuple[Any, ...]]:
    """Published rows as a campaign of `count` galaxies would have them."""
    rng = np.random.default_rng(1)
    for start in range(0, count, 10_000):
        size = min(10_000, count - start)
        angles, draws = rng.uniform(45, 90, size).tolist(), rng.random(size).tolist()
        for offset, (angle, draw) in enumerate(zip(angles, draws, strict=True)):
            pgc = start + offset + 1
            if draw < 0.2:
                yield pgc, None, None, 1, 3, "[bad_TF] [disturbed] two galaxies?", None, None, "J", "retired"
            else:
                yield pgc, round(angle), 2, 0, 4, "", angle, 1.0 + draw, "A", "retired"


def resident_mb(process: int | str = "self") -> float:
    """The most resident memory that a process has had; 0 once it has ended."""
    status = Path(f"/proc/{process}/status")
    if not Path("/proc/self/status").exists():
        raise SystemExit("This bench reads /proc, which this system does not have.")
    try:
        lines = status.read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")), 0.0)


def measure_table(format_name: str, count: int) -> None:
    """Write one table and print its figures as JSON (in a process of its own)."""
    before = resident_mb()
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        made = write_table(format_name, COLUMNS, simulated_rows(count), Path(folder) / "labels")
        seconds = time.perf_counter() - start
    sys.stdout.write(
        json.dumps({"s": seconds, "rss_mb": resident_mb() - before, "mb": made.bytes / 1e6, "sha256": made.sha256})
    )


def tables(count: int) -> None:
    print(f"{count:,} labels, twice each; highest memory above that before the export")
    print("format       s    memory MB   file MB   same bytes")
    for format_name in TABLE_FORMATS:
        command = [sys.executable, "-m", "tests.bench.bench_labelset", "--one", format_name, "--labels", str(count)]
        runs = [json.loads(subprocess.run(command, capture_output=True, check=True).stdout) for _ in range(2)]
        worst_s, worst_mb = (max(run[key] for run in runs) for key in ("s", "rss_mb"))
        same = "yes" if runs[0]["sha256"] == runs[1]["sha256"] else "NO"
        print(f"{format_name:8s} {worst_s:6.1f} {worst_mb:10.0f} {runs[0]['mb']:10.1f}   {same}")
    print(f"(targets for parquet and csv: {TARGET_S:.0f} s, {TARGET_RSS_MB:.0f} MB)")


def reading(galaxies: int, size_px: int) -> None:
    """Pictures a second by random access, from a set of noise."""
    spec = LabelSetSpec("bench", "Bench", "Noise.", "bench", size_px=size_px, bands=("gri",))
    picture = np.random.default_rng(1).integers(0, 256, (size_px, size_px, 3), np.uint8)
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        with LabelSetWriter(Path(folder) / "set", spec) as writer:
            for pgc in range(galaxies):
                writer.add({"pgc": pgc, "inclination_deg": 60.0, "verdict": "A"}, {"gri": picture})
            writer.finish()
        print(f"\nwriting: {galaxies / (time.perf_counter() - start):,.0f} colour pictures of {size_px} px a second")
        labelset = LabelSet.open(Path(folder) / "set")
        rows = np.random.default_rng(2).permutation(galaxies)
        start = time.perf_counter()
        for batch in np.array_split(rows, max(galaxies // 64, 1)):
            labelset.images(batch, "gri")
        print(f"reading at random, in batches of 64: {galaxies / (time.perf_counter() - start):,.0f} a second")


def rendering(galaxies: int, size_px: int, workers: int) -> None:
    made = render_population(1, 0, galaxies + 16, size_px=size_px, workers=workers)
    for _ in range(16):
        next(made)
    start = time.perf_counter()
    for _ in made:
        pass
    rate = galaxies / (time.perf_counter() - start)
    print(f"\nsynthetic galaxies of {size_px} px, all bands, {workers} workers: {rate:.0f} a second", end="")
    print(f"   (target at least {TARGET_RATE:.0f} on two quiet cores)")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.bench_labelset", description=__doc__)
    parser.add_argument("--labels", type=int, default=1_000_000, help="labels a table (default 1,000,000)")
    parser.add_argument("--galaxies", type=int, default=4_000, help="pictures to write and read (default 4,000)")
    parser.add_argument("--render", type=int, default=400, help="synthetic galaxies to make (default 400)")
    parser.add_argument("--size", type=int, default=128, help="size of the pictures in pixels (default 128)")
    parser.add_argument("--workers", type=int, default=2, help="processes that render (default 2)")
    parser.add_argument("--one", choices=list(TABLE_FORMATS), help="only this table, figures as JSON")
    options = parser.parse_args()
    if options.one:
        measure_table(options.one, options.labels)
        return
    tables(options.labels)
    reading(options.galaxies, options.size)
    rendering(options.render, options.size, options.workers)


if __name__ == "__main__":
    main()
