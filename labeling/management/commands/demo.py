"""manage.py demo"""

from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable
from typing import Any

import structlog
from django.conf import settings
from kombu.exceptions import OperationalError

from giz import env
from giz.core.command import GizCommand, run_job_with_bar
from giz.core.models import Job
from giz.core.tasks import wake_job
from giz.core.words import n_galaxies
from giz.embedded.locks import running_address
from labeling.demo.jobs import demo_job

log = structlog.get_logger("giz.demo")

MAX_PER_BIN, MAX_TARGETS = 20, 100_000
MAX_SEED = 2**31 - 1
# With this seed 38 of the 200 targets should be rejected, for all reasons; three of them are among the first twelve.
DEFAULT_SEED = 2025

DESCRIPTION = """\
Make a demo sky: synthetic spiral galaxies of known inclination, for practice and for trying out the site.

It makes a standard set "demo" (46 bins) and an open campaign "demo" with targets, about one in five of which should be
rejected. Volunteers can begin after the first 46 standards and 12 targets; the rest follows. All cores are used.
After an interruption the same command continues; running it again when finished changes nothing.
The known inclinations are stored in a separate table, which is never used for anything that volunteers see.
"""


def number_between(lowest: int, highest: int) -> Callable[[str], int]:
    """Return an argument type for whole numbers in a range."""

    def parse(text: str) -> int:
        if not text.isdecimal() or len(text) > 12 or not lowest <= int(text) <= highest:
            raise ArgumentTypeError(f"must be a whole number from {lowest} to {highest}, not {text!r}")
        return int(text)

    return parse


def found_at(path: str) -> str:
    """Return the address of a page: on the running site, else at SITE_URL; without either, a hint to start the site."""
    address = running_address(settings.GIZ_HOME) or (settings.SITE_URL if env.text("SITE_URL") else "")
    return f"{address}{path}" if address else f"{path} once the site is running (make run)"


class Command(GizCommand):
    help = DESCRIPTION

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--size",
            type=int,
            choices=(128, 256, 512),
            default=256,
            help="side of the pictures in pixels; 512 is finer and takes about four times as long (default: 256)",
        )
        parser.add_argument(
            "--per-bin",
            type=number_between(1, MAX_PER_BIN),
            default=4,
            help="standards in each of the 46 bins (default: %(default)s)",
        )
        parser.add_argument(
            "--targets",
            type=number_between(1, MAX_TARGETS),
            default=200,
            help="galaxies to judge (default: %(default)s)",
        )
        parser.add_argument(
            "--seed",
            type=number_between(0, MAX_SEED),
            default=DEFAULT_SEED,
            help="random seed; another seed makes another sky (default: %(default)s)",
        )
        parser.add_argument(
            "--background",
            action="store_true",
            help="let the worker of a running site do the work, and return at once",
        )

    def handle(self, *, size: int, per_bin: int, targets: int, seed: int, background: bool, **_options: Any) -> None:
        job = demo_job(size_px=size, seed=seed, per_bin=per_bin, targets=targets)
        if background:
            self._hand_over(job)
            return
        result = run_job_with_bar(job, title="Demo sky").result
        self.stdout.write(
            f"Demo sky: {n_galaxies(result['made'])} made, {result['kept']} there already.\n"
            f"Campaign {result['campaign']}: {n_galaxies(result['targets'])} to judge "
            f"against {result['standard_set']}.\n"
            f"Label them at {found_at('/label/' + result['campaign'])}."
        )

    def _hand_over(self, job: Job) -> None:
        try:
            wake_job.delay(str(job.id))
        except (OperationalError, OSError) as error:
            # The job's row is enough: the sweeper finds it within a minute after the broker is back.
            log.warning("broker_unavailable", error=type(error).__name__, effect="the job begins with the next sweep")
        self.stdout.write(
            f"The worker of a running site will make the demo sky (job {job.id}).\n"
            f"Its progress: {found_at('/staff/dashboard/')}"
        )
