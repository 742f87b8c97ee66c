"""What came of a simulated crowd: its labels against the truth, and what they cost."""

from dataclasses import asdict
from typing import Any

from django.db.models import Count, Q, Sum

from labeling.aggregation.against_truth import errors_against
from labeling.aggregation.estimators import ESTIMATORS
from labeling.models import Campaign, Target, Vote
from labeling.reports.labels import labels_of
from labeling.rules import SIMULATED_SOURCE, WEIGHTLESS_FLAGS


def campaign_score(campaign: Campaign) -> dict[str, Any]:
    """Return errors by estimator over the accepted galaxies of known inclination, and counts of galaxies and votes."""
    errors = {}
    for name in ESTIMATORS:
        labels = labels_of(campaign, name)
        found = errors_against(labels.inclination_deg, labels.sigma_deg, labels.truth_deg)
        errors[name] = asdict(found) if found else None
    counts = Target.objects.filter(campaign=campaign).aggregate(
        galaxies=Count("id"),
        judged=Count("id", filter=Q(vote_count__gt=0)),
        retired=Count("id", filter=Q(state=Target.State.RETIRED)),
        counted=Sum("vote_count"),
    )
    votes = Vote.objects.filter(target__campaign=campaign, volunteer__import_source=SIMULATED_SOURCE)
    discounted = votes.filter(flags__overlap=list(WEIGHTLESS_FLAGS))
    return {
        "errors": errors,
        **counts,
        "votes_a_galaxy": (counts["counted"] or 0) / counts["judged"] if counts["judged"] else 0.0,
        "implausible": discounted.values("volunteer").distinct().count(),
    }
