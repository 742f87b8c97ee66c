"""The responses of the prediction API, each declared once: a dataclass gives both its JSON and its schema.

Degrees; probabilities from 0 to 1.
"""

from __future__ import annotations

import base64
import io
import secrets
import uuid
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Annotated, Any, Literal

from django.urls import reverse
from django.utils import timezone
from drf_spectacular.utils import extend_schema_field
from PIL import Image
from rest_framework import serializers

from giz.catalog.formats.numbers import number_in_words
from giz.catalog.models import GalaxyImage
from giz.catalog.storage import IMAGE_PATH
from giz.core.errors import Refused
from giz.core.vocabulary import BANDS, REASONS
from giz.inference import selectors
from giz.inference.models import Source
from giz.inference.services.predictions import Predicted, PredictedByNetwork, PredictedValues
from giz.inference.storage import Pixels
from giz.inference.view import ellipse_in_view
from giz.surveys.survey import survey_title
from giz.texts.selectors import common_guide
from giz.training.models import ModelVersion
from giz.training.nn.real_error import COMMON_NAME
from labeling.answers import TaskAnswer, TaskTargetAnswer
from labeling.models import Campaign
from standards.selectors import set_standards


# Unknown values are left out, so this is no dataclass.
class PredictedGalaxySerializer(serializers.Serializer[Any]):
    pgc = serializers.IntegerField(required=False)
    name = serializers.CharField(required=False)
    ra_deg = serializers.FloatField(required=False)
    dec_deg = serializers.FloatField(required=False)
    size_arcmin = serializers.FloatField(required=False, help_text="side of the picture on the sky")
    position_angle_deg = serializers.FloatField(required=False, help_text="of the major axis; it lies level")
    survey = serializers.CharField(required=False)
    survey_title = serializers.CharField(required=False, help_text="the survey in words")
    campaign = serializers.CharField(required=False, help_text="an open campaign that still asks for judgements of it")


@extend_schema_field({"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2})
class PairField(serializers.ListField):
    """Two numbers."""


Pair = Annotated[tuple[float, float], PairField]


@dataclass(frozen=True, slots=True)
class SourceAnswer:
    id: Annotated[uuid.UUID, "the key to these pictures: who does not have it finds nothing"]
    state: Literal["ready", "fetching", "failed"]
    code: Annotated[str | None, "why it failed, for programs"]
    detail: Annotated[str | None, "why it failed, for people"]
    galaxy: Annotated[dict[str, Any], PredictedGalaxySerializer]
    size_px: Annotated[int | None, "side of the smallest picture"]
    bands: list[Literal["gri", "g", "r", "i"]]
    pictures: Annotated[dict[str, str], "address by band"]
    expires_at: datetime

    @classmethod
    def of(cls, source: Source) -> SourceAnswer:
        campaign = selectors.open_campaign(source.galaxy) if source.galaxy else None
        return cls(
            id=source.pk,
            state=source.state,  # type: ignore[arg-type]
            code=source.error_code or None,
            detail=source.error_detail or None,
            galaxy=galaxy_document(source, campaign),
            size_px=source.size_px,
            bands=source.bands,  # type: ignore[arg-type]
            pictures=picture_urls(source),
            expires_at=source.expires_at,
        )


@dataclass(frozen=True, slots=True)
class ExampleAnswer:
    pgc: int
    name: str
    picture_url: str

    @classmethod
    def of(cls, image: GalaxyImage) -> ExampleAnswer:
        url = selectors.small_picture_url(image.stem, image.sizes_px)
        return cls(image.galaxy.pgc, str(image.galaxy), url)


def galaxy_document(source: Source, campaign: Campaign | None) -> dict[str, Any]:
    """Describe the galaxy; unknown values are left out."""
    known = {
        "pgc": source.pgc,
        "name": source.name or None,
        "ra_deg": source.ra_deg,
        "dec_deg": source.dec_deg,
        "size_arcmin": source.size_arcmin,
        "position_angle_deg": source.position_angle_deg,
        "survey": source.survey or None,
        "survey_title": survey_title(source.survey) or None,
        "campaign": campaign.name if campaign else None,
    }
    return {name: value for name, value in known.items() if value is not None}


def picture_urls(source: Source) -> dict[str, str]:
    """Return the addresses of the full pictures by band."""
    if source.state != Source.State.READY:
        return {}
    if source.galaxy is not None:
        images = selectors.current_images(source.galaxy)
        return {
            band: IMAGE_PATH.format(stem=images[band].stem, size=max(images[band].sizes_px))
            for band in source.bands
            if band in images
        }
    return {band: reverse("predict-picture", args=[source.pk, band]) for band in source.bands}


@dataclass(frozen=True, slots=True)
class PredictionModelAnswer:
    version: str
    network: str
    trained_on: str
    card_url: str

    @classmethod
    def of(cls, version: ModelVersion) -> PredictionModelAnswer:
        labelset = version.card.get("labelset") or {}
        return cls(
            version=version.sha256[:12],
            network=version.network,
            trained_on=str(labelset.get("title") or labelset.get("name") or ""),
            card_url=reverse("predict-model", args=[version.sha256[:12]]),
        )


@dataclass(frozen=True, slots=True)
class RejectionAnswer:
    probability: float | None
    reason: Annotated[str, partial(serializers.ChoiceField, choices=REASONS, help_text="the likeliest")] | None
    reasons: Annotated[dict[str, float], "probability by code"]
    prior: Annotated[
        float | None, "share of rejections in its campaign, to which probabilities of a rejection are adapted"
    ]


@dataclass(frozen=True, slots=True)
class OpinionAnswer:
    name: str
    inclination_deg: float | None
    interval_68_deg: Pair | None
    rejection_probability: float | None

    @classmethod
    def of(cls, name: str, values: PredictedValues) -> OpinionAnswer:
        return cls(name, values.inclination_deg, values.interval_68_deg, values.rejection)


@dataclass(frozen=True, slots=True)
class ModelOpinionAnswer:
    name: str
    version: str
    inclination_deg: float | None
    interval_68_deg: Pair | None
    rejection_probability: float | None

    @classmethod
    def of(cls, one: PredictedByNetwork) -> ModelOpinionAnswer:
        version, values = one.network.version, one.all_bands
        flavour = version.card.get("flavour") or 0
        name = f"{version.network}-{flavour}" if flavour else version.network
        return cls(name, version.sha256[:12], values.inclination_deg, values.interval_68_deg, values.rejection)


@dataclass(frozen=True, slots=True)
class DisagreementAnswer:
    is_alarming: bool
    spread_deg: Annotated[float, "between networks that say an inclination; where only one does, between the views"]


@dataclass(frozen=True, slots=True)
class EllipseAnswer:
    axial_ratio: float
    angle_deg: Annotated[float, "of the major axis in the view, clockwise from level"]
    centre: Annotated[
        tuple[float, float], partial(PairField, help_text="shares of the view's side from its upper left")
    ]
    semi_major: Annotated[float, "share of the view's side"]
    is_measured: Annotated[bool, "false: nothing was found on the picture, the usual place"]


@dataclass(frozen=True, slots=True)
class GridAnswer:
    """The nine standards around the prediction."""

    set_id: int
    place: Annotated[int, "slot: 0 left of the first panel, 9 right of the last"]
    panels: list[selectors.Panel]

    @classmethod
    def of(cls, campaign: Campaign | None, inclination_deg: float | None) -> GridAnswer | None:
        standard_set = selectors.shown_standard_set(campaign)
        if standard_set is None or inclination_deg is None:
            return None
        panels = selectors.nearest_panels(standard_set, inclination_deg)
        return cls(standard_set.pk, sum(panel.inclination_deg <= inclination_deg for panel in panels), panels)


@dataclass(frozen=True, slots=True)
class PredictionAnswer:
    id: Annotated[int | None, "of the row that is kept; null where none is: of a view that was turned or magnified"]
    model: PredictionModelAnswer
    inclination_deg: float | None
    sigma_deg: float | None
    sigma_common_deg: Annotated[float | None, "an error that all answers share; null where none was measured"]
    has_real_errors: Annotated[
        bool, "whether stated errors rest on real galaxies; false: on the galaxies of its training, perhaps synthetic"
    ]
    interval_68_deg: Pair | None
    interval_95_deg: Pair | None
    rejection: RejectionAnswer
    models: Annotated[list[ModelOpinionAnswer], "each network that answers, the served one first"]
    views: Annotated[list[OpinionAnswer], "the served network on all bands (`all`), then on each band alone"]
    disagreement: DisagreementAnswer
    ellipse: EllipseAnswer | None
    grid: GridAnswer | None
    seen: Annotated[dict[str, str], "what the network saw, data URL by band"]
    judge_url: str | None

    @classmethod
    def of(cls, predicted: Predicted) -> PredictionAnswer:
        served, galaxy = predicted.served, predicted.galaxy
        values = served.all_bands
        campaign = selectors.open_campaign(galaxy) if galaxy else None
        ellipse = None
        if values.inclination_deg is not None:
            ellipse = EllipseAnswer(**ellipse_in_view(predicted.ellipse, predicted.view, values.inclination_deg))
        return cls(
            id=predicted.row_id,
            model=PredictionModelAnswer.of(served.network.version),
            inclination_deg=values.inclination_deg,
            sigma_deg=values.half_width_68_deg,
            sigma_common_deg=served.network.version.card.get(COMMON_NAME),
            has_real_errors=served.network.predictor.has_real_errors(list(predicted.shown)),
            interval_68_deg=values.interval_68_deg,
            interval_95_deg=values.interval_95_deg,
            rejection=RejectionAnswer(values.rejection, values.reason or None, dict(values.reasons), predicted.prior),
            models=[ModelOpinionAnswer.of(one) for one in predicted.by_network],
            views=[OpinionAnswer.of(name, one) for name, one in {"all": values, **served.by_band}.items()],
            disagreement=DisagreementAnswer(predicted.is_alarming, round(predicted.spread_deg, 2)),
            ellipse=ellipse,
            grid=GridAnswer.of(campaign, values.inclination_deg),
            seen={band: _data_url(predicted.shown[band]) for band in BANDS if band in predicted.shown},
            judge_url=reverse("label", args=[campaign.name]) if campaign else None,
        )


@dataclass(frozen=True, slots=True)
class ModelCardAnswer:
    version: str
    sha256: str
    network: str
    byte_count: int
    card: Annotated[
        dict[str, Any], partial(serializers.DictField, help_text="data, versions and settings, as in the file")
    ]
    report: Annotated[dict[str, Any], partial(serializers.DictField, help_text="figures on the test galaxies")]
    created_at: datetime

    @classmethod
    def of(cls, version: ModelVersion) -> ModelCardAnswer:
        return cls(
            version=version.sha256[:12],
            sha256=version.sha256,
            network=version.network,
            byte_count=version.byte_count,
            card=version.card,
            report=version.report,
            created_at=version.created_at,
        )


def _data_url(pixels: Pixels) -> str:
    """Encode a small picture as a data URL with a PNG."""
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG", compress_level=1)
    return "data:image/png;base64," + base64.b64encode(out.getvalue()).decode()


def comparison_document(source: Source) -> TaskAnswer:
    """Describe the galaxy for the comparison page in the format of a task, with the standards shown beside predictions.

    It is not a task: nobody leases it and nobody can vote on it, because a person who has read the network's prediction
    is no longer an independent judge. Nothing is stored.

    Raises
    ------
    Refused
        ``not_ready``: the source has no pictures yet. ``no_standards``: there is no standard set to compare with.
    """
    if source.state != Source.State.READY:
        why = "This galaxy has no pictures yet. Try again when they have been fetched."
        raise Refused("not_ready", why, status=409)
    campaign = selectors.open_campaign(source.galaxy) if source.galaxy else None
    standard_set = selectors.shown_standard_set(campaign)
    if standard_set is None or not set_standards(standard_set.pk).has_enough_panels:
        raise Refused("no_standards", "This site has no standards to compare a galaxy with yet.", status=404)
    shown = set_standards(standard_set.pk).for_target(source.galaxy_id or 0)
    return TaskAnswer.among(
        shown,
        secrets.randbits(62),
        id=source.pk,
        campaign="",
        standard_set=standard_set.pk,
        due_at=source.expires_at,
        due_in_s=max(int((source.expires_at - timezone.now()).total_seconds()), 0),
        target=_comparison_target(source),
        guide=common_guide(),
    )


def _comparison_target(source: Source) -> TaskTargetAnswer:
    label = source.name or (number_in_words(source.pgc) if source.pgc else "Your galaxy")
    if source.galaxy is not None:
        images = selectors.current_images(source.galaxy)
        shown = {band: images[band] for band in source.bands if band in images}
        sizes = [set(image.sizes_px) for image in shown.values()]
        stems = {band: image.stem for band, image in shown.items()}
        common_px = sorted(set.intersection(*sizes)) if sizes else []
        return TaskTargetAnswer(label, stems, common_px, IMAGE_PATH)
    # The pictures of other sources have one size, and addresses of their own.
    return TaskTargetAnswer(label, picture_urls(source), [source.size_px or 0], "{stem}")
