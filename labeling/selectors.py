"""Queries about campaigns and votes; they never write."""

from dataclasses import dataclass
from statistics import fmean
from typing import Annotated, Any, Literal, cast

from django.core.cache import cache
from django.db import connection
from django.db.models import Count, Exists, F, FloatField, OuterRef, Q, QuerySet, Sum
from django.db.models.functions import Coalesce, Greatest, Now

from giz.catalog.models import Band, Galaxy, GalaxyImage
from giz.catalog.storage import IMAGE_PATH
from giz.core.errors import Refused
from labeling.aggregation.need import PROBE_BAND
from labeling.aggregation.retirement import MIN_VOLUNTEERS
from labeling.models import Campaign, Consensus, Figures, PracticeRound, Target, Vote
from labeling.rules import UNDO_TIME
from standards.models import Standard, StandardSet
from standards.selectors import set_standards

VISIBLE = (Campaign.State.OPEN, Campaign.State.PAUSED)
CAMPAIGNS_SECONDS = 5
THUMBNAIL_PX = 128
MAX_SETS_TRIED = 5


@dataclass(frozen=True, slots=True)
class CampaignSetAnswer:
    id: int
    name: str
    version: int


@dataclass(frozen=True, slots=True)
class CampaignAnswer:
    """A campaign as the API describes it (`giz.core.answers`)."""

    name: str
    title: str
    description: str
    state: Literal["open", "paused"]
    standard_set: CampaignSetAnswer
    overlap: int
    galaxies: int
    retired: int
    votes: int


def campaign_summaries() -> list[CampaignAnswer]:
    """Return the campaigns that volunteers may see, with their progress as last counted by a worker."""
    found = cache.get("campaign-answers")
    if found is None:
        visible = Campaign.objects.filter(state__in=VISIBLE).select_related("standard_set", "figures").order_by("name")
        found = [_summary(campaign) for campaign in visible]
        cache.set("campaign-answers", found, CAMPAIGNS_SECONDS)
    return list(found)


def campaign_summary(name: str) -> CampaignAnswer:
    """Return one of `campaign_summaries`; raises Refused 404 ``no_campaign``."""
    for summary in campaign_summaries():
        if summary.name == name:
            return summary
    raise Refused("no_campaign", f"There is no campaign {name!r}.", status=404)


# Each part uses an index of its own, so finished targets cost no time. Fresh galaxies come first (they have the highest
# band), because somebody who judged many has usually judged those with votes.
_WITH_WORK = f"""
    SELECT campaign.id
      FROM labeling_campaign campaign
      JOIN LATERAL (
           SELECT bool_or(found.is_label) AS is_label FROM (
               (SELECT target.purpose = 'label' AS is_label
                  FROM labeling_task held JOIN labeling_target target ON target.id = held.target_id
                 WHERE held.volunteer_id = %(volunteer)s AND held.state = 'leased' AND target.campaign_id = campaign.id
                   AND (target.state = 'open' OR (target.state = 'expert' AND %(is_supervisor)s)))
               UNION ALL
               (SELECT true FROM labeling_target target
                 WHERE target.campaign_id = campaign.id AND target.state = 'open' AND target.band < {PROBE_BAND}
                   AND {{free}} ORDER BY target.band DESC, target.order_key DESC LIMIT 1)
               UNION ALL
               (SELECT true FROM labeling_target target
                 WHERE %(is_supervisor)s AND target.campaign_id = campaign.id AND target.state = 'expert' AND {{free}}
                 ORDER BY target.order_key LIMIT 1)
               UNION ALL
               (SELECT false FROM labeling_target target
                 WHERE target.campaign_id = campaign.id AND target.state = 'open' AND target.band = {PROBE_BAND}
                   AND {{free}} ORDER BY target.order_key LIMIT 1)) found) work ON work.is_label IS NOT NULL
     WHERE campaign.state = 'open'
     ORDER BY work.is_label DESC, campaign.name
""".replace(  # noqa: S608 - constants only
    "{free}",
    """target.quota > target.vote_count + target.lease_count
       AND NOT EXISTS (SELECT FROM labeling_task mine
                        WHERE mine.target_id = target.id AND mine.volunteer_id = %(volunteer)s
                          AND mine.state = 'voted' OFFSET 0)""",
)


def campaign_with_work(user: Any) -> Campaign | None:
    """Return an open campaign with a galaxy that this person (or a visitor) can judge now.

    Campaigns with galaxies to be labelled precede those with golden and calibration targets only; then by name.
    """
    is_supervisor = user.is_authenticated and user.role == user.Role.SUPERVISOR
    with connection.cursor() as cursor:
        cursor.execute(_WITH_WORK, {"volunteer": user.pk or 0, "is_supervisor": is_supervisor})
        found = [row[0] for row in cursor.fetchall()]
    campaigns = Campaign.objects.in_bulk(found)
    usable = (campaigns[pk] for pk in found if pk in campaigns)
    return next((campaign for campaign in usable if _can_compare(campaign)), None)


def _can_compare(campaign: Campaign) -> bool:
    try:
        return set_standards(campaign.standard_set_id).has_enough_panels
    except Refused:
        return False


def newest_comparable_set() -> int | None:
    """Return the id of the newest published set among whose standards a galaxy can be compared."""
    published = StandardSet.objects.filter(state=StandardSet.State.PUBLISHED).order_by("-published_at", "-id")
    newest = published.values_list("id", flat=True)[:MAX_SETS_TRIED]
    return next((set_id for set_id in newest if set_standards(set_id).has_enough_panels), None)


@dataclass(frozen=True, slots=True)
class PracticeAnswer:
    """What somebody practised and kept, as the API describes it; means over the galaxies that were not rejected."""

    rounds: int
    galaxies: int
    mean_error_deg: Annotated[float | None, "mean distance from the truth"]
    mean_offset_deg: Annotated[float | None, "mean difference, positive if more edge-on than the truth"]


def practice_of(volunteer_id: int) -> PracticeAnswer:
    """Return the sums of the rounds that a person keeps."""
    rounds = list(PracticeRound.objects.filter(volunteer_id=volunteer_id).values_list("judgements", flat=True))
    judged = [entry["error_deg"] for judgements in rounds for entry in judgements]
    errors = [error_deg for error_deg in judged if error_deg is not None]
    mean_error_deg = round(fmean(map(abs, errors)), 2) if errors else None
    return PracticeAnswer(len(rounds), len(judged), mean_error_deg, round(fmean(errors), 2) if errors else None)


def _summary(campaign: Campaign) -> CampaignAnswer:
    figures = getattr(campaign, "figures", None) or Figures()
    return CampaignAnswer(
        name=campaign.name,
        title=campaign.title,
        description=campaign.description,
        state=cast(Any, campaign.state),
        standard_set=CampaignSetAnswer(
            campaign.standard_set_id, campaign.standard_set.name, campaign.standard_set.version
        ),
        overlap=campaign.overlap,
        galaxies=figures.galaxies,
        retired=figures.retired,
        votes=figures.votes,
    )


def vote_counts(volunteer_id: int) -> dict[str, int]:
    """Return how many votes of a volunteer count, and how many of these reject."""
    counted = Vote.objects.filter(volunteer_id=volunteer_id, standing=Vote.Standing.COUNTED)
    return counted.aggregate(votes=Count("id"), rejected=Count("id", filter=~Q(verdict="A")))


def votes_of(volunteer_id: int) -> QuerySet[Vote]:
    """Return a volunteer's votes, newest first, each with ``can_undo`` according to the database's clock."""
    undoable = Q(standing=Vote.Standing.COUNTED, task__isnull=False, created_at__gt=Now() - UNDO_TIME)
    return (
        Vote.objects.filter(volunteer_id=volunteer_id)
        .select_related("target__galaxy", "target__campaign", "task")
        .only(
            "key", "standing", "verdict", "inclination_deg", "reasons", "comment", "created_at",
            "target__galaxy__name", "target__galaxy__pgc", "target__campaign__name", "task__state",
        )
        .annotate(can_undo=undoable, galaxy=F("target__galaxy_id"))
        .order_by("-created_at", "-id")
    )  # fmt: skip


def thumbnails(galaxy_ids: list[int]) -> dict[int, str]:
    """Return the address of a small picture of each galaxy: in colour if there is one, else in any band."""
    images = GalaxyImage.objects.filter(galaxy_id__in=galaxy_ids, is_current=True)
    found: dict[int, str] = {}
    for galaxy_id, band, stem, sizes_px in images.values_list("galaxy_id", "band", "stem", "sizes_px"):
        if sizes_px and (band == Band.COLOUR or galaxy_id not in found):
            size = min(sizes_px, key=lambda px: abs(px - THUMBNAIL_PX))
            found[galaxy_id] = IMAGE_PATH.format(stem=stem, size=size)
    return found


def site_stats() -> dict[str, Any]:
    """Return the numbers of volunteers, judged galaxies and counted votes, without drafts and simulated crowds.

    A worker counts them (`labeling.services.figures`); before its first run all are 0.
    """
    found = Figures.objects.filter(campaign=None).values("people", "galaxies", "votes").first()
    figures = found or {"people": 0, "galaxies": 0, "votes": 0}
    return {"volunteers": figures["people"], "galaxies": figures["galaxies"], "votes": figures["votes"]}


def galaxies_by_pgc(numbers: list[int]) -> dict[int, int]:
    """Return ids of galaxies by PGC number, without unknown numbers."""
    return dict(Galaxy.objects.filter(pgc__in=numbers).values_list("pgc", "id"))


def standards_among(standard_set: StandardSet, galaxy_ids: list[int]) -> int:
    """Return how many of these galaxies are standards of the set."""
    return Standard.objects.filter(standard_set=standard_set, galaxy__in=galaxy_ids).count()


def galaxies_of_set(standard_set: StandardSet) -> list[int]:
    return list(Standard.objects.filter(standard_set=standard_set).values_list("galaxy_id", flat=True))


def galaxies_beside(standard_set: StandardSet) -> list[int]:
    """Return every galaxy with pictures that is not a standard of the set.

    Synthetic galaxies, such as those of the demo sky, are included only if some of the standards are synthetic.
    """
    pictured = Galaxy.objects.filter(Exists(GalaxyImage.objects.filter(galaxy=OuterRef("pk"), is_current=True)))
    if not Standard.objects.filter(standard_set=standard_set, galaxy__is_synthetic=True).exists():
        pictured = pictured.filter(is_synthetic=False)
    ruler = Standard.objects.filter(standard_set=standard_set, galaxy=OuterRef("pk"))
    return list(pictured.filter(~Exists(ruler)).values_list("pk", flat=True))


# The votes that a target still needs: the planned number, or its free slots if there is none yet.
VOTES_TO_GO = Coalesce(F("votes_to_go"), Greatest(F("quota") - F("vote_count"), 0) * 1.0, output_field=FloatField())


def campaign_votes_to_go(campaign: Campaign) -> float:
    """Return the expected number of votes that the open galaxies of a campaign still need; for planning."""
    open_ones = Target.objects.filter(campaign=campaign, purpose=Target.Purpose.LABEL, state=Target.State.OPEN)
    return float(open_ones.aggregate(votes=Sum(VOTES_TO_GO))["votes"] or 0.0)


def verdict_summary(*, campaign_id: int) -> dict[str, int]:
    """Return how many galaxies of a campaign have each verdict, three judgements or more, and are retired."""
    current = Consensus.objects.filter(target__campaign_id=campaign_id, is_current=True, volunteer_count__gt=0)
    return current.filter(estimator=F("target__campaign__estimator")).aggregate(
        accepted=Count("id", filter=Q(verdict="A")),
        face_on=Count("id", filter=Q(verdict="F")),
        rejected=Count("id", filter=Q(verdict="J")),
        split=Count("id", filter=Q(is_split=True)),
        published=Count("id", filter=Q(volunteer_count__gte=MIN_VOLUNTEERS)),
        retired=Count("id", filter=Q(status=Consensus.Status.RETIRED)),
    )
