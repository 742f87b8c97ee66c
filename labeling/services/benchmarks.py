"""The estimators against each other on a file of votes: what decides whether a variant helps."""

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from giz.catalog.formats.table import RowError, Table, TableError
from giz.core.errors import Refused
from labeling.aggregation.crossval import RESAMPLES, SPLITS, Comparison, held_out_comparison, split_half_comparison
from labeling.aggregation.robust_model import PRIORS, ROBUST_RULE, Priors
from labeling.aggregation.vote_table import VERDICT_CODES, VoteTable, one_opinion_each
from labeling.formats import VoteColumns

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


def aggregation_bench(
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
