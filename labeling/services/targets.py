"""What staff do with targets: ask more people, and make golden, calibration and ordinary targets."""

from collections.abc import Collection
from typing import Any

from django.db import connection, transaction
from django.db.models import Exists, F, FloatField, OuterRef, Subquery
from django.db.models.functions import Coalesce, Greatest, Now

from giz.catalog.models import SyntheticTruth
from giz.core import audit
from giz.core.errors import Refused
from labeling.aggregation.retirement import first_quota
from labeling.models import Campaign, Consensus, Target
from standards.models import Standard

MAX_ASKED = 20
# Everybody judges a campaign's golden and calibration targets: the quota is as high as its column allows.
PROBE_QUOTA = 32_000
# Picture sizes that all golden targets have, and at least half of the others; NULL if there are no golden targets.
GOLDEN_SIZES = """
    WITH target AS (
        SELECT id, galaxy_id, purpose = 'golden' AS is_golden FROM labeling_target WHERE campaign_id = %s
    ), count AS (
        SELECT count(*) FILTER (WHERE is_golden) AS golden, count(*) FILTER (WHERE NOT is_golden) AS others FROM target
    ), shared AS (
        SELECT picture.size FROM (
            SELECT DISTINCT target.id, target.is_golden, unnest(image.sizes_px) AS size
              FROM target JOIN catalog_galaxyimage image ON image.galaxy_id = target.galaxy_id AND image.is_current
        ) picture, count
         GROUP BY picture.size, count.golden, count.others
        HAVING count(*) FILTER (WHERE picture.is_golden) = count.golden AND count.golden > 0
           AND 2 * count(*) FILTER (WHERE NOT picture.is_golden) >= count.others
    )
    UPDATE labeling_campaign SET golden_sizes_px = (SELECT array_agg(size ORDER BY size) FROM shared)
     WHERE id = %s
"""
# A finished consensus with at most this error may serve as the known inclination of a golden target.
AGREED_SIGMA_DEG = 1.5


def target_reopen(*, target: Target, people: int = 1, actor: Any = None) -> Target:
    """Ask more people about a galaxy that is finished, waits for a supervisor, or is open without a free slot.

    Earlier results stay as history; the campaign's rule decides again after the new votes.
    """
    if not 1 <= people <= MAX_ASKED:
        raise Refused("bad_number", f"1 to {MAX_ASKED} more people can be asked, not {people}.")
    with transaction.atomic():
        locked = Target.objects.select_for_update(no_key=True).select_related("campaign", "galaxy").get(pk=target.pk)
        if locked.has_room:
            raise Refused("wrong_state", f"{locked.galaxy} is already open and waiting for votes.", status=409)
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
    """Make targets with a known inclination golden; return how many could be.

    It is known for synthetic galaxies, and where the campaign's consensus is finished with an error of at most 1.5°.
    Volunteers must not recognise golden targets, so none may be a standard of the campaign: its own task would not show
    that standard.
    """
    standards = Standard.objects.filter(standard_set=campaign.standard_set_id, galaxy=OuterRef("galaxy"))
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
    known = Target.objects.filter(~Exists(standards), campaign=campaign, pk__in=target_ids).annotate(
        found_deg=Coalesce(Subquery(truth), Subquery(agreed), output_field=FloatField())
    )
    found = dict(known.filter(found_deg__isnull=False).values_list("pk", "found_deg"))
    with transaction.atomic():
        locked = Target.objects.select_for_update(no_key=True).filter(pk__in=found).order_by("pk")
        for target in locked:
            _make_probe(target, Target.Purpose.GOLDEN, found[target.pk])
        _agree_on_sizes(campaign)
        audit.record("targets_golden", actor=actor, subject=campaign.name, count=len(found))
    return len(found)


def targets_make_calibration(*, campaign: Campaign, target_ids: Collection[int], actor: Any = None) -> int:
    """Let everybody judge these targets, so that volunteers can be compared with each other; return how many."""
    with transaction.atomic():
        locked = Target.objects.select_for_update(no_key=True).filter(campaign=campaign, pk__in=target_ids)
        chosen = list(locked.order_by("pk"))
        for target in chosen:
            _make_probe(target, Target.Purpose.CALIBRATION, None)
        _agree_on_sizes(campaign)
        audit.record("targets_calibration", actor=actor, subject=campaign.name, count=len(chosen))
    return len(chosen)


def targets_make_ordinary(*, campaign: Campaign, target_ids: Collection[int], actor: Any = None) -> int:
    """Turn golden and calibration targets into ordinary ones, which the rule may retire at once; return how many."""
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
        _agree_on_sizes(campaign)
        audit.record("targets_ordinary", actor=actor, subject=campaign.name, count=len(chosen))
    return len(chosen)


def _agree_on_sizes(campaign: Campaign) -> None:
    """Store the picture sizes that golden targets share with most others; tasks offer only these.

    Pictures of synthetic galaxies may have other sizes than those of a survey, which would reveal golden targets.
    """
    with connection.cursor() as cursor:
        cursor.execute(GOLDEN_SIZES, [campaign.pk, campaign.pk])


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
