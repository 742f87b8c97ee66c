"""Reports on labels: scatter and bias, votes a galaxy, errors against their number, and whether errors are honest."""

import itertools
import math
from collections import Counter
from typing import Any

import numpy as np

from giz.core.plot import Plot, Series
from giz.core.report import Column, Report
from giz.core.words import counted, n_galaxies
from labeling.aggregation.agreement import LabelErrors, ScatterBin, errors_against, scatter_against_inclination
from labeling.aggregation.estimators import ESTIMATORS
from labeling.aggregation.robust_model import Crowd
from labeling.aggregation.vote_table import FloatArray, VoteTable, medians
from labeling.models import Campaign, CrowdFit, Target
from labeling.reports.data import Labels, campaign_votes, labels_of

EDGES_DEG = np.arange(45.0, 90.1, 5.0)
LEAST_SHARE_DRAWN = 0.01
MOST_VOTES = 12
LIMITS = [place / 10 for place in range(31)]


def scatter_bias(campaign: Campaign) -> Report:
    """How far single votes lie from the label, and from the truth where it is known, at each inclination."""
    votes, labels = campaign_votes(campaign), labels_of(campaign, campaign.estimator)
    about_label = _bins(votes.table, votes.by_galaxy(labels.target_id, labels.inclination_deg))
    about_truth = _bins(votes.table, votes.by_galaxy(labels.target_id, labels.truth_deg))
    fit = CrowdFit.objects.filter(campaign=campaign, is_current=True).first()
    crowd = Crowd.from_json(fit.crowd) if fit else None
    rows = []
    for low, high in itertools.pairwise(EDGES_DEG.tolist()):
        mine, true = about_label.get(low), about_truth.get(low)
        if mine or true:
            middle = (low + high) / 2
            rows.append(
                (
                    f"{low:.0f}–{high:.0f}",
                    *_cells(mine),
                    *_cells(true),
                    float(np.interp(middle, crowd.nodes_deg, crowd.scatter_deg)) if crowd else None,
                )
            )
    total = sum(one.votes for one in about_label.values())
    lines = [
        f"{counted(total, 'accepted vote')} about the labels by the {campaign.estimator}. A label that a vote helped "
        "to make draws its scatter down a little; the fitted scatter g does not suffer from that."
    ]
    if about_truth:
        lines.append("Some galaxies are synthetic: votes relative to their true inclination are shown, too.")
    plots = [
        _by_bin(f"{what.capitalize()} of single votes", what, about_label, about_truth) for what in ("scatter", "bias")
    ]
    return Report("scatter-bias", "Scatter and bias of votes", lines, _SCATTER, rows, {"votes": total}, plots)


_SCATTER = (
    Column("inclination_deg", "inclination, °"),
    Column("votes", "votes"),
    Column("bias_deg", "bias, °", 2),
    Column("scatter_deg", "scatter, °", 2),
    Column("truth_votes", "with truth"),
    Column("truth_bias_deg", "bias, °", 2),
    Column("truth_scatter_deg", "scatter, °", 2),
    Column("fitted_scatter_deg", "g, °", 2),
)


def _bins(table: VoteTable, reference_deg: FloatArray) -> dict[float, ScatterBin]:
    return {one.low_deg: one for one in scatter_against_inclination(table, reference_deg, EDGES_DEG)}


def _cells(one: ScatterBin | None) -> tuple[Any, ...]:
    return (one.votes, one.bias_deg, one.scatter_deg) if one else (None, None, None)


def _by_bin(title: str, what: str, about_label: dict[float, ScatterBin], about_truth: dict[float, ScatterBin]) -> Plot:
    series = []
    for colour, (label, found) in enumerate((("about the label", about_label), ("about the truth", about_truth))):
        x = [(one.low_deg + one.high_deg) / 2 for one in found.values()]
        y = [getattr(one, f"{what}_deg") for one in found.values()]
        error = [one.scatter_deg / one.votes**0.5 for one in found.values()]
        if x:
            series += [
                Series("line", x, y, colour=colour),
                Series("points", x, y, label=label, error=error, colour=colour),
            ]
    limits = (0.0, max([6.0, *(y for one in series for y in one.y)]) * 1.1) if what == "scatter" else None
    return Plot(
        title,
        "inclination, degrees",
        f"{what}, degrees",
        series,
        x_limits=(44.0, 91.0),
        y_limits=limits,
        zero_line=True,
    )


def votes_per_galaxy(campaign: Campaign) -> Report:
    """How many people judged how many galaxies, and which of these are done."""
    tally = Counter[tuple[int, str]]()
    labels = labels_of(campaign, campaign.estimator)
    counts = dict(zip(labels.target_id.tolist(), labels.volunteer_count.tolist(), strict=True))
    for target_id, state in Target.objects.filter(campaign=campaign).values_list("id", "state"):
        tally[counts.get(target_id, 0), state] += 1
    most = max((count for count, _state in tally), default=0)
    states = [state.value for state in Target.State]
    rows = [(count, *(tally[count, state] for state in states)) for count in range(most + 1)]
    judged = [count for count in counts.values() if count]
    mean = float(np.mean(judged)) if judged else 0.0
    lines = [f"{len(judged):,} of {n_galaxies(sum(tally.values()))} judged, by {mean:.2f} people each in the mean."]
    columns = (
        Column("volunteers", "people"),
        Column("open", "open"),
        Column("retired", "done"),
        Column("expert", "wait for a supervisor"),
    )
    bars = Series("bars", [row[0] for row in rows], [float(sum(row[1:])) for row in rows], colour=1)
    plot = Plot("Galaxies by the number of people who judged them", "people", "galaxies", [bars])
    figures = {"judged": len(judged), "mean_volunteers": mean}
    return Report("votes-per-galaxy", "Votes a galaxy", lines, columns, rows, figures, [plot])


def error_vs_votes(campaign: Campaign) -> Report:
    """Standard errors as stated, as two halves of the votes show them, and as the truth shows them."""
    found = {name: labels_of(campaign, name) for name in ESTIMATORS}
    halves = _half_errors(campaign)
    most = min(max((int(labels.volunteer_count.max(initial=0)) for labels in found.values()), default=0), MOST_VOTES)
    rows = []
    for count in range(1, most + 1):
        cells: list[Any] = [count, int((found["median"].volunteer_count == count).sum())]
        for labels in found.values():
            here = labels.volunteer_count == count
            errors = _errors(labels, here)
            stated = labels.sigma_deg[here & np.isfinite(labels.sigma_deg)]
            cells += [float(stated.mean()) if stated.size else None, errors.rms_deg if errors else None]
        rows.append((*cells, halves.get(count)))
    columns = (
        Column("volunteers", "people"),
        Column("galaxies", "galaxies"),
        *(
            column
            for name in found
            for column in (
                Column(f"{name}_stated_deg", f"{name}, stated", 2),
                Column(f"{name}_rms_truth_deg", f"{name}, truth", 2),
            )
        ),
        Column("median_halves_deg", "median, halves", 2),
    )
    lines = [
        "Error of a label by the number of people behind it, in degrees: as stated, and its RMS about the truth where "
        "that is known.",
        "Halves: RMS of the difference of two medians of that many votes each, over √2; needs no true values. Points "
        "with less than 1 % of the galaxies are only in the table.",
    ]
    series = []
    drawn = ("median", 2), ("robust", 4), ("median, halves", -1), ("robust, truth", 5)
    # A few galaxies that were hard tell nothing of the others; they are in the table.
    least = LEAST_SHARE_DRAWN * sum(row[1] for row in rows)
    for colour, (label, column) in enumerate(drawn):
        x = [row[0] for row in rows]
        y = [math.nan if row[column] is None or 0 < row[1] < least else row[column] for row in rows]
        series += [Series("line", x, y, colour=colour), Series("points", x, y, label=label, colour=colour)]
    plot = Plot("Error against the number of votes", "people", "degrees", series)
    return Report("error-vs-votes", "Error against votes", lines, columns, rows, {}, [plot])


def _half_errors(campaign: Campaign) -> dict[int, float]:
    """Error of a median of n votes, from galaxies with 2 n accepted votes and more, split at random."""
    table = campaign_votes(campaign).table
    table = table.pick(table.is_accepted)
    rng = np.random.default_rng(campaign.seed % 2**32)
    table = table.pick(np.lexsort((rng.random(len(table)), table.galaxy)))
    count = np.bincount(table.galaxy, minlength=table.galaxy_count)
    rank = np.arange(len(table)) - np.repeat(np.cumsum(count) - count, count)
    found = {}
    for votes in range(1, MOST_VOTES // 2 + 1):
        enough = np.flatnonzero(count >= 2 * votes)
        if enough.size >= 2:
            first, second = (
                medians(table.pick((rank >= start) & (rank < start + votes)))[enough] for start in (0, votes)
            )
            found[votes] = float(np.sqrt(np.mean((first - second) ** 2) / 2))
    return found


def coverage(campaign: Campaign) -> Report:
    """How many true inclinations lie within the stated errors."""
    rows: list[tuple[Any, ...]] = []
    figures: dict[str, Any] = {}
    honest = [math.erf(limit / 2**0.5) for limit in LIMITS]
    series = [Series("line", LIMITS, honest, label="honest", colour=2)]
    for colour, name in enumerate(ESTIMATORS):
        labels = labels_of(campaign, name)
        distance = np.abs(labels.inclination_deg - labels.truth_deg) / labels.sigma_deg
        distance = distance[np.isfinite(distance)]
        shares = [float(np.mean(distance <= limit)) if distance.size else math.nan for limit in LIMITS]
        series.append(Series("line", LIMITS, shares, label=name, colour=colour))
        for subset, here in _subsets(labels):
            errors = _errors(labels, here)
            if errors:
                rows.append((name, subset, errors.count, errors.rms_deg, errors.bias_deg, errors.within_1_sigma,
                             errors.within_2_sigma))  # fmt: skip
                if subset == "all":
                    figures[name] = {"within_1_sigma": errors.within_1_sigma, "within_2_sigma": errors.within_2_sigma}
    columns = (
        Column("estimator", "estimator"),
        Column("subset", "galaxies"),
        Column("galaxies", "number"),
        Column("rms_deg", "RMS, °", 2),
        Column("bias_deg", "bias, °", 2),
        Column("within_1_sigma", "within 1 σ", 3),
        Column("within_2_sigma", "within 2 σ", 3),
    )
    lines = [
        "Labels against the truth of synthetic galaxies. Honest errors hold 68.3 % within 1 σ and 95.4 % within 2 σ."
    ]
    if not rows:
        lines = ["This campaign has no galaxy of known inclination, so there is nothing to compare its labels with."]
    plot = Plot(
        "Labels within so many stated errors of the truth", "stated errors (σ)", "share", series, y_limits=(0.0, 1.02)
    )
    title = "Coverage of the stated errors"
    return Report("coverage", title, lines, columns, rows, figures, [plot] if rows else [])


def _subsets(labels: Labels) -> list[tuple[str, Any]]:
    everything = np.ones(labels.target_id.size, dtype=bool)
    done = labels.status == "retired"
    low, high = labels.truth_deg < 70, labels.truth_deg >= 70
    return [("all", everything), ("done", done), ("truth below 70°", low), ("truth from 70°", high)]


def _errors(labels: Labels, here: Any) -> LabelErrors | None:
    return errors_against(labels.inclination_deg[here], labels.sigma_deg[here], labels.truth_deg[here])
