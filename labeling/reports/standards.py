"""The report on the standards: which of them are in the wrong bin, by how much, and with what significance."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from giz.catalog.formats.numbers import number_in_words
from giz.core.plot import Plot, Series
from giz.core.report import Column, Report
from giz.core.words import counted, signed
from labeling.aggregation.robust_model import PIVOT_DEG, Crowd
from labeling.aggregation.standards_offsets import NO_STANDARD, standards_offsets, without_trend
from labeling.models import Campaign, CrowdFit, VolunteerFit, Vote
from labeling.reports.data import labels_of
from labeling.rules import WEIGHTLESS_FLAGS
from standards import grid
from standards.models import Standard
from standards.selectors import SetStandards, set_standards

NOTABLE = 3.0
BATCH = 2000

_COLUMNS = (
    Column("standard", "standard"),
    Column("pgc", "PGC"),
    Column("bin_deg", "bin, °"),
    Column("votes", "votes"),
    Column("offset_deg", "offset, °", 2),
    Column("error_deg", "±, °", 2),
    Column("significance", "offset / error", 1),
)
_TITLE = "Standards under test"


def standards(campaign: Campaign) -> Report:
    """Fit an offset to each standard from the votes that placed a galaxy directly beside it."""
    fit = CrowdFit.objects.filter(campaign=campaign, is_current=True).first()
    beside = list(_beside(campaign)) if fit else []
    if fit is None or not beside:
        lines = ["This campaign has no fit yet, or no vote beside a known standard."]
        return Report("standards", _TITLE, lines, _COLUMNS, [])
    volunteer, target, value, left, right = (np.array(column) for column in zip(*beside, strict=True))
    residual_deg, sigma_deg, known = _residuals(campaign, fit, volunteer, target, value)
    codes = np.unique(np.concatenate([left[known], right[known]]))
    codes = codes[codes != NO_STANDARD]
    first, second = (
        np.where(side[known] == NO_STANDARD, NO_STANDARD, np.searchsorted(codes, side[known])) for side in (left, right)
    )
    level_deg, (_, trend) = without_trend(residual_deg[known], sigma_deg[known], value[known])
    found = standards_offsets(level_deg, sigma_deg[known], first, second, codes.size)
    facts = {row["id"]: row for row in Standard.objects.filter(pk__in=codes.tolist()).values(
        "id", "bin_deg", "galaxy__pgc", "galaxy__name")}  # fmt: skip
    rows = []
    for place, key in enumerate(codes.tolist()):
        fact, offset, error = facts[key], float(found.offset_deg[place]), float(found.error_deg[place])
        name = fact["galaxy__name"] or number_in_words(fact["galaxy__pgc"])
        votes = int(found.vote_count[place])
        rows.append((name, str(fact["galaxy__pgc"]), fact["bin_deg"], votes, offset, error, offset / error))
    rows.sort(key=lambda row: -abs(row[-1]))
    slope = signed(10 * trend, 1)
    notable = sum(abs(row[-1]) >= NOTABLE for row in rows)
    lines = [
        f"{counted(len(rows), 'standard was', 'standards were')} shown beside a galaxy in "
        f"{counted(int(known.sum()), 'vote')}; {counted(notable, 'is', 'are')} off by more than {NOTABLE:.0f} times "
        "their error.",
        "A positive offset means that the standard looks more inclined than its bin. Few votes draw it towards 0.",
        f"The common trend of all votes along the scale, {slope}° per 10°, was subtracted first (votes lie farther "
        "from its middle than labels). So an offset compares a standard with the others, not the whole scale.",
    ]
    dots = Series(
        "points", [row[2] for row in rows], [row[4] for row in rows], error=[row[5] for row in rows], colour=1
    )
    plot = Plot("Offsets of standards", "bin, degrees", "offset, degrees", [dots], x_limits=(44, 91), zero_line=True)
    figures = {"standards": len(rows), "notable": notable}
    return Report("standards", _TITLE, lines, _COLUMNS, rows, figures, [plot], rows_are="standard", searched=1)


def _beside(campaign: Campaign) -> Iterator[tuple[int, int, float, int, int]]:
    """Yield volunteer, target, value, and the standards left and right of the target, if the vote recorded them."""
    votes = Vote.objects.filter(
        target__campaign=campaign,
        standing=Vote.Standing.COUNTED,
        inclination_deg__isnull=False,
        standard_set__isnull=False,
    ).exclude(flags__overlap=list(WEIGHTLESS_FLAGS))
    by_pgc: dict[int, dict[int, int]] = {}
    for volunteer, target, value, trace, set_id, galaxy_id, seed in votes.values_list(
        "volunteer_id", "target_id", "inclination_deg", "trace", "standard_set_id", "target__galaxy_id", "task__seed"
    ).iterator(BATCH):
        if "standards_pgc" in trace:
            if set_id not in by_pgc:
                by_pgc[set_id] = dict(Standard.objects.filter(standard_set=set_id).values_list("galaxy__pgc", "id"))
            left, right = (by_pgc[set_id].get(pgc, NO_STANDARD) for pgc in trace["standards_pgc"])
        elif trace and seed is not None:
            left, right = _neighbours(trace, set_standards(set_id), galaxy_id, seed)
        else:
            continue
        if (left, right) != (NO_STANDARD, NO_STANDARD):
            yield volunteer, target, value or 0.0, left, right


def _neighbours(trace: dict[str, Any], full: SetStandards, galaxy_id: int, seed: int) -> tuple[int, int]:
    """Return the standards beside the target in the last row of its trace, replayed with the task's seed."""
    last = trace["steps"][-1]
    shown = full.for_target(galaxy_id)
    orders = shown.orders(seed)
    bins = grid.STEP_A_BINS if last["step"] == "A" else grid.window_bins(last["window"])
    row = [
        (shown.sources[bin_deg], draw)
        for bin_deg, draw in zip(bins, last["draws"], strict=True)
        if draw is not None and bin_deg in shown.sources
    ]
    ids = [
        grid.shown_standard(orders[row[place][0]], row[place][1]) if 0 <= place < len(row) else NO_STANDARD
        for place in (last["slot"] - 1, last["slot"])
    ]
    return ids[0], ids[1]


def _residuals(campaign: Campaign, fit: CrowdFit, volunteer: Any, target: Any, value: Any) -> tuple[Any, Any, Any]:
    """Return label minus vote, corrected by the volunteer's line, its standard error, and where a label is known."""
    labels, crowd = labels_of(campaign, "robust"), Crowd.from_json(fit.crowd)
    place = np.clip(np.searchsorted(labels.target_id, target), 0, max(labels.target_id.size - 1, 0))
    label = np.where(labels.target_id[place] == target, labels.inclination_deg[place], np.nan)
    several = labels.volunteer_count[place] > 1
    habits = {
        row[0]: row[1:]
        for row in VolunteerFit.objects.filter(fit=fit).values_list("volunteer_id", "offset_deg", "slope", "scale")
    }
    offset, slope, scale = np.array([habits.get(key, (0.0, 0.0, 1.0)) for key in volunteer.tolist()]).T
    line_deg = offset + slope * (label - PIVOT_DEG)
    known = np.isfinite(label) & several
    scatter = np.interp(np.where(known, label, PIVOT_DEG), crowd.nodes_deg, crowd.scatter_deg)
    label_error = np.where(known, labels.sigma_deg[place], 0.0)
    return label - (value - line_deg), np.hypot(scale * scatter, label_error), known
