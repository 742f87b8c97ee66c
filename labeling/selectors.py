"""Questions about campaigns and votes; they never write."""

from dataclasses import dataclass
from typing import Any

from django.core.cache import cache
from django.db import connection
from django.db.models import Count, Exists, F, FloatField, OuterRef, Q, QuerySet, Sum
from django.db.models.functions import Coalesce, Greatest, Now

from giz.catalog.models import Band, Galaxy, GalaxyImage
from giz.catalog.storage import IMAGE_PATH
from giz.core.errors import Refused
from labeling.aggregation.retirement import MIN_VOLUNTEERS
from labeling.models import Campaign, Consensus, Target, Vote
from labeling.rules import SIMULATED_SOURCE, UNDO_TIME
from standards.models import Standard, StandardSet

VISIBLE = (Campaign.State.OPEN, Campaign.State.PAUSED)
STATS_SECONDS = 60
CAMPAIGNS_SECONDS = 5
THUMBNAIL_PX = 128


@dataclass(frozen=True, slots=True)
class CampaignSummary:
    name: str
    title: str
    description: str
    state: str
    overlap: int
    standard_set_id: int
    standard_set_name: str
    standard_set_version: int
    galaxies: int
    retired: int
    votes: int


def campaign_summaries() -> list[CampaignSummary]:
    """Campaigns that volunteers may see, with their progress; counted at most every five seconds."""
    found = cache.get("campaign-summaries")
    if found is None:
        found = [_summary(campaign) for campaign in _visible_campaigns()]
        cache.set("campaign-summaries", found, CAMPAIGNS_SECONDS)
    return list(found)


def campaign_summary(name: str) -> CampaignSummary:
    """One of `campaign_summaries`; raises Refused 404 ``no_campaign``."""
    for summary in campaign_summaries():
        if summary.name == name:
            return summary
    raise Refused("no_campaign", f"There is no campaign {name!r}.", status=404)


def _visible_campaigns() -> QuerySet[Campaign]:
    return Campaign.objects.filter(state__in=VISIBLE).select_related("standard_set").order_by("name")


def _summary(campaign: Campaign) -> CampaignSummary:
    counts = Target.objects.filter(campaign=campaign, purpose=Target.Purpose.LABEL).aggregate(
        galaxies=Count("id"), retired=Count("id", filter=Q(state=Target.State.RETIRED)), votes=Sum("vote_count")
    )
    return CampaignSummary(
        name=campaign.name,
        title=campaign.title,
        description=campaign.description,
        state=campaign.state,
        overlap=campaign.overlap,
        standard_set_id=campaign.standard_set_id,
        standard_set_name=campaign.standard_set.name,
        standard_set_version=campaign.standard_set.version,
        galaxies=counts["galaxies"],
        retired=counts["retired"],
        votes=counts["votes"] or 0,
    )


def vote_counts(volunteer_id: int) -> dict[str, int]:
    """How many votes of a volunteer count, and how many of them reject."""
    counted = Vote.objects.filter(volunteer_id=volunteer_id, standing=Vote.Standing.COUNTED)
    return counted.aggregate(votes=Count("id"), rejected=Count("id", filter=~Q(verdict="A")))


def votes_of(volunteer_id: int) -> QuerySet[Vote]:
    """A volunteer's votes, newest first, each with ``can_undo`` by the database's clock."""
    undoable = Q(standing=Vote.Standing.COUNTED, task__isnull=False, created_at__gt=Now() - UNDO_TIME)
    return (
        Vote.objects.filter(volunteer_id=volunteer_id)
        .select_related("target__galaxy", "target__campaign")
        .only(
            "key", "standing", "verdict", "inclination_deg", "reasons", "comment", "created_at",
            "target__galaxy__name", "target__galaxy__pgc", "target__campaign__name",
        )
        .annotate(can_undo=undoable, galaxy=F("target__galaxy_id"))
        .order_by("-created_at", "-id")
    )  # fmt: skip


def thumbnails(galaxy_ids: list[int]) -> dict[int, str]:
    """The address of a small picture of each galaxy: colour where there is one, else any band."""
    images = GalaxyImage.objects.filter(galaxy_id__in=galaxy_ids, is_current=True)
    found: dict[int, str] = {}
    for galaxy_id, band, stem, sizes_px in images.values_list("galaxy_id", "band", "stem", "sizes_px"):
        if sizes_px and (band == Band.COLOUR or galaxy_id not in found):
            size = min(sizes_px, key=lambda px: abs(px - THUMBNAIL_PX))
            found[galaxy_id] = IMAGE_PATH.format(stem=stem, size=size)
    return found


def site_stats() -> dict[str, Any]:
    """People who voted, galaxies they judged, votes; simulated crowds left out; counted at most once a minute."""
    found = cache.get("site-stats")
    if found is None:
        with connection.cursor() as cursor:
            cursor.execute(
                """SELECT count(DISTINCT volunteer_id), count(DISTINCT target.galaxy_id), count(*)
                     FROM labeling_vote vote JOIN labeling_target target ON target.id = vote.target_id
                     JOIN accounts_user volunteer ON volunteer.id = vote.volunteer_id
                    WHERE vote.standing IN ('counted', 'repeat') AND volunteer.import_source <> %s""",
                [SIMULATED_SOURCE],
            )
            volunteers, galaxies, votes = cursor.fetchone()
        found = {"volunteers": volunteers, "galaxies": galaxies, "votes": votes}
        cache.set("site-stats", found, STATS_SECONDS)
    return dict(found)


def galaxies_by_pgc(numbers: list[int]) -> dict[int, int]:
    """Ids of galaxies by PGC number; unknown numbers are absent."""
    return dict(Galaxy.objects.filter(pgc__in=numbers).values_list("pgc", "id"))


def galaxies_of_set(standard_set: StandardSet) -> list[int]:
    return list(Standard.objects.filter(standard_set=standard_set).values_list("galaxy_id", flat=True))


def galaxies_beside(standard_set: StandardSet) -> list[int]:
    """Every galaxy with pictures that is no standard of the set: the set is the ruler, not what is measured.

    Synthetic galaxies (a demo sky's, say) are among them only where some of the standards are synthetic, too.
    """
    pictured = Galaxy.objects.filter(Exists(GalaxyImage.objects.filter(galaxy=OuterRef("pk"), is_current=True)))
    if not Standard.objects.filter(standard_set=standard_set, galaxy__is_synthetic=True).exists():
        pictured = pictured.filter(is_synthetic=False)
    ruler = Standard.objects.filter(standard_set=standard_set, galaxy=OuterRef("pk"))
    return list(pictured.filter(~Exists(ruler)).values_list("pk", flat=True))


# What a target still needs: as planned where somebody has looked at it, else its free places.
VOTES_TO_GO = Coalesce(F("votes_to_go"), Greatest(F("quota") - F("vote_count"), 0) * 1.0, output_field=FloatField())


def campaign_votes_to_go(campaign: Campaign) -> float:
    """How many votes the open galaxies of a campaign are expected to need still; for planning."""
    open_ones = Target.objects.filter(campaign=campaign, purpose=Target.Purpose.LABEL, state=Target.State.OPEN)
    return float(open_ones.aggregate(votes=Sum(VOTES_TO_GO))["votes"] or 0.0)


def verdict_summary(*, campaign_id: int) -> dict[str, int]:
    """How many galaxies of a campaign have which verdict, are judged by three people or more, are retired."""
    current = Consensus.objects.filter(target__campaign_id=campaign_id, is_current=True, volunteer_count__gt=0)
    return current.filter(estimator=F("target__campaign__estimator")).aggregate(
        accepted=Count("id", filter=Q(verdict="A")),
        face_on=Count("id", filter=Q(verdict="F")),
        rejected=Count("id", filter=Q(verdict="J")),
        split=Count("id", filter=Q(is_split=True)),
        published=Count("id", filter=Q(volunteer_count__gte=MIN_VOLUNTEERS)),
        retired=Count("id", filter=Q(status=Consensus.Status.RETIRED)),
    )
