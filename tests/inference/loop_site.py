"""A synthetic sky to be judged, and a real worker of Celery on the test's own database and folders."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.db import connection

import giz.celery  # noqa: F401 - the app that messages go out by, as in every process of the site
from giz.catalog.selectors import galaxy_ids
from giz.catalog.storage import display_folder
from giz.core.models import Job
from giz.core.tasks import SWEEP_SECONDS, wake_on_commit
from giz.labelset.schema import sides_of
from labeling.demo.build import store
from labeling.demo.plan import Recipe
from labeling.demo.render import render

REPOSITORY = Path(__file__).resolve().parent.parent.parent
SIZE_PX = 64
FIRST_PGC = 8_000_000
LONGEST_S = 900.0
QUEUES = ("default", "votes", "predict", "training")


def recipes(sides: dict[str, tuple[int, int]]) -> list[Recipe]:
    """So many spirals, and so many galaxies to be rejected, on each side of the split.

    The gate wants fifty test galaxies that people accept, training only a few; sides follow from PGC numbers.
    """
    found: list[Recipe] = []
    left = {side: list(counts) for side, counts in sides.items()}
    pgc = FIRST_PGC
    while any(map(any, left.values())):
        pgc += 1
        where = sides_of(pgc)
        counts = left["validation" if where.is_validation else where.split]
        is_spiral = pgc % 3 > 0
        if counts[not is_spiral]:
            counts[not is_spiral] -= 1
            found.append(spiral(pgc, counts[0]) if is_spiral else reject(pgc))
    return found


def spiral(pgc: int, number: int) -> Recipe:
    """The number-th spiral of a side; they are tilted evenly from 45° to 90° (steps of the golden ratio)."""
    return Recipe(pgc, "", pgc, galaxy_type="Sbc", inclination_deg=45.0 + 45.0 * (number * 0.618034 % 1.0))


def reject(pgc: int) -> Recipe:
    return Recipe(pgc, "", pgc, reject_reason=("faint", "bright_star")[pgc % 2])


def render_sky(galaxies: Sequence[Recipe]) -> list[int]:
    """Render these galaxies into the catalogue as `manage.py demo` does; returns their ids."""
    folder = display_folder()
    assert folder is not None
    for recipe in galaxies:
        store(render(recipe, size_px=SIZE_PX, media=folder), {"size_px": SIZE_PX})
    return galaxy_ids([recipe.pgc for recipe in galaxies])


@contextmanager
def celery_worker(log: Path) -> Iterator[None]:
    """`celery worker` in a process of its own, that sees the test's database, pictures and models."""
    database = connection.settings_dict
    environment = {
        **os.environ,
        "GIZ_HOME": str(settings.GIZ_HOME),
        "MEDIA_ROOT": str(settings.MEDIA_ROOT),
        "DATABASE_URL": f"postgresql://{database['USER']}@/{database['NAME']}?host={database['HOST']}",
        "CELERY_BROKER_URL": settings.CELERY_BROKER_URL,
        "CACHE_URL": settings.CACHES["default"]["LOCATION"],
        "PYTHONWARNINGS": "ignore",
    }
    Path(settings.GIZ_HOME).mkdir(parents=True, exist_ok=True)
    with celery_process(environment, log, QUEUES):
        yield


@contextmanager
def celery_process(environment: Mapping[str, str], log: Path, queues: Sequence[str]) -> Iterator[None]:
    """A worker that listens to these queues of the site that this environment describes."""
    command = [
        *(sys.executable, "-m", "celery", "--app", "giz", "--quiet", "worker", "--pool", "solo"),
        *("--queues", ",".join(queues), "--loglevel", "INFO", "--without-gossip", "--without-mingle"),
    ]
    with log.open("wb") as out:
        process = subprocess.Popen(command, cwd=REPOSITORY, env=environment, stdout=out, stderr=out)
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def done_by_worker(job: Job, log: Path) -> Job:
    """Wake a worker as the site does, and wait until it has ended the job."""
    begun = woken = time.monotonic()
    wake_on_commit(job)
    while time.monotonic() < begun + LONGEST_S:
        job.refresh_from_db()
        if job.state == Job.State.QUEUED and time.monotonic() > woken + SWEEP_SECONDS:
            # As beat's sweeper does: on a busy machine the first message may not have reached the broker.
            woken = time.monotonic()
            wake_on_commit(job)
        if job.state not in (Job.State.QUEUED, Job.State.RUNNING):
            assert job.state == Job.State.DONE, f"{job.kind}: {job.error}\n{log.read_text()[-3000:]}"
            return job
        time.sleep(0.25)
    raise AssertionError(f"{job.kind} is {job.state} after {LONGEST_S:.0f} s:\n{log.read_text()[-3000:]}")
