"""Campaigns: make them, give them targets, open, pause and close them."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.db.models import Q

from giz.catalog.models import Galaxy
from giz.core import audit
from giz.core.errors import Refused
from labeling.aggregation.estimators import estimator_named
from labeling.aggregation.judgements import UnknownRule
from labeling.aggregation.retirement import first_quota, retirement_rule
from labeling.models import Campaign, Target
from labeling.pools import read_set_pools
from standards import grid
from standards.models import Standard, StandardSet
from standards.services import standard_set_refresh

MAX_NAMES = 20

# The order is a hash of seed and PGC number, so it is the same in every database and for targets that come later.
_ADD_TARGETS = """
    INSERT INTO labeling_target AS known
        (campaign_id, galaxy_id, state, quota, vote_count, lease_count, priority, order_key)
    SELECT %(campaign)s, galaxy.id, 'open', %(quota)s, 0, 0, %(priority)s,
           ('x' || substr(md5(%(seed)s || '|' || galaxy.pgc), 1, 13))::bit(52)::bigint / 4503599627370496.0
      FROM catalog_galaxy galaxy
     WHERE (%(ids)s::bigint[] IS NULL OR galaxy.id = ANY(%(ids)s))
       AND (%(quota)s = 0
            OR EXISTS (SELECT FROM catalog_galaxyimage image WHERE image.galaxy_id = galaxy.id AND image.is_current))
    ON CONFLICT (campaign_id, galaxy_id) DO UPDATE SET quota = EXCLUDED.quota
     WHERE known.quota = 0 AND EXCLUDED.quota > 0
"""

_ALLOWED_FROM = {
    Campaign.State.OPEN: (Campaign.State.DRAFT, Campaign.State.PAUSED, Campaign.State.CLOSED),
    Campaign.State.PAUSED: (Campaign.State.OPEN,),
    Campaign.State.CLOSED: (Campaign.State.DRAFT, Campaign.State.OPEN, Campaign.State.PAUSED),
}


@dataclass(frozen=True, slots=True)
class TargetsAdded:
    """``known`` were targets before; ``without_image`` have no picture yet and were left out."""

    added: int
    known: int
    without_image: int


def near_names(name: str, known: Iterable[str]) -> str:
    """Say which of the known names was probably meant, or which there are; empty where there is none."""
    names = list(dict.fromkeys(known))
    close = difflib.get_close_matches(name.lower(), names, n=3, cutoff=0.6)
    if close:
        return f"Did you mean {' or '.join(close)}?"
    more = f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""
    return f"There are: {', '.join(names[:MAX_NAMES])}{more}." if names else ""


def campaign_named(name: str) -> Campaign:
    """Return the campaign; raises Refused naming those that exist."""
    campaign = Campaign.objects.select_related("standard_set").filter(name=name).first()
    if campaign is None:
        names = list(Campaign.objects.values_list("name", flat=True))
        known = near_names(name, names) or "There is none yet; create_campaign makes one."
        raise Refused("no_campaign", f"There is no campaign {name!r}. {known}", status=404)
    return campaign


def campaign_numbers(campaign: Campaign) -> list[int]:
    """Return the PGC numbers of a campaign's real galaxies: those to judge, and the standards of its set."""
    targets = Target.objects.filter(campaign=campaign).values("galaxy")
    ruler = Standard.objects.filter(standard_set=campaign.standard_set_id).values("galaxy")
    galaxies = Galaxy.objects.filter(Q(pk__in=targets) | Q(pk__in=ruler), is_synthetic=False)
    return list(galaxies.order_by("pgc").values_list("pgc", flat=True))


def campaign_create(
    *,
    name: str,
    standard_set: StandardSet,
    title: str = "",
    description: str = "",
    overlap: int = 3,
    lease_minutes: int = 15,
    estimator: str = "median",
    retirement: str = "fixed",
    uses_network: bool = True,
    actor: Any = None,
) -> Campaign:
    """Make a campaign in draft; targets_add and campaign_open bring it to life."""
    try:
        estimator_named(estimator)
        retirement_rule(retirement)
    except UnknownRule as error:
        raise Refused("unknown_rule", str(error)) from None
    campaign = Campaign(
        name=name,
        title=title or name,
        description=description,
        standard_set=standard_set,
        overlap=overlap,
        lease_minutes=lease_minutes,
        estimator=estimator,
        retirement=retirement,
        uses_network=uses_network,
    )
    try:
        campaign.full_clean(exclude=["created_at"])
    except ValidationError as error:
        fields = {field: [str(text) for text in texts] for field, texts in error.message_dict.items()}
        first = next(iter(fields))
        raise Refused("validation_error", f"{first}: {fields[first][0]}", fields=fields) from None
    with transaction.atomic():
        campaign.save(force_insert=True)
        audit.record("campaign_create", actor=actor, subject=name, standard_set=str(standard_set), overlap=overlap)
    return campaign


def targets_add(*, campaign: Campaign, galaxy_ids: Iterable[int] | None = None, priority: int = 5) -> TargetsAdded:
    """Make targets of galaxies that have pictures (of all where ``galaxy_ids`` is None); repeats change nothing."""
    ids = None if galaxy_ids is None else sorted(set(galaxy_ids))
    values: dict[str, Any] = {
        "campaign": campaign.pk,
        "quota": first_quota(campaign.retirement, campaign.overlap),
        "priority": priority,
        "seed": str(campaign.seed),
        "ids": ids,
    }
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_ADD_TARGETS, values)
        added = cursor.rowcount
        cursor.execute(
            """SELECT count(*), count(*) FILTER (WHERE EXISTS (
                   SELECT FROM catalog_galaxyimage image WHERE image.galaxy_id = galaxy.id AND image.is_current))
                 FROM catalog_galaxy galaxy WHERE %(ids)s::bigint[] IS NULL OR galaxy.id = ANY(%(ids)s)""",
            values,
        )
        asked, pictured = cursor.fetchone()
    return TargetsAdded(added=added, known=pictured - added, without_image=asked - pictured)


def targets_add_unserved(*, campaign: Campaign, galaxy_ids: Iterable[int]) -> None:
    """Make targets that only hold votes given elsewhere: served to nobody (quota 0) until targets_add adds them."""
    values: dict[str, Any] = {
        "campaign": campaign.pk,
        "quota": 0,
        "priority": 5,
        "seed": str(campaign.seed),
        "ids": sorted(galaxy_ids),
    }
    with connection.cursor() as cursor:
        cursor.execute(_ADD_TARGETS, values)


def campaign_open(*, campaign: Campaign, actor: Any = None) -> Campaign:
    """Let volunteers in. Refused while the standards can't fill a comparison.

    A draft takes the pictures along that its standards got since: the set's next version, if there is need of one.
    """
    if campaign.state == Campaign.State.DRAFT and campaign.standard_set.state == StandardSet.State.PUBLISHED:
        campaign_use_set(campaign=campaign, standard_set=standard_set_refresh(campaign.standard_set), actor=actor)
    _check_set(campaign.standard_set)
    return _change_state(campaign, Campaign.State.OPEN, actor)


def campaign_use_set(*, campaign: Campaign, standard_set: StandardSet, actor: Any = None) -> Campaign:
    """Compare with another standard set from the next task on.

    Tasks that are out keep the set that they were leased with, and a vote names its own, so every vote still replays.
    Refused while the new standards can't fill a comparison.
    """
    _check_set(standard_set)
    with transaction.atomic():
        before = Campaign.objects.select_for_update(no_key=True).select_related(None).get(pk=campaign.pk)
        if before.standard_set_id != standard_set.pk:
            Campaign.objects.filter(pk=campaign.pk).update(standard_set=standard_set)
            audit.record("campaign_use_set", actor=actor, subject=campaign.name, standard_set=str(standard_set))
    campaign.standard_set = standard_set
    return campaign


def campaign_pause(*, campaign: Campaign, actor: Any = None) -> Campaign:
    """Hand out no new tasks; votes on tasks that are out still count."""
    return _change_state(campaign, Campaign.State.PAUSED, actor)


def campaign_close(*, campaign: Campaign, actor: Any = None) -> Campaign:
    """End the campaign; votes on tasks that are out still count."""
    return _change_state(campaign, Campaign.State.CLOSED, actor)


def _check_set(standard_set: StandardSet) -> None:
    if standard_set.state != StandardSet.State.PUBLISHED:
        raise Refused(
            "campaign_misconfigured",
            f"The standard set {standard_set} is a draft and could still change. Publish it first.",
            status=409,
        )
    if not read_set_pools(standard_set.pk).has_enough_panels:
        raise Refused(
            "campaign_misconfigured",
            f"The standard set {standard_set} has too few standards with pictures: each row of nine panels needs at "
            f"least {grid.MIN_PANELS} that can be filled. `manage.py standards_coverage --set {standard_set.name}` "
            "shows the empty bins.",
            status=409,
        )


def _change_state(campaign: Campaign, state: Campaign.State, actor: Any) -> Campaign:
    allowed = _ALLOWED_FROM[state]
    with transaction.atomic():
        changed = Campaign.objects.filter(pk=campaign.pk, state__in=allowed).update(state=state)
        campaign.refresh_from_db(fields=["state"])
        if not changed and campaign.state != state:
            raise Refused(
                "wrong_state",
                f"Campaign {campaign.name} is {campaign.state}; only {' or '.join(allowed)} ones can become {state}.",
                status=409,
            )
        if changed:
            audit.record(f"campaign_{state}", actor=actor, subject=campaign.name)
    return campaign
