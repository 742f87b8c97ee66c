"""Targets by staff's hand: ask more people about one, and make some golden or calibration targets."""

from collections.abc import Collection
from typing import Any

from django.db import transaction
from django.db.models import F, FloatField, OuterRef, Subquery
from django.db.models.functions import Coalesce, Greatest, Now

from giz.catalog.models import SyntheticTruth
from giz.core import audit
from giz.core.errors import Refused
from labeling.aggregation.retirement import first_quota
from labeling.models import Campaign, Consensus, Target

MAX_ASKED = 20
# Everybody who works in a campaign judges its golden and calibration targets: as many as the counter holds.
PROBE_QUOTA = 32_000
# A consensus may stand for the truth of a golden target when it is done and this sure.
AGREED_SIGMA_DEG = 1.5


def target_reopen(*, target: Target, people: int = 1, actor: Any = None) -> Target:
    """Ask so many people more about a galaxy that is done or waits for a supervisor; what was found stays as history.

    The campaign's rule decides again after their votes.
    """
    if not 1 <= people <= MAX_ASKED:
        raise Refused("bad_number", f"1 to {MAX_ASKED} more people can be asked, not {people}.")
    with transaction.atomic():
        locked = Target.objects.select_for_update(no_key=True).select_related("campaign", "galaxy").get(pk=target.pk)
        if locked.state == Target.State.OPEN:
            raise Refused("wrong_state", f"{locked.galaxy} is open: people are asked already.", status=409)
        current = Consensus.objects.filter(target=locked, is_current=True, estimator=locked.campaign.estimator).first()
        judged = current.volunteer_count if current else locked.vote_count
        Target.objects.filter(pk=locked.pk).update(
            state=Target.State.OPEN,
            retired_at=None,
            doubt="",
            asked=judged + people,
            quota=Greatest(F("quota"), F("vote_count") + F("lease_count") + people),
            stale_since=Coalesce(F("stale_since"), Now()),
        )
        audit.record(
            "target_reopened", actor=actor, subject=f"{locked.galaxy} in {locked.campaign.name}", people=people
        )
    target.refresh_from_db()
    return target


def targets_make_golden(*, campaign: Campaign, target_ids: Collection[int], actor: Any = None) -> int:
    """Make targets golden whose inclination is known; returns how many could be.

    It is known of synthetic galaxies, and agreed where the campaign's consensus is done and surer than 1.5°. Volunteers
    can't tell golden targets from others.
    """
    truth = SyntheticTruth.objects.filter(
        galaxy=OuterRef("galaxy"), reject_reason="", inclination_deg__range=(45, 90)
    ).values("inclination_deg")
    agreed = Consensus.objects.filter(
        target=OuterRef("pk"),
        is_current=True,
        estimator=campaign.estimator,
        verdict="A",
        status=Consensus.Status.RETIRED,
        sigma_deg__lte=AGREED_SIGMA_DEG,
        inclination_deg__range=(45, 90),
    ).values("inclination_deg")
    known = Target.objects.filter(campaign=campaign, pk__in=target_ids).annotate(
        found_deg=Coalesce(Subquery(truth), Subquery(agreed), output_field=FloatField())
    )
    found = dict(known.filter(found_deg__isnull=False).values_list("pk", "found_deg"))
    with transaction.atomic():
        locked = Target.objects.select_for_update(no_key=True).filter(pk__in=found).order_by("pk")
        for target in locked:
            _make_probe(target, Target.Purpose.GOLDEN, found[target.pk])
        audit.record("targets_golden", actor=actor, subject=campaign.name, count=len(found))
    return len(found)


def targets_make_calibration(*, campaign: Campaign, target_ids: Collection[int], actor: Any = None) -> int:
    """Have everybody judge these targets, so that volunteers can be compared with each other; returns how many."""
    with transaction.atomic():
        locked = Target.objects.select_for_update(no_key=True).filter(campaign=campaign, pk__in=target_ids)
        chosen = list(locked.order_by("pk"))
        for target in chosen:
            _make_probe(target, Target.Purpose.CALIBRATION, None)
        audit.record("targets_calibration", actor=actor, subject=campaign.name, count=len(chosen))
    return len(chosen)


def targets_make_ordinary(*, campaign: Campaign, target_ids: Collection[int], actor: Any = None) -> int:
    """Take golden and calibration targets back among those to be labelled; the rule decides at once whether they are
    done. Returns how many.
    """
    probes = Target.objects.filter(campaign=campaign, pk__in=target_ids).exclude(purpose=Target.Purpose.LABEL)
    with transaction.atomic():
        chosen = list(probes.select_for_update(no_key=True).order_by("pk"))
        first = first_quota(campaign.retirement, campaign.overlap)
        for target in chosen:
            Target.objects.filter(pk=target.pk).update(
                purpose=Target.Purpose.LABEL,
                known_deg=None,
                quota=max(first, target.vote_count + target.lease_count),
                stale_since=Now(),
            )
        audit.record("targets_ordinary", actor=actor, subject=campaign.name, count=len(chosen))
    return len(chosen)


def _make_probe(target: Target, purpose: Target.Purpose, known_deg: float | None) -> None:
    Target.objects.filter(pk=target.pk).update(
        purpose=purpose,
        known_deg=known_deg,
        state=Target.State.OPEN,
        retired_at=None,
        doubt="",
        quota=PROBE_QUOTA,
        stale_since=Coalesce(F("stale_since"), Now()),
    )
