"""manage.py evaluate MODEL.onnx LABELSET"""

import json
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from giz.core.command import GizCommand
from giz.core.errors import Refused
from giz.training.figures import text
from giz.training.services.evaluations import model_evaluate

SIDES = ("test", "validation", "train")


class Command(GizCommand):
    help = (
        "Measure a trained network (an ONNX file) on the test galaxies of a label set, with all bands and each one "
        "alone: errors, bias, outliers, verdicts, and whether its intervals hold what they promise. Needs no torch."
    )
    needs_database = False
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("model", metavar="MODEL", help="the ONNX file that train has written")
        parser.add_argument("labelset", metavar="LABELSET", help="folder of the label set")
        parser.add_argument("--side", default="test", choices=SIDES, help="galaxies to measure on (default test)")
        parser.add_argument("--report", metavar="FILE", help="write all figures to this JSON file, too")

    def handle(self, *, model: str, labelset: str, side: str, report: str | None, **_options: Any) -> None:
        columns = (TextColumn("Pictures"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty()) as bar:
            task = bar.add_task("", total=None)
            found = model_evaluate(
                model=Path(model).expanduser(),
                labelset=Path(labelset).expanduser(),
                side=side,
                on_progress=lambda done, total: bar.update(task, completed=done, total=total),
            )
        self.stdout.write(text(found))
        if report:
            try:
                Path(report).write_text(json.dumps(found, indent=1, allow_nan=False) + "\n", encoding="utf-8")
            except OSError as error:
                raise Refused("bad_path", f"{report} can't be written ({error.strerror}).") from None
            self.stdout.write(report)
