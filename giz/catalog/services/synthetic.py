"""Synthetic galaxies in the catalogue: the galaxy and its pictures as of any other, its truth in a table of its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from giz.catalog.models import Galaxy, GalaxyImage, SyntheticTruth

ORIGIN = "synthetic"


@dataclass(frozen=True, slots=True)
class RenderedPicture:
    """Display files that lie on the disk already."""

    band: str
    stem: str
    sizes_px: list[int]
    content_sha256: str
    source_px: int


def synthetic_galaxy_store(
    *, pgc: int, name: str, d25_arcsec: float, pictures: Sequence[RenderedPicture], truth: dict[str, Any]
) -> Galaxy:
    """Write a rendered galaxy, its pictures and its truth, all or nothing; the same again changes nothing.

    ``truth`` holds inclination_deg, reject_reason, galaxy_type, seed and parameters.
    """
    with transaction.atomic():
        Galaxy.objects.get_or_create(
            pgc=pgc,
            defaults={"name": name, "d25_arcsec": d25_arcsec, "is_synthetic": True, "source": ORIGIN},
        )
        galaxy = Galaxy.objects.select_for_update(no_key=True).get(pgc=pgc)
        SyntheticTruth.objects.update_or_create(galaxy=galaxy, defaults=truth)
        current = dict(galaxy.images.filter(is_current=True).values_list("band", "stem"))
        new = [picture for picture in pictures if current.get(picture.band) != picture.stem]
        galaxy.images.filter(is_current=True, band__in=[picture.band for picture in new]).update(is_current=False)
        GalaxyImage.objects.bulk_create(
            GalaxyImage(
                galaxy=galaxy,
                band=picture.band,
                stem=picture.stem,
                sizes_px=picture.sizes_px,
                content_sha256=picture.content_sha256,
                origin=ORIGIN,
                source_width_px=picture.source_px,
                source_height_px=picture.source_px,
            )
            for picture in new
        )
    return galaxy
