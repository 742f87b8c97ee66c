"""Campaigns: create them, add targets, and open, pause or close them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connection, transaction

from giz.catalog.models import Galaxy
from giz.core import audit
from giz.core.errors import Refused
from giz.core.words import near_names
from labeling.aggregation.estimators import estimator_named
from labeling.aggregation.judgements import UnknownRule
from labeling.aggregation.retirement import first_quota, retirement_rule
from labeling.models import Campaign, Target, Vote
from labeling.services.figures import figures_count, figures_forget
from standards import grid
from standards.models import Standard, StandardSet
from standards.selectors import read_set_standards
from standards.services import standard_set_refresh

# The limits of the model's validators.
LIMITS = {"overlap": (1, 50), "lease_minutes": (1, 240)}

# The order is a hash of seed and PGC number, so it is the same in every database, also for targets added later.
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
    """Counts: ``known`` were targets before; ``without_image`` were left out because they have no picture yet."""

    added: int
    known: int
    without_image: int


def campaign_named(name: str) -> Campaign:
    """Return the campaign of this name; raises Refused, which lists similar names."""
    campaign = Campaign.objects.select_related("standard_set").filter(name=name).first()
    if campaign is None:
        names = list(Campaign.objects.values_list("name", flat=True))
        known = near_names(name, names) or "There are no campaigns yet; create_campaign makes one."
        raise Refused("no_campaign", f"There is no campaign {name!r}. {known}", status=404)
    return campaign


def campaign_numbers(campaign: Campaign) -> list[int]:
    """Return the PGC numbers of a campaign's real galaxies: those to judge, and the standards of its set."""
    real = Galaxy.objects.filter(is_synthetic=False)
    # Two queries with a join each: a single one with OR would check every galaxy of the catalogue against both lists.
    targets = real.filter(targets__campaign=campaign).values_list("pgc", flat=True)
    ruler = real.filter(pk__in=Standard.objects.filter(standard_set=campaign.standard_set_id).values("galaxy"))
    return sorted({*targets, *ruler.values_list("pgc", flat=True)})


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
    """Create a campaign as a draft; `targets_add` and `campaign_open` follow."""
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
        fields = {
            field: [_in_words(field, one, campaign) for one in found] for field, found in error.error_dict.items()
        }
        raise Refused("validation_error", next(iter(fields.values()))[0], fields=fields) from None
    with transaction.atomic():
        campaign.save(force_insert=True)
        audit.record("campaign_create", actor=actor, subject=name, standard_set=str(standard_set), overlap=overlap)
    return campaign


def _in_words(field: str, error: ValidationError, campaign: Campaign) -> str:
    """Return what is wrong with a field of a new campaign, and what is allowed."""
    value = getattr(campaign, field, "")
    longest = (error.params or {}).get("limit_value")
    if field == "name" and error.code == "unique":
        return f"A campaign named {value!r} already exists. Choose another name."
    if field == "name" and error.code in ("invalid", "blank"):
        return (
            "A campaign's name is part of web addresses, so it may only have letters, digits, hyphens and "
            f"underscores, not {value!r}."
        )
    if error.code == "max_length":
        return f"The {field} has {len(value)} characters; up to {longest} are possible."
    if error.code in ("min_value", "max_value"):
        limits = LIMITS[field]
        return (
            f"{field.replace('_', ' ').capitalize()} must be greater than or equal to {limits[0]} and at most "
            f"{limits[1]}, not {value}."
        )
    return f"{field}: {' '.join(error.messages)}"


def targets_add(*, campaign: Campaign, galaxy_ids: Iterable[int] | None = None, priority: int = 5) -> TargetsAdded:
    """Make galaxies with pictures targets, all of them if ``galaxy_ids`` is None; repeating it changes nothing."""
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
    """Make targets for imported votes only: with quota 0 they are served to nobody until `targets_add` adds them."""
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
    """Open the campaign to volunteers; refused if the standards cannot fill a comparison.

    If the standards of a draft have new pictures, it gets the set's next version.
    """
    if campaign.state == Campaign.State.DRAFT and campaign.standard_set.state == StandardSet.State.PUBLISHED:
        campaign_use_set(campaign=campaign, standard_set=standard_set_refresh(campaign.standard_set), actor=actor)
    _check_set(campaign.standard_set)
    was_draft = campaign.state == Campaign.State.DRAFT
    opened = _change_state(campaign, Campaign.State.OPEN, actor)
    if was_draft and Vote.objects.filter(target__campaign=campaign).exists():
        # Votes that were imported into the draft become public, so all must be counted again.
        figures_forget()
    else:
        figures_count()
    return opened


def campaign_use_set(*, campaign: Campaign, standard_set: StandardSet, actor: Any = None) -> Campaign:
    """Use another standard set from the next task on.

    Leased tasks and votes keep their own set, so every vote can still be replayed. Refused if the new standards cannot
    fill a comparison, or if a golden target is among them.
    """
    _check_set(standard_set)
    with transaction.atomic():
        before = Campaign.objects.select_for_update(no_key=True).select_related(None).get(pk=campaign.pk)
        if before.standard_set_id == standard_set.pk:
            return before
        golden = Target.objects.filter(campaign=campaign, purpose=Target.Purpose.GOLDEN)
        clash = golden.filter(galaxy__in=Standard.objects.filter(standard_set=standard_set).values("galaxy"))
        if (target := clash.select_related("galaxy").first()) is not None:
            raise Refused(
                "is_standard",
                f"{target.galaxy} is a golden target of {campaign.name} and a standard of {standard_set}. Its own "
                "comparison would leave it out, so people could tell that it is golden. Make it an ordinary target "
                "first.",
                status=409,
            )
        Campaign.objects.filter(pk=campaign.pk).update(standard_set=standard_set)
        audit.record("campaign_use_set", actor=actor, subject=campaign.name, standard_set=str(standard_set))
    campaign.standard_set = standard_set
    return campaign


def campaign_pause(*, campaign: Campaign, actor: Any = None) -> Campaign:
    """Stop leasing galaxies; votes on leased ones still count."""
    return _change_state(campaign, Campaign.State.PAUSED, actor)


def campaign_close(*, campaign: Campaign, actor: Any = None) -> Campaign:
    """End the campaign; votes on leased galaxies still count."""
    return _change_state(campaign, Campaign.State.CLOSED, actor)


def _check_set(standard_set: StandardSet) -> None:
    if standard_set.state != StandardSet.State.PUBLISHED:
        raise Refused(
            "campaign_misconfigured",
            f"The standard set {standard_set} is still a draft. Publish it first.",
            status=409,
        )
    if not read_set_standards(standard_set.pk).has_enough_panels:
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
