"""Queries for predictions: the networks that answer, the galaxy in the catalogue, the nearest standards."""

import math
import uuid
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Annotated, Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Coalesce, Greatest, Now

from giz.catalog.models import Galaxy, GalaxyImage, GalaxyShape, plain_name
from giz.catalog.selectors import galaxy_at_named_place, numbers_named
from giz.catalog.storage import IMAGE_PATH
from giz.core.errors import Refused
from giz.core.jobs import UNFINISHED
from giz.core.models import Job
from giz.core.vocabulary import BEST_FIRST
from giz.inference.models import Source
from giz.surveys.sesame import NAMED_WITHIN_ARCSEC
from giz.training.models import ModelVersion
from giz.training.nn.kinds import OURS
from giz.training.selectors import answering_models, served_model
from labeling.aggregation.need import PROBE_BAND
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
    """Return the networks that answer, the served one first."""
    answering = answering_models()
    return [answering[role] for role in sorted(answering, key=lambda role: (role != OURS, role))]


def model_version(short: str) -> ModelVersion | None:
    """Return the network whose checksum begins with these twelve digits."""
    if len(short) != SHORT_DIGITS:
        return None
    return ModelVersion.objects.filter(sha256__startswith=short).first()


def model_named(version: str | None) -> ModelVersion:
    """Return the network whose checksum begins with `version` (at least twelve digits); without it, the served one.

    Raises
    ------
    Refused
        ``no_model``: none is served, or there is none of this version.
    """
    if version is None:
        served = served_model()
        if served is None:
            raise Refused(
                "no_model", "No network is in use here yet. Train one, or see `manage.py models`.", status=503
            )
        return served
    found = list(ModelVersion.objects.filter(sha256__startswith=version)[:2])
    if len(found) != 1 or len(version) < SHORT_DIGITS:
        raise Refused("no_model", f"There is no network {version[:64]!r}. `manage.py models` lists them.", status=404)
    return found[0]


def source_now(source_id: uuid.UUID) -> Source | None:
    """Return the source with this id, unless it has expired."""
    return Source.objects.filter(id=source_id, expires_at__gt=Now()).select_related("galaxy").first()


def lost_fetches() -> QuerySet[Source]:
    """Return the sources that wait for pictures although their job has ended or is gone."""
    is_running = Job.objects.filter(pk=OuterRef("job_id"), state__in=UNFINISHED)
    # A new source has no job yet.
    is_new = Q(job__isnull=True, created_at__gt=Now() - JOB_COMES_WITHIN)
    return Source.objects.filter(~Exists(is_running), ~is_new, state=Source.State.FETCHING)


def galaxy_of_pgc(pgc: int) -> Galaxy | None:
    return Galaxy.objects.filter(pgc=pgc).first()


def galaxy_of_name(name: str) -> Galaxy | None:
    """Return the catalogue galaxy with this name in any spelling: "NGC 4258" is "ngc4258", "NGC 1" is "NGC0001".

    Identifiers of other catalogues are looked up first, and a name with a position (J104059-270456) last.
    Of several galaxies it is one with pictures, then the one with the lowest number.
    """
    named = Galaxy.objects.alias(plain=plain_name("name")).filter(plain=plain_name(Value(name)))
    pictured = GalaxyImage.objects.filter(galaxy=OuterRef("pk"), is_current=True, sizes_px__len__gt=0)
    numbers = numbers_named(name)
    candidates = Galaxy.objects.filter(pgc__in=numbers) if numbers else named.exclude(name="")
    found = candidates.alias(is_pictured=Exists(pictured)).order_by("-is_pictured", "pgc").first()
    return found or galaxy_at_named_place(name)


def judged_blind(galaxy: Galaxy | None, place: tuple[float, float] | None = None) -> Campaign | None:
    """Return the open campaign with golden or calibration targets that contains this galaxy or position."""
    measuring = list(measuring_campaigns())
    if not measuring:
        return None
    targets = Target.objects.filter(campaign__in=measuring).select_related("campaign")
    if galaxy is not None:
        found = targets.filter(galaxy=galaxy).first()
    elif place is not None:
        found = targets.filter(_lies_on(*place)).first()
    else:
        found = None
    return found.campaign if found else None


def measuring_campaigns() -> QuerySet[Campaign]:
    """Return the open campaigns with golden or calibration targets, by which they measure their volunteers."""
    probes = Target.objects.filter(campaign=OuterRef("pk"), band=PROBE_BAND)
    return Campaign.objects.filter(Exists(probes), state=Campaign.State.OPEN)


def _lies_on(ra_deg: float, dec_deg: float) -> Q:
    """Select targets whose galaxy covers this position: within half its D25, at least ten arcsec."""
    reach_deg = Greatest(Value(NAMED_WITHIN_ARCSEC), Coalesce(F("galaxy__d25_arcsec"), Value(0.0)) / 2) / 3600
    across_deg = reach_deg / max(math.cos(math.radians(dec_deg)), 1e-3)
    nearby = Q()
    for turn_deg in (-360, 0, 360):
        ra = Value(ra_deg + turn_deg)
        nearby |= Q(galaxy__ra_deg__gte=ra - across_deg, galaxy__ra_deg__lte=ra + across_deg)
    dec = Value(dec_deg)
    return nearby & Q(galaxy__dec_deg__gte=dec - reach_deg, galaxy__dec_deg__lte=dec + reach_deg)


def current_images(galaxy: Galaxy) -> dict[str, GalaxyImage]:
    """Return the pictures of a galaxy by band."""
    return {image.band: image for image in galaxy.images.filter(is_current=True) if image.sizes_px}


def measured_shape(galaxy: Galaxy) -> GalaxyShape | None:
    return GalaxyShape.objects.filter(galaxy=galaxy, axial_ratio__isnull=False).first()


def open_campaign(galaxy: Galaxy) -> Campaign | None:
    """Return the newest open campaign in which this galaxy still needs votes."""
    waits = Target.objects.filter(campaign=OuterRef("pk"), galaxy=galaxy, state=Target.State.OPEN)
    return _open_campaigns().filter(Exists(waits)).first()


def campaign_around(galaxy: Galaxy) -> Campaign | None:
    """Return the newest open campaign that contains this galaxy, whether or not it still needs votes."""
    return _open_campaigns().filter(Exists(Target.objects.filter(campaign=OuterRef("pk"), galaxy=galaxy))).first()


def _open_campaigns() -> QuerySet[Campaign]:
    open_ones = Campaign.objects.filter(state=Campaign.State.OPEN).select_related("standard_set")
    return open_ones.order_by("-created_at", "-id")


def example_images() -> list[GalaxyImage]:
    """Return colour pictures of a few galaxies to try: from the newest open campaign, else from the catalogue.

    Only the first `EXAMPLES_FROM` galaxies are considered, so that a large catalogue is as fast as a small one.
    """
    blind = Target.objects.filter(galaxy=OuterRef("galaxy"), campaign__in=measuring_campaigns())
    pictured = GalaxyImage.objects.filter(~Exists(blind), is_current=True, band="gri", sizes_px__len__gt=0)
    campaign = _open_campaigns().first()
    asked = pictured.filter(galaxy__targets__campaign=campaign) if campaign else pictured.none()
    for images in (asked, pictured):
        numbers = list(images.order_by("galaxy__pgc").values_list("pk", flat=True)[:EXAMPLES_FROM])
        if numbers:
            chosen = numbers[:: max(1, len(numbers) // EXAMPLES)][:EXAMPLES]
            return list(images.filter(pk__in=chosen).select_related("galaxy").order_by("galaxy__pgc"))
    return []


def shown_standard_set(campaign: Campaign | None) -> StandardSet | None:
    """Return the set shown beside a prediction: of its campaign, else of the newest open one, else the newest."""
    chosen = campaign or _open_campaigns().first()
    if chosen is not None:
        return chosen.standard_set
    published = StandardSet.objects.filter(state=StandardSet.State.PUBLISHED)
    return published.order_by("-published_at", "-id").first()


@dataclass(frozen=True, slots=True)
class Panel:
    """A standard as it is shown beside a prediction."""

    inclination_deg: float
    pgc: int
    picture_url: str
    rotation_deg: Annotated[float, "turn the picture clockwise by this"]
    zoom: float


def nearest_panels(standard_set: StandardSet, inclination_deg: float) -> list[Panel]:
    """Return nine standards, one per degree, centred on this inclination as far as the grid allows."""
    by_bin = _panels_by_bin(standard_set.pk)
    sources = panel_sources(by_bin)
    middle = bin_of(min(max(inclination_deg, 45.0), 90.0))
    bins = [sources[nominal] for nominal in window_bins(clip_window(middle - WINDOW_PANELS // 2)) if nominal in sources]
    return [by_bin[bin_deg] for bin_deg in dict.fromkeys(bins)]


@lru_cache(maxsize=KEPT_SETS)
def _panels_by_bin(set_id: int) -> dict[int, Panel]:
    """Return one standard per bin, the first with a colour picture if there is one. Published sets never change."""
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
    band = next(band for band in BEST_FIRST if band in standard["images"])
    return small_picture_url(standard["images"][band], standard.get("sizes_px") or common_px)


def small_picture_url(stem: str, sizes_px: list[int]) -> str:
    """Return the address of the smallest file that is sharp beside other pictures."""
    sizes = sorted(sizes_px)
    size = next((px for px in sizes if px >= NEIGHBOUR_PX), sizes[-1] if sizes else NEIGHBOUR_PX)
    return IMAGE_PATH.format(stem=stem, size=size)
