"""What predictions ask: which networks answer, what the catalogue has of a galaxy, which standards lie near."""

import uuid
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now, Upper

from giz.catalog.models import Galaxy, GalaxyImage, GalaxyShape
from giz.catalog.storage import IMAGE_PATH
from giz.core.errors import Refused
from giz.core.jobs import UNFINISHED
from giz.core.models import Job
from giz.inference.models import Source
from giz.training.models import ModelVersion
from giz.training.nn.names import OURS
from giz.training.selectors import answering_models, served_model
from labeling.models import Campaign, Target
from standards.grid import WINDOW_PANELS, bin_of, clip_window, panel_sources, window_bins
from standards.models import StandardSet
from standards.selectors import set_document

NEIGHBOUR_PX = 256
KEPT_SETS = 4
EXAMPLES, EXAMPLES_FROM = 6, 240
SHORT_DIGITS = 12
JOB_COMES_WITHIN = timedelta(seconds=30)


def models_now() -> list[ModelVersion]:
    """The networks that answer, the served one first; empty where there is none."""
    answering = answering_models()
    return [answering[role] for role in sorted(answering, key=lambda role: (role != OURS, role))]


def model_version(short: str) -> ModelVersion | None:
    """The network whose checksum begins with these twelve digits."""
    if len(short) != SHORT_DIGITS:
        return None
    return ModelVersion.objects.filter(sha256__startswith=short).first()


def model_named(version: str | None) -> ModelVersion:
    """The network whose checksum begins so (twelve digits or all of it); without, the served one.

    Raises
    ------
    Refused
        ``no_model``: none is served, or there is none of this version.
    """
    if version is None:
        served = served_model()
        if served is None:
            raise Refused(
                "no_model", "No network is served here yet. Train one, or see `manage.py models`.", status=503
            )
        return served
    found = list(ModelVersion.objects.filter(sha256__startswith=version)[:2])
    if len(found) != 1 or len(version) < SHORT_DIGITS:
        raise Refused("no_model", f"There is no network {version[:64]!r}. `manage.py models` lists them.", status=404)
    return found[0]


def source_now(source_id: uuid.UUID) -> Source | None:
    """The source of this id, unless its day is over."""
    return Source.objects.filter(id=source_id, expires_at__gt=Now()).select_related("galaxy").first()


def lost_fetches() -> QuerySet[Source]:
    """Sources that wait for pictures though nobody fetches them any more: their job is over, or gone."""
    job_goes_on = Job.objects.filter(pk=OuterRef("job_id"), state__in=UNFINISHED)
    # Just opened, a source has no job yet.
    is_new = Q(job__isnull=True, created_at__gt=Now() - JOB_COMES_WITHIN)
    return Source.objects.filter(~Exists(job_goes_on), ~is_new, state=Source.State.FETCHING)


def galaxy_of_pgc(pgc: int) -> Galaxy | None:
    return Galaxy.objects.filter(pgc=pgc).first()


def galaxy_of_name(name: str) -> Galaxy | None:
    """The galaxy of the catalogue with this name, blanks and case aside ("NGC 4258" is "ngc4258")."""
    spellings = {name.upper(), name.upper().replace(" ", "")}
    return Galaxy.objects.annotate(upper=Upper("name")).filter(upper__in=spellings).order_by("pgc").first()


def current_images(galaxy: Galaxy) -> dict[str, GalaxyImage]:
    """The pictures of a galaxy by band."""
    return {image.band: image for image in galaxy.images.filter(is_current=True) if image.sizes_px}


def measured_shape(galaxy: Galaxy) -> GalaxyShape | None:
    return GalaxyShape.objects.filter(galaxy=galaxy, axial_ratio__isnull=False).first()


def open_campaign(galaxy: Galaxy) -> Campaign | None:
    """An open campaign in which this galaxy still waits for judgements, the newest first."""
    waits = Target.objects.filter(campaign=OuterRef("pk"), galaxy=galaxy, state=Target.State.OPEN)
    return _open_campaigns().filter(Exists(waits)).first()


def _open_campaigns() -> QuerySet[Campaign]:
    open_ones = Campaign.objects.filter(state=Campaign.State.OPEN).select_related("standard_set")
    return open_ones.order_by("-created_at", "-id")


def example_images() -> list[GalaxyImage]:
    """Colour pictures of a few galaxies to try: spread over those of the newest open campaign, else over all.

    Only the first galaxies are looked through, so that a large catalogue answers as quickly as a small one.
    """
    pictured = GalaxyImage.objects.filter(is_current=True, band="gri", sizes_px__len__gt=0)
    campaign = _open_campaigns().first()
    asked = pictured.filter(galaxy__targets__campaign=campaign) if campaign else pictured.none()
    for images in (asked, pictured):
        numbers = list(images.order_by("galaxy__pgc").values_list("pk", flat=True)[:EXAMPLES_FROM])
        if numbers:
            chosen = numbers[:: max(1, len(numbers) // EXAMPLES)][:EXAMPLES]
            return list(images.filter(pk__in=chosen).select_related("galaxy").order_by("galaxy__pgc"))
    return []


def ruler(campaign: Campaign | None) -> StandardSet | None:
    """The standards shown beside a prediction: those of its campaign, else of the newest open one, else the newest."""
    chosen = campaign or _open_campaigns().first()
    if chosen is not None:
        return chosen.standard_set
    published = StandardSet.objects.filter(state=StandardSet.State.PUBLISHED)
    return published.order_by("-published_at", "-id").first()


@dataclass(frozen=True, slots=True)
class Panel:
    """One standard of a set as it is shown beside a prediction."""

    inclination_deg: float
    pgc: int
    picture_url: str
    rotation_deg: float
    zoom: float


def nearest_panels(standard_set: StandardSet, inclination_deg: float) -> list[Panel]:
    """The nine standards, one a degree, with this inclination in their middle (as far as the grid goes)."""
    by_bin = _panels_by_bin(standard_set.pk)
    sources = panel_sources(by_bin)
    middle = bin_of(min(max(inclination_deg, 45.0), 90.0))
    bins = [sources[nominal] for nominal in window_bins(clip_window(middle - WINDOW_PANELS // 2)) if nominal in sources]
    return [by_bin[bin_deg] for bin_deg in dict.fromkeys(bins)]


@lru_cache(maxsize=KEPT_SETS)
def _panels_by_bin(set_id: int) -> dict[int, Panel]:
    """One standard of each bin: the first that has a colour picture, else the first. A published set never changes."""
    standard_set = StandardSet.objects.get(pk=set_id)
    document = set_document(standard_set)
    known = dict(standard_set.standards.values_list("id", "galaxy__pgc"))
    inclinations = dict(standard_set.standards.values_list("id", "inclination_deg"))
    chosen: dict[int, dict[str, Any]] = {}
    for standard in document["standards"]:
        kept = chosen.get(standard["bin_deg"])
        if kept is None or ("gri" in standard["images"] and "gri" not in kept["images"]):
            chosen[standard["bin_deg"]] = standard
    return {
        bin_deg: Panel(
            inclination_deg=inclinations[standard["id"]],
            pgc=known[standard["id"]],
            picture_url=_picture_url(standard, document["sizes_px"]),
            rotation_deg=standard["rotation_deg"],
            zoom=standard["zoom"],
        )
        for bin_deg, standard in sorted(chosen.items())
    }


def _picture_url(standard: dict[str, Any], common_px: list[int]) -> str:
    band = next(band for band in ("gri", "r", "i", "g") if band in standard["images"])
    return small_picture_url(standard["images"][band], standard.get("sizes_px") or common_px)


def small_picture_url(stem: str, sizes_px: list[int]) -> str:
    """The address of a picture beside others: the smallest file that is sharp there."""
    sizes = sorted(sizes_px)
    size = next((px for px in sizes if px >= NEIGHBOUR_PX), sizes[-1] if sizes else NEIGHBOUR_PX)
    return IMAGE_PATH.format(stem=stem, size=size)
