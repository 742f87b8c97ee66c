"""Reports on volunteers: how well they agree, the habits of each, why they reject."""

from collections import Counter
from typing import Any

import numpy as np
from django.db.models import Count, Q

from giz.core.plot import Plot, Series
from giz.core.report import Column, Report
from giz.core.words import counted, n_galaxies
from labeling.aggregation.agreement import GroupAgreement, kappa, two_group_agreement
from labeling.aggregation.robust_model import PIVOT_DEG
from labeling.aggregation.vote_table import VERDICT_CODES
from labeling.models import Campaign, Reason, Verdict, VolunteerFit, Vote
from labeling.reports.data import CampaignVotes, campaign_votes, labels_of
from labeling.rules import WEIGHTLESS_FLAGS

SPLITS = 20
BIN_DEG = 5
PLOTTED_VOLUNTEERS = 12
ANGLES = (43.0, 92.0)


def agreement(campaign: Campaign) -> Report:
    """Split the volunteers into two random groups, twenty times, and compare the medians of the groups."""
    votes = campaign_votes(campaign)
    found = [two_group_agreement(votes.table, np.random.default_rng([campaign.seed % 2**32, n])) for n in range(SPLITS)]
    pairs = sum(split.galaxy.size for split in found)
    if not pairs:
        lines = ["No galaxy has three accepted votes in each of two groups of volunteers yet."]
        return Report("agreement", "Agreement of two groups", lines, _AGREEMENT_COLUMNS, [])
    first, second = (np.concatenate([getattr(split, name) for split in found]) for name in ("first_deg", "second_deg"))
    rms_deg, sigma_deg = float(np.sqrt(np.mean((first - second) ** 2))), float(np.std(first - second))
    rows = []
    middle = (first + second) / 2
    for low in range(45, 90, BIN_DEG):
        here = (middle >= low) & ((middle < low + BIN_DEG) | (low + BIN_DEG == 90))
        if here.any():
            difference = (first - second)[here]
            rows.append((f"{low}–{low + BIN_DEG}", int(here.sum()), float(np.sqrt(np.mean(difference**2)))))
    lines = [
        f"RMS of the groups' difference {rms_deg:.2f}°, σ {sigma_deg:.2f}°: {n_galaxies(found[0].galaxy.size)} in the "
        f"first split, {counted(pairs, 'pair')} in {SPLITS} random splits of the volunteers.",
        "The error of each group alone is about 1/√2 of that. In the original project it was 2.6° over 1,945 galaxies.",
    ]
    figures = {"rms_deg": rms_deg, "sigma_deg": sigma_deg, "pairs": pairs, "splits": SPLITS}
    return Report("agreement", "Agreement of two groups", lines, _AGREEMENT_COLUMNS, rows, figures, [_groups(found[0])])


_AGREEMENT_COLUMNS = (
    Column("inclination_deg", "inclination, °"),
    Column("pairs", "pairs"),
    Column("rms_deg", "RMS, °", 2),
)


def _groups(split: GroupAgreement) -> Plot:
    dots = Series("points", split.first_deg.tolist(), split.second_deg.tolist(), colour=1)
    return Plot(
        "Medians of two groups of volunteers",
        "first group, degrees",
        "second group, degrees",
        [Series("line", [45, 90], [45, 90]), dots],
        x_limits=ANGLES,
        y_limits=ANGLES,
    )


def volunteers(campaign: Campaign) -> Report:
    """List the habits of each volunteer by the current fit; plot the votes of the most active ones with their lines."""
    votes, labels = campaign_votes(campaign), labels_of(campaign, "robust")
    label_deg = votes.by_galaxy(labels.target_id, labels.inclination_deg)
    fits = {
        fit.volunteer_id: fit
        for fit in VolunteerFit.objects.filter(fit__campaign=campaign, fit__is_current=True).select_related("volunteer")
    }
    rows = [_habits_row(fact, fits.get(fact["volunteer_id"])) for fact in _facts(campaign)]
    lines = [
        f"{counted(len(rows), 'person has', 'people have')} voted. Offset at 70° and slope in excess of the ruler's "
        "own, with standard errors; σ is the scatter relative to the crowd's; a vote weighs 1/σ²."
    ]
    discounted = sum(1 for row in rows if row[-1])
    if discounted:
        have = "has" if discounted == 1 else "have"
        lines.append(f"{discounted:,} of them {have} votes of weight 0 (too fast, or implausible).")
    plots = _volunteer_plots(votes, label_deg, fits)
    figures = {"volunteers": len(rows)}
    return Report("volunteers", "Volunteers", lines, _HABITS, rows, figures, plots, rows_are="volunteer")


_HABITS = (
    Column("volunteer", "volunteer"),
    Column("votes", "votes"),
    Column("accepted_share", "accepted", 2),
    Column("offset_deg", "offset, °", 2),
    Column("offset_error_deg", "±, °", 2),
    Column("slope", "slope", 3),
    Column("slope_error", "±", 3),
    Column("sigma", "σ", 2),
    Column("weight", "weight", 2),
    Column("weight_error", "±", 2),
    Column("weightless_votes", "weight 0"),
)


def _facts(campaign: Campaign) -> Any:
    counted = Vote.objects.filter(target__campaign=campaign, standing=Vote.Standing.COUNTED).order_by()
    by_person = counted.values("volunteer_id", "volunteer__volunteer_number").annotate(
        votes=Count("id"),
        accepted=Count("id", filter=Q(verdict=Verdict.ACCEPTED)),
        weightless=Count("id", filter=Q(flags__overlap=list(WEIGHTLESS_FLAGS))),
    )
    return by_person.order_by("-votes", "volunteer__volunteer_number")


def _habits_row(fact: dict[str, Any], fit: VolunteerFit | None) -> tuple[Any, ...]:
    head = (f"v{fact['volunteer__volunteer_number']}", fact["votes"], fact["accepted"] / fact["votes"])
    if fit is None:
        return (*head, *([None] * 7), fact["weightless"])
    weight = 1 / fit.scale**2
    return (
        *head,
        fit.offset_deg,
        fit.offset_variance**0.5,
        fit.slope,
        fit.slope_variance**0.5,
        fit.scale,
        weight,
        2 * weight * fit.scale_log_error,
        fact["weightless"],
    )


def _volunteer_plots(votes: CampaignVotes, label_deg: Any, fits: dict[int, VolunteerFit]) -> list[Plot]:
    accepted = votes.table.pick(votes.table.is_accepted & np.isfinite(label_deg)[votes.table.galaxy])
    counts = np.bincount(accepted.volunteer, minlength=votes.volunteer_id.size)
    plots = []
    for code in np.argsort(-counts, kind="stable")[:PLOTTED_VOLUNTEERS].tolist():
        fit = fits.get(int(votes.volunteer_id[code]))
        if not counts[code] or fit is None:
            continue
        mine = accepted.volunteer == code
        x = label_deg[accepted.galaxy[mine]]
        line = [PIVOT_DEG + fit.offset_deg + (1 + fit.slope) * (end - PIVOT_DEG) for end in (45.0, 90.0)]
        series = [
            Series("line", [45, 90], [45, 90], label="true", colour=1),
            Series("line", [45, 90], line, label="fitted"),
            Series("points", x.tolist(), accepted.inclination_deg[mine].tolist()),
        ]
        title = f"{fit.volunteer.public_name}: {counted(counts[code], 'vote')}"
        plots.append(Plot(title, "label, degrees", "vote, degrees", series, x_limits=ANGLES, y_limits=ANGLES))
    return plots


def reasons(campaign: Campaign) -> Report:
    """Count verdicts and reasons, and measure whether volunteers agree on them (Fleiss' kappa)."""
    votes = campaign_votes(campaign)
    galaxy, verdict = votes.table.galaxy, votes.table.verdict
    rows: list[tuple[Any, ...]] = [
        _agreement_row(f"verdict: {name.label}", galaxy, verdict == VERDICT_CODES[name.value]) for name in Verdict
    ]
    found = dict(Vote.objects.filter(pk__in=votes.vote_id.tolist()).exclude(reasons=[]).values_list("pk", "reasons"))
    given = [found.get(vote_id, ()) for vote_id in votes.vote_id.tolist()]
    tally = Counter(reason for several in given for reason in several)
    rows += [
        _agreement_row(reason.value, galaxy, np.array([reason.value in several for several in given], dtype=bool))
        for reason in Reason
    ]
    rejected = int((verdict != VERDICT_CODES["A"]).sum())
    lines = [
        f"{rejected:,} of {counted(len(votes.table), 'vote')} "
        f"{'does not accept its' if rejected == 1 else 'do not accept their'} galaxy. "
        "Kappa is 1 if all agree, and 0 if they agree no more often than by chance.",
    ]
    bars = Series("bars", list(range(len(Reason))), [float(tally[reason.value]) for reason in Reason], colour=1)
    plot = Plot("Reasons", "", "votes", [bars], x_names=[reason.value for reason in Reason])
    return Report("reasons", "Verdicts and reasons", lines, _REASONS, rows, {"rejected_votes": rejected}, [plot])


_REASONS = (
    Column("said", "verdict or reason"),
    Column("votes", "votes"),
    Column("share", "of all votes", 3),
    Column("galaxies", "galaxies"),
    Column("kappa", "kappa", 2),
)


def _agreement_row(name: str, galaxy: Any, is_given: Any) -> tuple[Any, ...]:
    votes = int(is_given.sum())
    share = votes / is_given.size if is_given.size else None
    agreed = kappa(galaxy, is_given) if is_given.size else None
    return name, votes, share, int(np.unique(galaxy[is_given]).size), agreed
