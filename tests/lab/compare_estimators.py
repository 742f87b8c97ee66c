"""Compare the estimators on a file of votes. ``python -m tests.lab.compare_estimators FILE``"""

import json
import math
from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from django.core.management.base import CommandError
from rich.console import Console
from rich.progress import Progress

from giz.core.command import GizCommand
from giz.core.errors import Refused
from giz.tables.table import RowError, Table, TableError
from giz.tables.text import open_table
from labeling.aggregation.robust_model import PRIORS, ROBUST_RULE, Priors
from labeling.aggregation.vote_table import VERDICT_CODES, VoteTable, one_opinion_each
from labeling.formats import VoteColumns
from tests.lab import run
from tests.lab.estimators import RESAMPLES, SPLITS, Comparison, held_out_comparison, split_half_comparison

MAX_FOLDS = 100

OnProgress = Callable[[int, int], None]


def vote_table_of(table: Table) -> tuple[VoteTable, int]:
    """Return the votes of the original's table as arrays, oldest first, and how many rows could not be read.

    Raises Refused for a table without the needed columns or without any vote.
    """
    try:
        columns = VoteColumns(table.columns)
    except TableError as error:
        raise Refused("bad_table", str(error)) from None
    galaxies: dict[int, int] = {}
    volunteers: dict[str, int] = {}
    votes: list[tuple[int, int, int, float]] = []
    bad = 0
    for row in table.rows():
        try:
            entry = columns.entry(row.cells, row.line) if not row.problem else None
        except RowError:
            entry = None
        if entry is None:
            bad += 1
            continue
        galaxy = galaxies.setdefault(entry.pgc, len(galaxies))
        volunteer = volunteers.setdefault(entry.volunteer, len(volunteers))
        value = float("nan") if entry.inclination_deg is None else entry.inclination_deg
        votes.append((galaxy, volunteer, VERDICT_CODES[entry.verdict], value))
    if not votes:
        raise Refused("no_votes", f"{table.path} holds no vote that can be read.")
    columns_of = [np.asarray(column) for column in zip(*votes, strict=True)]
    found = VoteTable(
        columns_of[0], columns_of[1], columns_of[2].astype(np.int8), columns_of[3], len(galaxies), len(volunteers)
    )
    return found, bad


def estimators_compared(
    *, table: Table, folds: int, seed: int, priors: Priors = PRIORS, on_progress: OnProgress | None = None
) -> dict[str, Any]:
    """Compare the estimators on a table of votes by held-out votes and by split halves; returns what to print."""
    if not 2 <= folds <= MAX_FOLDS:
        raise Refused("bad_folds", f"Votes are held out in 2 to {MAX_FOLDS} folds, not {folds}.")
    votes, bad = vote_table_of(table)
    opinions = one_opinion_each(votes)

    def after_fold(done: int, total: int) -> None:
        if on_progress:
            on_progress(done, total + SPLITS)

    def after_split(done: int, total: int) -> None:
        if on_progress:
            on_progress(folds + done, folds + total)

    held_out = held_out_comparison(opinions, folds=folds, seed=seed, priors=priors, on_progress=after_fold)
    if not held_out.pairs:
        raise Refused("no_overlap", "No galaxy was accepted by two different volunteers, so nothing can be compared.")
    halves = split_half_comparison(opinions, seed=seed, priors=priors, on_progress=after_split)
    return {
        "file": table.path.name,
        "sha256": table.sha256,
        "rule_version": ROBUST_RULE,
        "votes": len(votes),
        "bad_rows": bad,
        "opinions": len(opinions),
        "galaxies": votes.galaxy_count,
        "volunteers": votes.volunteer_count,
        "folds": folds,
        "splits": SPLITS,
        "seed": seed,
        "resamples": RESAMPLES,
        "priors": asdict(priors),
        **_figures("heldout", held_out),
        **_figures("split_half", halves),
        "heldout_coverage": held_out.coverage,
    }


def priors_of(settings: Sequence[str]) -> Priors:
    """Return the priors with settings such as ``offset_sd_deg=1.5`` or ``spreads=1,1``. Raises Refused."""
    known = asdict(PRIORS)
    changed: dict[str, Any] = {}
    for setting in settings:
        name, _, text = setting.partition("=")
        if name not in known:
            raise Refused("unknown_prior", f"There is no prior {name!r}. Known: {', '.join(known)}.")
        try:
            values = tuple(float(part) for part in text.split(","))
        except ValueError:
            raise Refused("bad_prior", f"{name} is {text!r}, must be a number (or several with commas).") from None
        wanted = len(known[name]) if isinstance(known[name], tuple) else 1
        if len(values) != wanted or not all(math.isfinite(value) and value > 0 for value in values):
            raise Refused("bad_prior", f"{name} takes {wanted} positive number(s), not {text!r}.")
        changed[name] = values if isinstance(known[name], tuple) else values[0]
    return replace(PRIORS, **changed)


def _figures(name: str, found: Comparison) -> dict[str, Any]:
    """RMS by estimator, its 95 % interval, and the difference to the median's with its own."""
    return {
        f"{name}_pairs": found.pairs,
        f"{name}_galaxies": found.galaxies,
        f"{name}_rms_deg": {estimator: measured.rms_deg for estimator, measured in found.rms.items()},
        f"{name}_interval_deg": {
            estimator: [measured.low_deg, measured.high_deg] for estimator, measured in found.rms.items()
        },
        f"{name}_minus_median_deg": {estimator: asdict(measured) for estimator, measured in found.minus_median.items()},
    }


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
        parser.add_argument("--json", dest="json_file", metavar="OUT", help="write all figures to this file too")

    def handle(
        self, *, file: str, folds: int, seed: int, prior: list[str], json_file: str | None, **_options: Any
    ) -> None:
        out = Path(json_file) if json_file else None
        if out and not out.parent.is_dir():
            raise CommandError(f"The folder {out.parent} does not exist; make it first or choose another.")
        try:
            table = open_table(Path(file))
            with Progress(console=Console(stderr=True), transient=True) as bar:
                task = bar.add_task("Comparing estimators", total=None)
                found = estimators_compared(
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
            out.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
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


if __name__ == "__main__":
    run(Command(), "compare_estimators")
