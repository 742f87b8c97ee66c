"""Every report by its name; a new one registers here and is known to the command and to the staff page."""

from collections.abc import Callable

from giz.core.errors import Refused
from labeling.models import Campaign
from labeling.reports import galaxies, network, people, rulers, work
from labeling.reports.report import Report

REPORTS: dict[str, Callable[[Campaign], Report]] = {
    "progress": work.progress,
    "agreement": people.agreement,
    "scatter-bias": galaxies.scatter_bias,
    "coverage": galaxies.coverage,
    "error-vs-votes": galaxies.error_vs_votes,
    "votes-per-galaxy": galaxies.votes_per_galaxy,
    "volunteers": people.volunteers,
    "reasons": people.reasons,
    "standards": rulers.standards,
    "network": network.network,
}


def report_of(campaign: Campaign, name: str) -> Report:
    """Make a report; raises Refused naming those that exist."""
    try:
        make = REPORTS[name]
    except KeyError:
        known = ", ".join(REPORTS)
        raise Refused("unknown_report", f"There is no report {name!r}. There are: {known}.", status=404) from None
    return make(campaign)
