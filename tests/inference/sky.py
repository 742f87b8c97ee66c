"""Galaxies with real display files, an untrained network that is registered, and clients that ask about them."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from django.test import Client
from PIL import Image

from giz.catalog.models import Galaxy
from giz.catalog.services.pictures import image_store
from giz.training.models import ModelVersion
from giz.training.nn.predictor import Predictor
from giz.training.services.registry import model_promote, model_register
from standards.formats import StandardEntry
from standards.models import StandardSet
from standards.services import standard_set_publish
from tests.training.discs import disc, pictures

BANDS = ("g", "r", "i", "gri")


def register(model_file: Path) -> ModelVersion:
    """Have the network of this file answer."""
    card = Predictor(model_file).card | {"labelset": {"title": "Plain disks"}}
    version = model_register(model_file, card=card, report={})
    model_promote(version=version, why="for a test")
    return version


def spiral(inclination_deg: float = 60.0, angle_deg: float = 0.0, size_px: int = 160) -> dict[str, Any]:
    """Pictures of a disk by band; the colour one is yellowish."""
    made = pictures(disc(inclination_deg, angle_deg, size_px), np.random.default_rng(1))
    made["gri"] = (made["gri"] * np.array([1.0, 0.9, 0.6])).astype(np.uint8)
    return made


def galaxy_with_pictures(pgc: int = 4258, bands: tuple[str, ...] = BANDS, **values: Any) -> Galaxy:
    fields = {"name": "NGC4258", "ra_deg": 184.74, "dec_deg": 47.3, "d25_arcsec": 60.0, "position_angle_deg": 150.0}
    galaxy = Galaxy.objects.create(pgc=pgc, **{**fields, **values})
    made = spiral()
    for band in bands:
        image_store(galaxy=galaxy, band=band, pixels=made[band], origin="test")
    return galaxy


def ruler(name: str = "ruler", first_pgc: int = 700_000) -> StandardSet:
    """A published set with one standard in each bin, all with pictures."""
    entries = []
    for number, bin_deg in enumerate(range(45, 91)):
        galaxy = Galaxy.objects.create(pgc=first_pgc + number)
        image_store(galaxy=galaxy, band="gri", pixels=spiral(bin_deg, size_px=64)["gri"], origin="test")
        entries.append(StandardEntry(galaxy.pgc, float(bin_deg)))
    return standard_set_publish(name=name, entries=entries).standard_set


def encoded(pixels: Any, form: str = "PNG", **options: Any) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, form, **options)
    return out.getvalue()


def named(data: bytes, name: str = "galaxy.png", content_type: str = "") -> io.BytesIO:
    """Bytes as the test client uploads them."""
    file = io.BytesIO(data)
    file.name = name
    if content_type:
        file.content_type = content_type  # type: ignore[attr-defined]
    return file


def ask(client: Client, path: str, body: Any = None) -> Any:
    return client.post(f"/api/v1/predict/{path}", body if body is not None else {}, content_type="application/json")


def upload(client: Client, path: str = "sources/", **files: Any) -> Any:
    return client.post(f"/api/v1/predict/{path}", files)
