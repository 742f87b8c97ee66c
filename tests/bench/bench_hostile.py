"""Votes while eight strangers upload hostile files: answers, times, memory. ``python -m tests.bench.bench_hostile``

The site is as in ``manage.py up``, in a throw-away GIZ_HOME; those who vote and upload share the machine. The files are
those of tests/hostile.py, or those of ``--folder``; a file that is honest after all may be answered with 200.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
import threading
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from tests import hostile
from tests.bench.bench_inference import Times, jpeg_of_a_disc, upload, vote_at_rate
from tests.bench.bench_labelling import machine
from tests.bench.labelling.load import Prepared

LONGEST_S, MEMORY_RATIO = 5.0, 1.2
UPLOADERS = 8


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.bench_hostile", description=__doc__)
    parser.add_argument("--folder", type=Path, help="upload every file of this folder (default: tests/hostile.py's)")
    parser.add_argument("--rounds", type=int, default=3, help="how often each file is sent (3)")
    parser.add_argument("--votes", type=float, default=20.0, help="vote cycles a second (20)")
    parser.add_argument("--seconds", type=float, default=20.0, help="of votes alone, before and after (20)")
    options = parser.parse_args()
    if options.folder and not options.folder.is_dir():
        parser.error(f"{options.folder} is not a folder")
    return options


def files(folder: Path | None) -> dict[str, bytes]:
    if folder is None:
        return hostile.bombs()
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()}


def upload_all(port: int, queue: list[tuple[str, bytes]]) -> list[tuple[float, str, int]]:
    """Send all files, eight at once, each as soon as the one before is answered."""
    answers: list[tuple[float, str, int]] = []
    numbered = iter(list(enumerate(queue)))
    lock = threading.Lock()

    def work() -> None:
        while True:
            with lock:
                taken = next(numbered, None)
            if taken is None:
                return
            number, (name, data) = taken
            status, _, seconds = upload(port, data, number)
            answers.append((seconds, name, status))

    threads = [threading.Thread(target=work) for _ in range(UPLOADERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def memory_mb(site: Any) -> tuple[float, float]:
    """Memory of the web processes, and of the decoding processes that they started (each may take 400 MB).

    Pages that several processes share count once (PSS).
    """
    web = decoding = 0.0
    for pid in site._web:
        for process in psutil.Process(pid).children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                pss = process.memory_full_info().pss / 1e6
                is_decoder = any("giz.imaging.child" in word for word in process.cmdline())
                web, decoding = (web, decoding + pss) if is_decoder else (web + pss, decoding)
    return web, decoding


def voting(site: Any, prepared: Prepared, rate: float, seconds: float) -> Times:
    votes = Times()
    for thread in vote_at_rate(site.port, prepared, rate, time.perf_counter() + seconds, votes):
        thread.join()
    return votes


def under_attack(site: Any, options: argparse.Namespace) -> None:
    prepared = site.prepare(targets=6_000, clients=20, abandoned=0)
    sent = [(name, data) for _ in range(options.rounds) for name, data in files(options.folder).items()]
    # An honest upload first, so that each process has its network.
    upload_all(site.port, [("honest", jpeg_of_a_disc())] * 16)
    voting(site, prepared, options.votes, 5.0)
    before = voting(site, prepared, options.votes, options.seconds)
    memory_before = memory_mb(site)
    during, ended = Times(), threading.Event()
    largest = memory_before

    def watch() -> None:
        nonlocal largest
        while not ended.wait(0.2):
            web, decoding = memory_mb(site)
            largest = max(largest[0], web), max(largest[1], decoding)

    watcher = threading.Thread(target=watch)
    watcher.start()
    until = time.perf_counter() + 600
    people = vote_at_rate(site.port, prepared, options.votes, until, during, stop=ended)
    answers = upload_all(site.port, sent)
    ended.set()
    for thread in [*people, watcher]:
        thread.join()
    after = voting(site, prepared, options.votes, options.seconds)
    memory_after = memory_mb(site)
    print(f"{len(answers)} uploads of {len(sent) // options.rounds} files, {UPLOADERS} at once")
    print(f"  answers: {dict(sorted(Counter(status for _, _, status in answers).items()))} (0: none)")
    print(f"  answered with 200: {', '.join(sorted({name for _, name, status in answers if status == 200})) or 'none'}")
    for seconds, name, status in sorted(answers, reverse=True)[:5]:
        print(f"  slowest: {seconds:.2f} s, {name}, {status}")
    for name, times in (("before", before), ("during", during), ("after", after)):
        print(f"  votes {name}: {len(times.seconds)}, {times.quantiles_ms()}; {len(times.failed)} failed")
    for name, first, most, last in zip(("web", "decoding"), memory_before, largest, memory_after, strict=True):
        print(f"  {name} processes: {first:.0f} MB before, {most:.0f} MB at most, {last:.0f} MB after")
    ratio = largest[0] / memory_before[0]
    print(f"  web: {ratio:.2f} times (to reach: {MEMORY_RATIO}); to reach: every answer within {LONGEST_S:g} s")


def main() -> None:
    options = parse()
    print(f"Machine: {machine()}")
    home = Path(tempfile.mkdtemp(prefix="giz-h-"))
    os.environ["TRUSTED_PROXY_COUNT"] = "1"
    try:
        # Imported here: it reads GIZ_HOME and sets Django up.
        from tests.bench.labelling.site import bench_site

        with bench_site(home, None, None) as site:
            under_attack(site, options)
    finally:
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    main()
