"""The labelling cycle (next + vote) of a site as in ``manage.py up``. ``python -m tests.bench.bench_labelling``

Real granian, worker, beat, PostgreSQL (fsync on) and Valkey in a throw-away GIZ_HOME; the clients share the machine.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import tempfile
from pathlib import Path

from tests.bench.labelling.load import Figures, run_clients

TARGETS_NEXT_P95_MS, TARGETS_VOTE_P95_MS, TARGET_CYCLES = 100.0, 150.0, 100.0


def machine() -> str:
    """Cores that this process may use, processor, memory, system."""
    model = "unknown processor"
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line.split(":", 1)[1].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        model = names[0] if names else model
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    memory_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    load = os.getloadavg()[0]
    system = f"{platform.system()} {platform.release()}"
    return f"{cores} cores ({model}), {memory_gib:.0f} GiB, {system}; load before: {load:.1f}"


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.bench_labelling", description=__doc__)
    parser.add_argument("--targets", type=int, nargs="+", default=[2_000, 100_000], help="open targets (2000 100000)")
    parser.add_argument("--clients", type=int, default=16, help="people at once (default 16)")
    parser.add_argument("--seconds", type=float, default=15.0, help="of measuring, after 3 s of warming up")
    parser.add_argument("--abandoned", type=int, default=500, help="leases that ran out, at the head (default 500)")
    parser.add_argument("--runs", type=int, default=1, help="repeat each measurement and print every run")
    parser.add_argument("--web-workers", type=int, help="web processes (default: as manage.py up)")
    parser.add_argument("--web-threads", type=int, help="threads a web process (default: as manage.py up)")
    return parser.parse_args()


def show(targets: int, figures: Figures, sql: dict[str, int], used_s: dict[str, float]) -> None:
    print(
        f"{targets:>8,}  {figures.cycles_per_s:8.1f}  "
        + "  ".join(
            f"{name} {figures.quantile_ms(name, 0.5):6.1f} {figures.quantile_ms(name, 0.95):6.1f} "
            f"{figures.quantile_ms(name, 0.99):6.1f}"
            for name in ("next", "vote")
        )
        + f"   next {sql['next']}, vote {sql['vote']}   "
        + ", ".join(f"{name} {1000 * seconds / max(figures.cycles, 1):.1f}" for name, seconds in used_s.items())
        + (f"   {figures.failed} failed: {figures.first_failure}" if figures.failed else "")
    )


def main() -> None:
    options = parse()
    print(f"Machine: {machine()}")
    print(
        f"{options.clients} clients, {options.abandoned} abandoned leases at the head, {options.seconds:g} s a run. "
        f"To reach on two cores: {TARGET_CYCLES:g} cycles/s, p95 at most {TARGETS_NEXT_P95_MS:g} ms (next) and "
        f"{TARGETS_VOTE_P95_MS:g} ms (vote)."
    )
    print(" targets  cycles/s  next p50    p95    p99  vote p50    p95    p99   SQL statements   CPU ms a cycle")
    home = Path(tempfile.mkdtemp(prefix="giz-b-"))
    try:
        # Imported here: it reads GIZ_HOME and sets Django up.
        from tests.bench.labelling.site import bench_site

        with bench_site(home, options.web_workers, options.web_threads) as site:
            for targets in options.targets:
                prepared = site.prepare(targets=targets, clients=options.clients, abandoned=options.abandoned)
                for _run in range(options.runs):
                    before = site.cpu_s()
                    figures = run_clients(site.port, prepared, seconds=options.seconds)
                    used = {name: seconds - before[name] for name, seconds in site.cpu_s().items()}
                    show(targets, figures, prepared.sql, used)
    finally:
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    main()
