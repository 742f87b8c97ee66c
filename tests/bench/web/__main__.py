"""Lighthouse and a slow phone on a site as ``manage.py up`` starts it. ``python -m tests.bench.web``

Debian's Chromium; Lighthouse comes by ``npx`` and is no dependency of the pages.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from tests.bench.web.phone import Figure, SlowPhone, chromium_path, free_port, sign_up

REPOSITORY = Path(__file__).resolve().parents[3]
LIGHTHOUSE = "lighthouse@12.8.2"
AIMS = {"performance": 95, "accessibility": 100, "best-practices": 95}
START_TIMEOUT_S = 300.0


@contextmanager
def running_site(address: str | None) -> Iterator[str]:
    """Start a site with the demo sky in a folder of its own, unless there is an address."""
    if address:
        yield address
        return
    port = free_port()
    with tempfile.TemporaryDirectory() as home:
        command = [sys.executable, "manage.py", "up", "--port", str(port)]
        site = subprocess.Popen(
            command, cwd=REPOSITORY, env={**os.environ, "GIZ_HOME": home}, stdout=subprocess.PIPE, text=True
        )
        try:
            deadline = time.monotonic() + START_TIMEOUT_S
            for line in site.stdout or ():
                if "Demo sky: done" in line or time.monotonic() > deadline:
                    break
            _answer(f"http://127.0.0.1:{port}/readyz")
            yield f"http://127.0.0.1:{port}"
        finally:
            site.terminate()
            site.wait(30)


def _answer(address: str) -> None:
    try:
        urllib.request.urlopen(address, timeout=10).close()
    except (urllib.error.URLError, OSError) as error:
        raise SystemExit(f"The site does not answer at {address}: {error}") from error


def lighthouse(address: str, port: int) -> dict[str, Any]:
    """Return Lighthouse's report on a page, on its slow phone, in the browser that listens on ``port``."""
    command = [
        "npx",
        "--yes",
        LIGHTHOUSE,
        address,
        f"--port={port}",
        "--quiet",
        "--output=json",
        "--output-path=stdout",
    ]
    command += [f"--only-categories={','.join(AIMS)}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    if done.returncode:
        raise SystemExit(f"Lighthouse failed:\n{done.stderr[-2000:]}")
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def measure_lighthouse(address: str, runs: int) -> bool:
    """Print the median scores of each page; return whether all aims are met."""
    is_met = True
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as profile:
        port = free_port()
        context = playwright.chromium.launch_persistent_context(
            profile,
            executable_path=chromium_path(),
            args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", f"--remote-debugging-port={port}"],
        )
        sign_up(context.pages[0], address)
        context.pages[0].goto("about:blank")
        print("page        performance  accessibility  best practices     LCP     TBT   CLS   (medians)")
        for path in ("/", "/practice", "/label/demo"):
            reports = [lighthouse(address + path, port) for _run in range(runs)]
            scores = {name: _median([100 * one["categories"][name]["score"] for one in reports]) for name in AIMS}
            is_met = is_met and all(scores[name] >= aim for name, aim in AIMS.items())
            lcp, tbt, cls = (
                _median([one["audits"][name]["numericValue"] for one in reports])
                for name in ("largest-contentful-paint", "total-blocking-time", "cumulative-layout-shift")
            )
            shown = "  ".join(f"{scores[name]:>13.0f}" for name in AIMS)
            print(f"{path:<11}{shown}   {lcp / 1000:5.1f} s  {tbt:4.0f} ms  {cls:.2f}", flush=True)
        context.close()
    return is_met


def _median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]


def measure_phone(address: str) -> bool:
    """Print the times of a stranger on a slow phone, from the first byte on; return whether all aims are met."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=["--no-sandbox", "--disable-gpu"])
        phone = SlowPhone(browser, address)
        met = [_shown(figure) for figure in phone.practise()]
        met += [_shown(phone.come_back()), _shown(phone.next_galaxy())]
        browser.close()
    return all(met)


def _shown(figure: Figure) -> bool:
    name, seconds, aim = figure
    print(f"{name:<52} {seconds:7.2f} s   (aim: {aim:g} s){'' if seconds <= aim else '  MISSED'}", flush=True)
    return seconds <= aim


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.web", description=__doc__)
    parser.add_argument("--address", help="of a running site with the demo sky (default: start one)")
    parser.add_argument("--runs", type=int, default=3, help="of Lighthouse on each page; medians are shown (default 3)")
    options = parser.parse_args()
    print(f"{os.cpu_count()} cores, {platform.system()} {platform.release()}; load before: {os.getloadavg()[0]:.1f}")
    with running_site(options.address) as address:
        is_fast = measure_phone(address)
        is_good = measure_lighthouse(address, options.runs)
    sys.exit(0 if is_fast and is_good else 1)


if __name__ == "__main__":
    main()
