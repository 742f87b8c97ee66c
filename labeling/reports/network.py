"""The report on people and network: how far they agree, where they do not, and how many votes are to come."""

from collections.abc import Sequence
from typing import Any

from django.db.models import Count, Sum

from giz.core.plot import Plot, Series
from giz.core.report import Column, Report
from giz.core.words import counted, n_galaxies
from labeling.aggregation.need import FRESH, WANTED_LEVELS
from labeling.models import Campaign, NetworkAnswer, NetworkOrder, Target
from labeling.selectors import VOTES_TO_GO

MOST_POINTS = 2_000


def network(campaign: Campaign) -> Report:
    """Compare the network with people on the same galaxies; list those in doubt and the votes still needed."""
    order = NetworkOrder.objects.filter(campaign=campaign).first()
    to_go = _votes_to_go(campaign)
    rows = _in_doubt(campaign)
    lines = [_votes_in_words(to_go)]
    figures: dict[str, Any] = {**to_go, "in_doubt": len(rows)}
    plots = [_queue(campaign)] if to_go["fresh"] else []
    if order is None:
        lines.append("No network orders this campaign's queue.")
    else:
        lines += [
            f"{order.short_model} looked at {n_galaxies(order.answers)}. {order.in_words}",
            f"People and network disagree on {n_galaxies(len(rows))}, which a supervisor should look at. No volunteer "
            "sees the network's predictions, and no label uses them.",
        ]
        for name in ("model", "answers", "compared", "bias_deg", "error_scale", "verdicts", "agreement"):
            figures[name] = getattr(order, name)
        plots.insert(0, _differences(campaign))
    return Report("network", "People and network", lines, _COLUMNS, rows, figures, plots)


_COLUMNS = (
    Column("pgc", "PGC"),
    Column("people_deg", "people, °", 1),
    Column("people_sigma_deg", "±", 1),
    Column("network_deg", "network, °", 1),
    Column("network_sigma_deg", "±", 1),
    Column("rejection", "rejected at", 3),
    Column("doubt", "why a supervisor looks"),
)


def _votes_in_words(to_go: dict[str, Any]) -> str:
    if not to_go["votes"]:
        return "No votes are still to come: every galaxy is done, or waits for a supervisor."
    parts = [
        f"{to_go[f'{name}_votes']:,.0f} on {n_galaxies(to_go[name])} {which}"
        for name, which in (("fresh", "that nobody has judged"), ("begun", "begun"))
        if to_go[name]
    ]
    return f"About {counted(to_go['votes'], 'vote is', 'votes are')} still to come: {', '.join(parts)}."


def _votes_to_go(campaign: Campaign) -> dict[str, Any]:
    open_ones = Target.objects.filter(campaign=campaign, purpose=Target.Purpose.LABEL, state=Target.State.OPEN)
    parts = {
        name: some.aggregate(galaxies=Count("pk"), votes=Sum(VOTES_TO_GO))
        for name, some in (
            ("fresh", open_ones.filter(need__gte=WANTED_LEVELS[0])),
            ("begun", open_ones.filter(need__lt=WANTED_LEVELS[0])),
        )
    }
    found: dict[str, Any] = {"votes": 0.0}
    for name, part in parts.items():
        found[name], found[f"{name}_votes"] = part["galaxies"], float(part["votes"] or 0)
        found["votes"] += found[f"{name}_votes"]
    return found


def _in_doubt(campaign: Campaign) -> Sequence[tuple[Any, ...]]:
    answers = NetworkAnswer.objects.filter(
        target__campaign=campaign,
        target__consensuses__is_current=True,
        target__consensuses__estimator=campaign.estimator,
    ).exclude(target__doubt="")
    people = (f"target__consensuses__{name}" for name in ("inclination_deg", "sigma_deg"))
    own = ("inclination_deg", "sigma_deg", "rejection", "target__doubt")
    found = answers.order_by("target__galaxy__pgc").values_list("target__galaxy__pgc", *people, *own)
    # A PGC number is a name: no thousands separator.
    return [(str(pgc), *cells) for pgc, *cells in found]


def _differences(campaign: Campaign) -> Plot:
    """Plot people minus network against people for finished galaxies, a random subset of many."""
    done = NetworkAnswer.objects.filter(
        target__campaign=campaign,
        target__purpose=Target.Purpose.LABEL,
        target__consensuses__is_current=True,
        target__consensuses__estimator=campaign.estimator,
        target__consensuses__status="retired",
        target__consensuses__verdict="A",
    )
    rows = done.order_by("target__order_key").values_list("target__consensuses__inclination_deg", "inclination_deg")
    pairs = [(people, predicted) for people, predicted in rows[:MOST_POINTS] if people is not None]
    points = Series("points", [people for people, _ in pairs], [people - predicted for people, predicted in pairs])
    return Plot(
        "People minus network", "people, degrees", "difference, degrees", [points], x_limits=(44, 91), zero_line=True
    )


def _queue(campaign: Campaign) -> Plot:
    """Plot how many galaxies without votes are at each place of the queue."""
    open_ones = Target.objects.filter(campaign=campaign, purpose=Target.Purpose.LABEL, state=Target.State.OPEN)
    counts = dict(open_ones.order_by().values_list("need").annotate(n=Count("pk")))
    places = sorted((FRESH, *WANTED_LEVELS))
    names = ["first" if place == places[0] else "unseen" if place == FRESH else f"{place - 4}." for place in places]
    names[-1] = "last"
    bars = Series("bars", list(range(len(places))), [float(counts.get(place, 0)) for place in places], colour=1)
    return Plot("Fresh galaxies by their place in the queue", "place", "galaxies", [bars], x_names=names)
