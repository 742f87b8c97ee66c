"""manage.py ship_model --work FOLDER"""

import os
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from giz.core.command import GizCommand
from giz.core.errors import Refused
from giz.training.figures import text
from giz.training.services.shipping import SHIPPED_FOLDER, Shipping, model_ship


class Command(GizCommand):
    help = (
        "Make the network that comes with GIZ: synthesize galaxies, train on them, measure on others, write ours.onnx, "
        "ours.json and MODEL_CARD.md. Takes hours. After an interruption the same command goes on from there."
    )
    needs_database = False
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--work", required=True, metavar="FOLDER", help="folder for label sets and checkpoints")
        parser.add_argument("--out", default=str(SHIPPED_FOLDER), metavar="FOLDER", help="where the files go")
        parser.add_argument("--galaxies", type=int, default=14_000, metavar="N", help="to learn from (default 14,000)")
        parser.add_argument("--steps", type=int, default=4_000, metavar="N", help="of training (default 4,000)")
        parser.add_argument(
            "--finish-steps",
            type=int,
            default=600,
            metavar="N",
            help="of training after that, with half of the pictures as they come (default 600, 0 for none)",
        )
        parser.add_argument("--seed", type=int, default=2027, metavar="N", help="of galaxies and run (default 2027)")
        parser.add_argument("--test-galaxies", type=int, default=5_000, metavar="N", help="unseen (default 5,000)")
        parser.add_argument("--test-seed", type=int, default=5_000, metavar="N", help="of those (default 5000)")
        parser.add_argument("--size", type=int, default=128, metavar="PX", help="side of the pictures (default 128)")
        parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, metavar="N", help="that render")
        parser.add_argument(
            "--bf16", action="store_true", help="train in bfloat16: other rounding, on some machines twice as fast"
        )
        parser.add_argument("--pictures", metavar="FOLDER", help="real galaxies for a last look, see evaluate_pictures")
        parser.add_argument("--truth", metavar="FILE", help="table with the columns pgc and inc, for these")

    def handle(self, *, work: str, out: str, pictures: str | None, truth: str | None, **options: Any) -> None:
        if options["seed"] == options["test_seed"]:
            raise Refused("bad_number", "--test-seed must differ from --seed, or the galaxies were seen in training.")
        if options["steps"] < 1 or options["finish_steps"] < 0:
            raise Refused("bad_number", "--steps must be 1 or more, --finish-steps 0 or more.")
        numbers = ("galaxies", "test_galaxies", "steps", "finish_steps", "seed", "test_seed", "workers")
        plan = Shipping(
            work=Path(work).expanduser().absolute(),
            out=Path(out).expanduser().absolute(),
            pictures=Path(pictures).expanduser() if pictures else None,
            truth=Path(truth).expanduser() if truth else None,
            size_px=options["size"],
            bf16=options["bf16"],
            **{name: options[name] for name in numbers},
        )
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        tasks: dict[str, TaskID] = {}
        try:
            with Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty()) as bar:

                def report(part: str, done: int, total: int) -> None:
                    if part not in tasks:
                        tasks[part] = bar.add_task(part, total=total)
                    bar.update(tasks[part], completed=done, total=total)

                shipped = model_ship(plan=plan, on_progress=report)
        except KeyboardInterrupt:
            raise CommandError("Stopped. Run the same command again to go on from here.", returncode=130) from None
        self.stdout.write(text(shipped["card"]["report"]))
        self.stdout.write(f"{plan.out / 'ours.onnx'} ({shipped['bytes'] / 1e6:.1f} MB)")
