"""What the API answers: a source with its pictures, and what the networks say of it, beside the nearest standards."""

from __future__ import annotations

import base64
import io
from dataclasses import asdict
from typing import Any

from django.urls import reverse
from PIL import Image

from giz.catalog.models import Galaxy
from giz.catalog.storage import IMAGE_PATH
from giz.inference import selectors
from giz.inference.models import Source
from giz.inference.services.answers import Answer, ByNetwork, Opinion
from giz.inference.services.shapes import ellipse_in_view
from giz.inference.storage import Pixels
from giz.surveys.titles import survey_title
from giz.training.models import ModelVersion
from labeling.models import Campaign


def source_document(source: Source) -> dict[str, Any]:
    """The answer about a source, ready or not."""
    campaign = selectors.open_campaign(source.galaxy) if source.galaxy else None
    return {
        "id": source.pk,
        "state": source.state,
        "code": source.error_code or None,
        "detail": source.error_detail or None,
        "galaxy": galaxy_document(source, campaign),
        "size_px": source.size_px,
        "bands": source.bands,
        "pictures": picture_urls(source),
        "expires_at": source.expires_at,
    }


def examples_document() -> list[dict[str, Any]]:
    """A few galaxies to try, each with its number, name and a small colour picture."""
    return [
        {
            "pgc": image.galaxy.pgc,
            "name": image.galaxy.name or f"PGC {image.galaxy.pgc}",
            "picture_url": selectors.small_picture_url(image.stem, image.sizes_px),
        }
        for image in selectors.example_images()
    ]


def galaxy_document(source: Source, campaign: Campaign | None) -> dict[str, Any]:
    """What is known of the galaxy; names without a value are left out."""
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
    """Addresses of the full pictures by band."""
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


def answer_document(
    answer: Answer, *, prediction_id: int, galaxy: Galaxy | None, shape: dict[str, float] | None
) -> dict[str, Any]:
    """What the networks say, fit for JSON. Degrees; probabilities from 0 to 1."""
    served = answer.served
    whole = served.whole
    campaign = selectors.open_campaign(galaxy) if galaxy else None
    return {
        "id": prediction_id,
        "model": model_document(served.network.version),
        "inclination_deg": whole.inclination_deg,
        "sigma_deg": whole.half_width_68_deg,
        "interval_68_deg": whole.interval_68_deg,
        "interval_95_deg": whole.interval_95_deg,
        "rejection": {"probability": whole.rejection, "reason": whole.reason or None, "reasons": dict(whole.reasons)},
        "models": [_model_opinion(one) for one in answer.said],
        "views": [_view_opinion("all", whole), *(_view_opinion(band, said) for band, said in served.by_band.items())],
        "disagreement": {"is_alarming": answer.is_alarming, "spread_deg": round(answer.spread_deg, 2)},
        "ellipse": None
        if whole.inclination_deg is None
        else ellipse_in_view(shape, answer.view, whole.inclination_deg),
        "grid": grid_document(campaign, whole.inclination_deg),
        "seen": {band: data_url(answer.seen[band]) for band in answer.bands},
        "judge_url": reverse("label", args=[campaign.name]) if campaign else None,
    }


def model_document(version: ModelVersion) -> dict[str, Any]:
    """Which network said it."""
    labelset = version.card.get("labelset") or {}
    return {
        "version": version.sha256[:12],
        "network": version.network,
        "trained_on": str(labelset.get("title") or labelset.get("name") or ""),
        "card_url": reverse("predict-model", args=[version.sha256[:12]]),
    }


def grid_document(campaign: Campaign | None, inclination_deg: float | None) -> dict[str, Any] | None:
    """The nine standards about the answer, and its slot among them: how many are more face-on."""
    standard_set = selectors.ruler(campaign)
    if standard_set is None or inclination_deg is None:
        return None
    panels = selectors.nearest_panels(standard_set, inclination_deg)
    return {
        "set_id": standard_set.pk,
        "place": sum(panel.inclination_deg <= inclination_deg for panel in panels),
        "panels": [asdict(panel) for panel in panels],
    }


def data_url(pixels: Pixels) -> str:
    """A small picture as text: a PNG in a data URL."""
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG", compress_level=1)
    return "data:image/png;base64," + base64.b64encode(out.getvalue()).decode()


def _model_opinion(one: ByNetwork) -> dict[str, Any]:
    version = one.network.version
    flavour = version.card.get("flavour") or 0
    return {
        "name": f"{version.network}-{flavour}" if flavour else version.network,
        "version": version.sha256[:12],
        **_opinion(one.whole),
    }


def _view_opinion(name: str, said: Opinion) -> dict[str, Any]:
    return {"name": name, **_opinion(said)}


def _opinion(said: Opinion) -> dict[str, Any]:
    return {
        "inclination_deg": said.inclination_deg,
        "interval_68_deg": said.interval_68_deg,
        "rejection_probability": said.rejection,
    }
