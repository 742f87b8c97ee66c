"""manage.py bench_aggregation FILE [--folds N] [--json OUT]"""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError
from rich.console import Console
from rich.progress import Progress

from giz.catalog.formats.table import TableError, open_table
from giz.core.command import GizCommand
from giz.core.errors import Refused
from labeling.services.benchmarks import aggregation_bench, priors_of


class Command(GizCommand):
    help = (
        "Compare the estimators (median, the original's iterated linear adjustment, robust) on a table of votes: how "
        "well each predicts votes that it has not seen, and how well two halves of the votes agree. Reads the file "
        "only; no database is touched."
    )
    requires_system_checks: list[str] = []
    needs_database = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE", help="the original's table of votes (as import_votes reads it)")
        parser.add_argument("--folds", type=int, default=10, metavar="N", help="folds of held-out votes (default 10)")
        parser.add_argument("--seed", type=int, default=1, metavar="N", help="of folds, halves and resampling")
        parser.add_argument(
            "--prior",
            action="append",
            default=[],
            metavar="NAME=VALUE",
            help="try the robust estimator with another prior; may be repeated (labeling/aggregation/robust_model.py)",
        )
        parser.add_argument("--json", metavar="OUT", help="write all figures to this file too")

    def handle(self, *, file: str, folds: int, seed: int, prior: list[str], json: str | None, **_options: Any) -> None:
        out = Path(json) if json else None
        if out and not out.parent.is_dir():
            raise CommandError(f"The folder {out.parent} does not exist; make it first or choose another.")
        try:
            table = open_table(Path(file))
            with Progress(console=Console(stderr=True), transient=True) as bar:
                task = bar.add_task("Comparing estimators", total=None)
                found = aggregation_bench(
                    table=table,
                    folds=folds,
                    seed=seed,
                    priors=priors_of(prior),
                    on_progress=lambda done, total: bar.update(task, completed=done, total=total),
                )
        except TableError as error:
            raise CommandError(str(error)) from None
        except OSError as error:
            raise CommandError(f"{file} can't be read ({error.strerror}).") from None
        except Refused as error:
            raise CommandError(error.detail) from None
        self._print(found)
        if out:
            _write(out, found)
            self.stdout.write(f"All figures are in {out}.")

    def _print(self, found: dict[str, Any]) -> None:
        bad = f", {found['bad_rows']} rows that can't be read" if found["bad_rows"] else ""
        self.stdout.write(
            f"{found['votes']} votes on {found['galaxies']} galaxies by {found['volunteers']} volunteers{bad}."
        )
        titles = {
            "heldout": f"Held-out votes ({found['heldout_pairs']}, {found['folds']} folds)",
            "split_half": f"Split halves ({found['split_half_pairs']} pairs, {found['splits']} splits)",
        }
        for name, title in titles.items():
            self.stdout.write(f"\n{title}: RMS in degrees, 95 % interval; minus the median's")
            for estimator, rms_deg in found[f"{name}_rms_deg"].items():
                low, high = found[f"{name}_interval_deg"][estimator]
                line = f"  {estimator:8} {rms_deg:5.2f}  ({low:.2f} to {high:.2f})"
                if gain := found[f"{name}_minus_median_deg"].get(estimator):
                    line += f"   {gain['rms_deg']:+.2f}  ({gain['low_deg']:+.2f} to {gain['high_deg']:+.2f})"
                self.stdout.write(line)
        coverage = found["heldout_coverage"]
        self.stdout.write(
            f"\nRobust: {coverage['1_sigma']:.1%} of held-out votes lie within its central 68.3 %, "
            f"{coverage['2_sigma']:.1%} within its central 95.4 %."
        )


def _write(out: Path, found: dict[str, Any]) -> None:
    out.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
