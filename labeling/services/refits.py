"""Full robust fits of a campaign's crowd and volunteers; every consensus uses the latest until the next one."""

from collections.abc import Sequence
from dataclasses import fields

import numpy as np
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.functions import Coalesce

from labeling.aggregation.estimators import Calibration, no_calibration
from labeling.aggregation.robust import robust_fit
from labeling.aggregation.robust_model import ROBUST_RULE, Crowd, Volunteers, prior_volunteers
from labeling.aggregation.vote_table import VERDICT_CODES, FloatArray, IntArray, VoteTable, one_opinion_each
from labeling.models import Campaign, Consensus, CrowdFit, Figures, Target, VolunteerFit, Vote
from labeling.rules import WEIGHTLESS_FLAGS
from labeling.services.figures import figures_count

BATCH = 2000
# A refit is due after this many new votes, and this share of the votes that the last fit has seen.
NEW_VOTES = 20
NEW_SHARE = 0.05
_HABITS = tuple(field.name for field in fields(Volunteers))


def counted_votes() -> QuerySet[Vote]:
    """Return the votes that count in an aggregation: those with `WEIGHTLESS_FLAGS` do not."""
    votes = Vote.objects.filter(standing__in=[Vote.Standing.COUNTED, Vote.Standing.REPEAT])
    return votes.exclude(flags__overlap=list(WEIGHTLESS_FLAGS))


def campaign_refit(*, campaign: Campaign) -> CrowdFit | None:
    """Fit all votes of the campaign, starting from its last fit, and make the result its current fit.

    Returns None if there are no votes.
    """
    votes, targets, people, count = _votes(campaign)
    if not len(votes):
        return None
    former = current_fit(campaign)
    start = None
    if former is not None and former.rule_version == ROBUST_RULE:
        known = calibration_of(former, people.tolist())
        start = known.crowd, _rows(known, people.tolist())
    found = robust_fit(votes, start=start, known_deg=_known_deg(campaign, targets))
    with transaction.atomic():
        # The campaign's row serves as a lock, because only one fit can become the current one.
        Campaign.objects.select_for_update(no_key=True).get(pk=campaign.pk)
        CrowdFit.objects.filter(campaign=campaign, is_current=True).update(is_current=False)
        stored = CrowdFit.objects.create(
            campaign=campaign,
            rule_version=ROBUST_RULE,
            crowd=found.crowd.as_json(),
            vote_count=count,
            votes_given=Vote.objects.filter(target__campaign=campaign, standing=Vote.Standing.COUNTED).count(),
            galaxy_count=votes.galaxy_count,
            volunteer_count=votes.volunteer_count,
            iterations=found.iterations,
            is_converged=found.is_converged,
            change_deg=found.change_deg,
        )
        columns = [getattr(found.volunteers, name).tolist() for name in _HABITS]
        VolunteerFit.objects.bulk_create(
            [
                VolunteerFit(fit=stored, volunteer_id=volunteer_id, **dict(zip(_HABITS, values, strict=True)))
                for volunteer_id, *values in zip(people.tolist(), *columns, strict=True)
            ],
            batch_size=BATCH,
        )
        _forget_unnamed(campaign)
    return stored


def _known_deg(campaign: Campaign, targets: IntArray) -> FloatArray | None:
    """Return inclinations in degrees by target code, NaN unless golden; None if the campaign has no golden targets."""
    golden = Target.objects.filter(campaign=campaign, purpose=Target.Purpose.GOLDEN)
    known = dict(golden.values_list("id", "known_deg"))
    if not known:
        return None
    return np.array([known.get(target_id, np.nan) for target_id in targets.tolist()])


def _votes(campaign: Campaign) -> tuple[VoteTable, IntArray, IntArray, int]:
    """Return all opinions, the ids of targets and volunteers by code, and the number of votes behind the opinions."""
    rows = np.fromiter(
        (
            (target_id, volunteer_id, VERDICT_CODES[verdict], np.nan if value is None else value)
            for target_id, volunteer_id, verdict, value in counted_votes()
            .filter(target__campaign=campaign)
            .order_by("created_at", "id")
            .values_list("target_id", "volunteer_id", "verdict", "inclination_deg")
            .iterator(BATCH)
        ),
        dtype=[("target", "i8"), ("volunteer", "i8"), ("verdict", "i1"), ("value", "f8")],
    )
    targets, galaxy = np.unique(rows["target"], return_inverse=True)
    people, volunteer = np.unique(rows["volunteer"], return_inverse=True)
    table = VoteTable(galaxy, volunteer, rows["verdict"], rows["value"], targets.size, people.size)
    return one_opinion_each(table), targets, people, len(table)


def _forget_unnamed(campaign: Campaign) -> None:
    """Delete earlier fits to which no consensus refers; one that is locked is left for the next time."""
    former = CrowdFit.objects.filter(campaign=campaign, is_current=False).select_for_update(skip_locked=True)
    locked = list(former.values_list("pk", flat=True))
    # Checked under the lock, so that no reference can appear before the deletion.
    named = Consensus.objects.filter(fit=OuterRef("pk"))
    CrowdFit.objects.filter(~Exists(named), pk__in=locked).delete()


def current_fit(campaign: Campaign) -> CrowdFit | None:
    return CrowdFit.objects.filter(campaign=campaign, is_current=True).first()


def calibration_of(fit: CrowdFit | None, volunteer_ids: Sequence[int]) -> Calibration:
    """Return what a fit knows of these people; strangers, and everybody before the first fit, have the priors."""
    if fit is None:
        return no_calibration()
    found = VolunteerFit.objects.filter(fit=fit, volunteer_id__in=volunteer_ids).order_by("volunteer_id")
    rows = list(found.values_list("volunteer_id", *_HABITS))
    stranger = prior_volunteers(1)
    columns = {
        name: np.append(np.array([row[place] for row in rows]), getattr(stranger, name))
        for place, name in enumerate(_HABITS, start=1)
    }
    places = {row[0]: place for place, row in enumerate(rows)}
    return Calibration(Crowd.from_json(fit.crowd), Volunteers(**columns), places)


def _rows(known: Calibration, volunteer_ids: Sequence[int]) -> Volunteers:
    """Return the volunteers in the order of these ids."""
    stranger = known.volunteers.scale.size - 1
    rows = np.array([known.places.get(volunteer_id, stranger) for volunteer_id in volunteer_ids], dtype=np.int64)
    return Volunteers(**{name: getattr(known.volunteers, name)[rows] for name in _HABITS})


def campaigns_to_refit() -> list[Campaign]:
    """Return campaigns with enough votes since their last fit, according to the public counts."""
    figures_count()
    votes = dict(Figures.objects.filter(campaign__isnull=False).values_list("campaign_id", "votes"))
    # Older fits have no `votes_given`, only the number of votes with weight.
    seen = dict(
        CrowdFit.objects.filter(is_current=True).values_list("campaign_id", Coalesce("votes_given", "vote_count"))
    )
    due = [
        campaign_id
        for campaign_id, count in votes.items()
        if count - seen.get(campaign_id, 0) >= max(NEW_VOTES, NEW_SHARE * seen.get(campaign_id, 0))
    ]
    return list(Campaign.objects.filter(pk__in=due).order_by("pk"))
