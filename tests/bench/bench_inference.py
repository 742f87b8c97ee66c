"""Predictions: images a second, answers to uploads while people vote, memory. ``python -m tests.bench.bench_inference``

The network is the one that comes with GIZ. The site is as in ``manage.py up``, in a throw-away GIZ_HOME; whoever asks
and votes shares the machine. CPU times do not grow on a busy machine; answer times do.
"""

from __future__ import annotations

import argparse
import http.client
import io
import os
import random
import shutil
import statistics
import tempfile
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from PIL import Image

from giz.training.nn.predictor import Predictor
from tests.bench.bench_labelling import machine
from tests.bench.labelling.load import Client, Prepared, random_vote
from tests.training.discs import disc, pictures, write_discs

TARGET_IMAGES_PER_S, TARGET_UPLOAD_P95_MS, TARGET_WEB_MB = 150.0, 300.0, 250.0
WARM_UP_S = 5.0
SIDE_PX = 128
SHIPPED_FILE = Path(__file__).resolve().parents[2] / "giz" / "training" / "shipped" / "ours.onnx"


@dataclass
class Times:
    """Answer times in seconds, and what went wrong."""

    seconds: list[float] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def quantiles_ms(self) -> str:
        if len(self.seconds) < 2:
            return "nothing answered"
        cuts = statistics.quantiles(self.seconds, n=100, method="inclusive")
        return f"p50 {1000 * cuts[49]:.0f} ms, p95 {1000 * cuts[94]:.0f} ms, p99 {1000 * cuts[98]:.0f} ms"


def network_alone(runs: int, seconds: float) -> None:
    """The network, all bands, in this process: so many runs side by side, each on one thread."""
    predictor = Predictor(SHIPPED_FILE, threads=1)
    rng = np.random.default_rng(0)
    for count in (1, 5, 16, 64):
        stack = rng.integers(0, 256, (count, 6, SIDE_PX, SIDE_PX), dtype=np.uint8), np.ones((count, 4), bool)
        predictor.predict(*stack)
        begin, cpu = time.perf_counter(), time.process_time()

        def work(begin: float = begin, stack: Any = stack) -> int:
            done = 0
            while time.perf_counter() - begin < seconds:
                predictor.predict(*stack)
                done += len(stack[0])
            return done

        with ThreadPoolExecutor(runs) as pool:
            done = sum(future.result() for future in [pool.submit(work) for _ in range(runs)])
        wall, used = time.perf_counter() - begin, time.process_time() - cpu
        rate = f"{done / wall:6.0f} images/s, {1000 * used / done:.2f} ms CPU each"
        print(f"  {runs} side by side, {count:>2} pictures a run: {rate}, {done / used * 2:.0f}/s on two free cores")


def in_bulk(folder: Path, galaxies: int) -> None:
    """manage.py predict on a label set of 128 px with all bands."""
    from django.core.management import call_command

    write_discs(folder / "discs", galaxies, SIDE_PX)
    for run in ("first", "again"):
        begin, cpu = time.perf_counter(), time.process_time()
        call_command("predict", str(folder / "discs"), "--out", str(folder / "out.parquet"), stdout=io.StringIO())
        wall, used = time.perf_counter() - begin, time.process_time() - cpu
        print(f"  {run}: {galaxies / wall:.0f} galaxies/s ({wall:.1f} s), {1000 * used / galaxies:.2f} ms CPU each")


def form(picture: bytes) -> tuple[bytes, str]:
    boundary = uuid.uuid4().hex
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="x.jpg"\r\n\r\n'.encode()
    return head + picture + f"\r\n--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"


def jpeg_of_a_disc() -> bytes:
    out = io.BytesIO()
    Image.fromarray(pictures(disc(65.0, 20.0, 512), np.random.default_rng(1))["gri"]).save(out, "JPEG", quality=90)
    return out.getvalue()


def bomb() -> bytes:
    """A PNG of 82 kB that unpacks to 26,000 by 26,000 pixels (HARDENING.md, A10)."""
    Image.MAX_IMAGE_PIXELS = None
    out = io.BytesIO()
    Image.new("1", (26_000, 26_000)).save(out, "PNG")
    return out.getvalue()


def upload(port: int, picture: bytes, number: int) -> tuple[int, bytes, float]:
    """Status (0 where the connection failed), body and time in seconds of an upload."""
    body, content_type = form(picture)
    # From another network each time: the limits of one are not what is measured.
    address = f"{11 + number // 200 % 80}.{number % 200}.51.7"
    headers = {"Content-Type": content_type, "X-Forwarded-For": address}
    begin = time.perf_counter()
    try:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        connection.request("POST", "/api/v1/predict/file/", body, headers)
        answer = connection.getresponse()
        status, content = answer.status, answer.read()
        connection.close()
    except (OSError, http.client.HTTPException) as error:
        status, content = 0, repr(error).encode()
    return status, content, time.perf_counter() - begin


def upload_once(port: int, picture: bytes, wanted: int, number: int, times: Times, counts: bool) -> None:
    status, content, seconds = upload(port, picture, number)
    if status != wanted:
        times.failed.append(f"{status} {content[:200]!r}")
    elif counts:
        times.seconds.append(seconds)


def upload_at_rate(port: int, picture: bytes, wanted: int, per_second: float, seconds: float, times: Times) -> None:
    """An open model: a new upload at each tick, however long the others take; all must be answered as wanted."""
    begin, threads = time.perf_counter(), []
    for number in range(int(per_second * (seconds + WARM_UP_S))):
        due = number / per_second
        time.sleep(max(0.0, begin + due - time.perf_counter()))
        arguments = (port, picture, wanted, number, times, due >= WARM_UP_S)
        threads.append(threading.Thread(target=upload_once, args=arguments))
        threads[-1].start()
    for thread in threads:
        thread.join()


def vote_at_rate(
    port: int, prepared: Prepared, per_second: float, until: float, times: Times, stop: threading.Event | None = None
) -> list[threading.Thread]:
    """Start people who vote at human speed, a cycle of next and vote each, until the moment or ``stop``."""
    interval_s = len(prepared.sessions) / per_second

    def label(session: str, number: int) -> None:
        client, rng = Client(port, session), random.Random(number)
        time.sleep(interval_s * number / len(prepared.sessions))
        while time.perf_counter() < until and not (stop and stop.is_set()):
            begin = time.perf_counter()
            status, task, _ = client.post("tasks/", {"campaign": prepared.campaign, "held": []})
            if status in (200, 201):
                status, _, vote_s = client.post("votes/", random_vote(task["id"], rng))
                times.seconds.append(vote_s)
            if status not in (200, 201):
                times.failed.append(str(status))
            time.sleep(max(0.0, interval_s - (time.perf_counter() - begin)))

    threads = [
        threading.Thread(target=label, args=(session, number)) for number, session in enumerate(prepared.sessions)
    ]
    for thread in threads:
        thread.start()
    return threads


def web_megabytes(site: Any) -> list[float]:
    """Resident memory of the web server's processes; the first of a family only watches over the others."""
    found = []
    for pid in site._web:
        found += [child.memory_info().rss / 1e6 for child in psutil.Process(pid).children(recursive=True)]
    return sorted(found)


def site_under_load(site: Any, options: argparse.Namespace) -> None:
    prepared = site.prepare(targets=2_000, clients=20, abandoned=0)
    runs = [
        ("uploads", jpeg_of_a_disc(), 200, options.uploads, 0.0),
        ("uploads", jpeg_of_a_disc(), 200, options.uploads, options.votes),
        ("uploads", b"", 200, 0.0, options.votes),
        ("decompression bombs", bomb(), 413, options.uploads, options.votes),
    ]
    for what, picture, wanted, per_second, votes_per_s in runs:
        uploads, votes = Times(), Times()
        until = time.perf_counter() + WARM_UP_S + options.seconds
        before, begin = site.cpu_s()["web"], time.perf_counter()
        people = vote_at_rate(site.port, prepared, votes_per_s, until, votes) if votes_per_s else []
        upload_at_rate(site.port, picture, wanted, per_second, options.seconds, uploads)
        for thread in people:
            thread.join()
        used_s = site.cpu_s()["web"] - before
        cores = used_s / (time.perf_counter() - begin)
        print(
            f"  {per_second:g} {what}/s beside {votes_per_s:g} votes/s: {uploads.quantiles_ms() if per_second else ''}"
        )
        if votes_per_s:
            print(f"    votes: {votes.quantiles_ms()}")
        failed = uploads.failed + votes.failed
        if not votes_per_s:
            print(f"    {1000 * used_s / options.uploads / (options.seconds + WARM_UP_S):.0f} ms CPU an upload")
        print(f"    the web processes used {cores:.2f} cores; {len(failed)} failed {failed[:1] or ''}")
        print("    web processes: " + ", ".join(f"{size:.0f} MB" for size in web_megabytes(site)))


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.bench_inference", description=__doc__)
    parser.add_argument("--seconds", type=float, default=20.0, help="of measuring the site, after 5 s of warming up")
    parser.add_argument("--uploads", type=float, default=5.0, help="uploads a second (default 5)")
    parser.add_argument("--votes", type=float, default=20.0, help="vote cycles a second beside them (default 20)")
    parser.add_argument("--galaxies", type=int, default=1500, help="galaxies to predict in bulk (default 1500)")
    return parser.parse_args()


def main() -> None:
    options = parse()
    print(f"Machine: {machine()}")
    print(
        f"To reach on two cores: {TARGET_IMAGES_PER_S:g} images/s; an upload's p95 {TARGET_UPLOAD_P95_MS:g} ms at "
        f"{options.uploads:g}/s while people vote; {TARGET_WEB_MB:g} MB a web process."
    )
    print("The network alone")
    for runs in (1, 2):
        network_alone(runs, min(2.0, options.seconds / 8))
    home = Path(tempfile.mkdtemp(prefix="giz-b-"))
    os.environ["TRUSTED_PROXY_COUNT"] = "1"
    try:
        # Imported here: it reads GIZ_HOME and sets Django up.
        from tests.bench.labelling.site import bench_site

        with bench_site(home, None, None) as site:
            print("In bulk, from a label set with all bands")
            in_bulk(home, options.galaxies)
            print("The site")
            site_under_load(site, options)
    finally:
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    main()
