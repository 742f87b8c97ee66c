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
from giz.training.reports import evaluation_page, evaluation_text
from giz.training.services.evaluations import model_evaluate, recalibrated_write, registered_files

SIDES = ("test", "validation", "train")


class Command(GizCommand):
    help = (
        "Measure a trained network (an ONNX file) on the test galaxies of a label set: errors by inclination, band and "
        "votes, verdicts, intervals, outliers, and how it compares with axial ratios, with people, and with every "
        "network of the registry on the same galaxies. Does not need torch."
    )
    needs_database = False
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("model", metavar="MODEL", help="the ONNX file that train has written")
        parser.add_argument("labelset", metavar="LABELSET", help="folder of the label set")
        parser.add_argument("--side", default="test", choices=SIDES, help="galaxies to measure on (default test)")
        parser.add_argument("--html", metavar="FILE", help="write the whole report to this page, with plots")
        parser.add_argument("--report", metavar="FILE", help="also write all figures to this JSON file")
        parser.add_argument(
            "--ensemble", nargs="+", default=[], metavar="FILE", help="networks that form an ensemble with MODEL"
        )
        parser.add_argument("--against", nargs="+", default=[], metavar="FILE", help="other ONNX files to compare with")
        parser.add_argument("--alone", action="store_true", help="leave out the networks of the registry")
        parser.add_argument(
            "--agreement", metavar="FILE", help="how well people agree: what `report agreement --json` has written"
        )
        parser.add_argument(
            "--truth", metavar="TABLE", help="compare with these inclinations from elsewhere, by reference and by 10°"
        )
        parser.add_argument(
            "--reference", default="", metavar="TEXT", help="what they are, where the table has no column reference"
        )
        parser.add_argument(
            "--recalibrate",
            metavar="FILE",
            help="scale the intervals by the labels of this label set, and write the network with them to this file",
        )

    def handle(self, *, model: str, labelset: str, side: Any, **options: Any) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        agreement = options["agreement"]
        with Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty()) as bar:
            task = bar.add_task("opening", total=None)
            found = model_evaluate(
                models=[Path(path).expanduser() for path in (model, *options["ensemble"])],
                labelset=Path(labelset).expanduser(),
                side=side,
                against=[
                    *([] if options["alone"] else registered_files()),
                    *(Path(path).expanduser() for path in options["against"]),
                ],
                agreement=Path(agreement).expanduser() if agreement else None,
                truth=(Path(options["truth"]).expanduser(), options["reference"]) if options["truth"] else None,
                recalibrate=bool(options["recalibrate"]),
                on_progress=lambda done, total, words: bar.update(task, completed=done, total=total, description=words),
            )
        self.stdout.write(evaluation_text(found.report))
        if options["recalibrate"]:
            out = Path(options["recalibrate"]).expanduser()
            recalibrated_write(Path(model).expanduser(), out, found.report)
            self.stdout.write(f"{out}. To register it: manage.py models --register {out}")
        written = json.dumps(found.report, indent=1, allow_nan=False) + "\n"
        for path, content in ((options["report"], written), (options["html"], evaluation_page(found))):
            if path:
                self._write(path, content)

    def _write(self, path: str, content: str) -> None:
        try:
            Path(path).expanduser().write_text(content, encoding="utf-8")
        except OSError as error:
            raise Refused("bad_path", f"{path} can't be written ({error.strerror}).") from None
        self.stdout.write(path)
