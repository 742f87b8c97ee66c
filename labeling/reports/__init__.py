"""The reports on a campaign, by name: one function each, registered here for the command and the staff page."""

from collections.abc import Callable

from giz.core.errors import Refused
from giz.core.report import Report
from labeling.models import Campaign
from labeling.reports import galaxies, network, people, progress, standards

REPORTS: dict[str, Callable[[Campaign], Report]] = {
    "progress": progress.progress,
    "agreement": people.agreement,
    "scatter-bias": galaxies.scatter_bias,
    "coverage": galaxies.coverage,
    "error-vs-votes": galaxies.error_vs_votes,
    "votes-per-galaxy": galaxies.votes_per_galaxy,
    "volunteers": people.volunteers,
    "reasons": people.reasons,
    "standards": standards.standards,
    "network": network.network,
}


def report_of(campaign: Campaign, name: str) -> Report:
    """Make a report; raises Refused (404 ``unknown_report``) with the known names."""
    if name not in REPORTS:
        why = f"There is no report {name!r}. The reports are: {', '.join(REPORTS)}."
        raise Refused("unknown_report", why, status=404)
    return REPORTS[name](campaign)
