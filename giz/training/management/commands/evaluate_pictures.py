"""manage.py evaluate_pictures MODEL FOLDER --truth FILE"""

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from giz.core.command import GizCommand
from giz.core.errors import Refused
from giz.core.words import n_galaxies, signed
from giz.training.reports import picture_line, pictures_headline, pictures_page
from giz.training.services.pictures import pictures_evaluate, summary


class Command(GizCommand):
    help = (
        "Ask a trained network about the galaxies in a folder of pictures (pgc<number>_d25x2_rot_<gri|g|r|i>.png or "
        ".jpg), one by one, and compare with known inclinations. Needs no torch and stores nothing."
    )
    needs_database = False
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("model", metavar="MODEL", help="the ONNX file that train has written")
        parser.add_argument("folder", metavar="FOLDER", help="folder of pictures")
        parser.add_argument("--truth", metavar="FILE", help="table with the columns pgc and inc")
        parser.add_argument("--html", metavar="FILE", help="write a page with every galaxy and its pictures")

    def handle(self, *, model: str, folder: str, truth: str | None, html: str | None, **_options: Any) -> None:
        columns = (TextColumn("Galaxies"), BarColumn(), MofNCompleteColumn())
        with Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty()) as bar:
            task = bar.add_task("", total=None)
            galaxies, unusable = pictures_evaluate(
                model=Path(model).expanduser(),
                folder=Path(folder).expanduser(),
                truth=Path(truth).expanduser() if truth else None,
                on_progress=lambda done, total: bar.update(task, completed=done, total=total),
            )
        for galaxy in galaxies:
            self.stdout.write(picture_line(galaxy))
        found = summary(galaxies)
        for band, figures in found["by_band"].items():
            self.stdout.write(
                f"{band}: {n_galaxies(figures['galaxies'])}, RMS {figures['rms_deg']:.2f}°, bias "
                f"{signed(figures['bias_deg'], 2)}°, worst {figures['worst_deg']:.1f}°"
            )
        self.stdout.write(pictures_headline(found))
        for path, why in unusable:
            self.stderr.write(f"{Path(path).name}: {why}")
        if html:
            try:
                Path(html).write_text(
                    pictures_page(galaxies, found, f"{Path(model).name} on {folder}"), encoding="utf-8"
                )
            except OSError as error:
                raise Refused("bad_path", f"{html} can't be written ({error.strerror}).") from None
            self.stdout.write(html)
