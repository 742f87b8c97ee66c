"""manage.py synthesize --n 10000 --size 128 --out FOLDER --workers 2"""

import os
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from giz.catalog.services.synthesis import labelset_synthesize
from giz.core.command import GizCommand
from giz.core.errors import Refused
from giz.core.words import n_galaxies
from giz.synthetic.population import POPULATION_RULES


class _Rate(ProgressColumn):
    """Galaxies a second, of late."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:.1f} galaxies/s" if task.speed else "")


class Command(GizCommand):
    help = (
        "Write a label set of synthetic galaxies: pictures in g, r, i and colour, the true inclination, and everything "
        "that was drawn. The same --n, --size, --seed and --rule give the same bytes whatever the number of workers. "
        "After an interruption the same command continues from there."
    )
    requires_system_checks = []
    needs_database = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--n", type=int, required=True, metavar="N", help="number of galaxies")
        parser.add_argument(
            "--size", type=int, default=128, metavar="PX", help="side of the pictures in pixels (default 128)"
        )
        parser.add_argument("--out", required=True, metavar="FOLDER", help="the folder to create; must not exist yet")
        parser.add_argument(
            "--seed", type=int, default=1, help="random seed; each seed gives another population (default 1)"
        )
        parser.add_argument(
            "--rule",
            default=POPULATION_RULES[-1],
            choices=POPULATION_RULES,
            help="how the population is drawn (default %(default)s); earlier versions used population-4",
        )
        parser.add_argument(
            "--workers", type=int, default=os.cpu_count() or 1, help="rendering processes (default: one per core)"
        )

    def handle(self, *, n: int, size: int, out: str, seed: int, rule: str, workers: int, **_options: Any) -> None:
        folder = Path(out).expanduser().absolute()
        columns = (TextColumn("Galaxies"), BarColumn(), MofNCompleteColumn(), _Rate(), TimeRemainingColumn())
        try:
            with Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty()) as bar:
                task = bar.add_task("", total=n)
                manifest = labelset_synthesize(
                    folder=folder,
                    galaxies=n,
                    size_px=size,
                    seed=seed,
                    rule=rule,
                    workers=workers,
                    on_progress=lambda done, _total: bar.update(task, completed=done),
                )
        except KeyboardInterrupt:
            raise CommandError("Stopped. Run the same command again to continue from here.", returncode=130) from None
        except Refused as error:
            raise CommandError(error.detail) from None
        counts = manifest["counts"]
        self.stdout.write(
            f"{folder}: {n_galaxies(counts['galaxies'])} ({counts['accepted']:,} to measure, {counts['face_on']:,} "
            f"face-on, {counts['rejected']:,} to reject), {counts['train']:,} train, {counts['test']:,} test."
        )
        self.stdout.write(f"What is in it: {folder / 'README.md'}")
