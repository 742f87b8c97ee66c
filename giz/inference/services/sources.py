"""Where pictures to be measured come from: the catalogue, a survey (by a job), or an upload. Each lives for a day."""

from __future__ import annotations

import hashlib
import json
import shutil
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models.functions import Now
from django.utils import timezone

from giz.catalog.formats.galaxies import FIRST_SYNTHETIC_PGC
from giz.catalog.models import Galaxy
from giz.catalog.storage.errors import StorageError
from giz.core.errors import Refused
from giz.imaging.grid import FIELD_D25
from giz.inference import selectors
from giz.inference.models import Source
from giz.inference.services.shapes import picture_ellipse
from giz.inference.storage import Pixels, display_read, picture_read, pictures_forget, pictures_write, sources_folder
from giz.surveys.errors import SurveyError
from giz.surveys.names import checked_name

LIFETIME = timedelta(days=1)
# A source that others may share is handed out again only while most of its day is left.
SHARED_UNTIL = timedelta(hours=2)
# So long a failed fetch is answered again instead of being tried anew.
FAILED_REST = timedelta(seconds=30)
STORAGE_REST_S = 60
MOST_FETCHES, MOST_UPLOADS = 20, 5_000
LEAST_FREE_BYTES = 1_000_000_000
FETCH_FAILED = "fetch_failed"
BAND_ORDER = ("g", "r", "i", "gri")


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants to see: one of a PGC number, a name, or a place (degrees, arcmin)."""

    pgc: int | None = None
    name: str = ""
    ra_deg: float | None = None
    dec_deg: float | None = None
    size_arcmin: float | None = None

    def as_json(self) -> dict[str, Any]:
        if self.pgc is not None:
            return {"pgc": self.pgc}
        if self.name:
            return {"name": self.name}
        return {"ra_deg": self.ra_deg, "dec_deg": self.dec_deg, "size_arcmin": self.size_arcmin}

    @property
    def key(self) -> str:
        return hashlib.sha256(json.dumps(self.as_json(), sort_keys=True).lower().encode()).hexdigest()


def wish_of_name(name: str) -> Wish:
    """A wish by name; "PGC 30197" is its number. Refuses what can be no name (``bad_name``)."""
    try:
        plain = checked_name(name)
    except SurveyError as error:
        raise Refused(error.code, error.detail) from None
    prefix, number = plain[:3].upper(), plain[3:].strip()
    if prefix == "PGC" and number.isdecimal() and number.isascii() and 0 < len(number) <= 9 and int(number):
        return Wish(pgc=int(number))
    return Wish(name=plain)


def catalogue_galaxy(wish: Wish) -> Galaxy | None:
    """The galaxy of the catalogue that is meant, if it is there."""
    if wish.pgc is not None:
        return selectors.galaxy_of_pgc(wish.pgc)
    return selectors.galaxy_of_name(wish.name) if wish.name else None


def source_open(*, wish: Wish) -> Source:
    """The source of a wish: ready where the catalogue has pictures, else to be fetched (`source_fetch`).

    Who wishes the same at the same time shares one source: it shows what anybody may see.

    Raises
    ------
    Refused
        ``not_found`` for a synthetic number that is not here; ``busy`` where too many are being fetched.
    """
    galaxy = catalogue_galaxy(wish)
    if galaxy is not None and selectors.current_images(galaxy):
        return source_of_galaxy(galaxy)
    if (wish.pgc is not None and wish.pgc >= FIRST_SYNTHETIC_PGC) or (galaxy is not None and galaxy.is_synthetic):
        raise Refused("not_found", "There is no such galaxy here.", status=404)
    lost_fetches_fail()
    now = timezone.now()
    known = Source.objects.filter(wanted_key=wish.key, kind=Source.Kind.SKY, expires_at__gt=now + SHARED_UNTIL)
    found = known.exclude(state=Source.State.FAILED, created_at__lt=now - FAILED_REST).first()
    if found is not None:
        return found
    fetching = Source.objects.filter(state=Source.State.FETCHING, expires_at__gt=now)
    if fetching.count() >= MOST_FETCHES:
        raise Refused(
            "busy", "Many galaxies are being fetched just now. Try again in a minute.", status=503, retry_after=60
        )
    return Source.objects.create(
        kind=Source.Kind.SKY,
        state=Source.State.FETCHING,
        wanted=wish.as_json(),
        wanted_key=wish.key,
        pgc=wish.pgc,
        name=wish.name,
        ra_deg=wish.ra_deg,
        dec_deg=wish.dec_deg,
        size_arcmin=wish.size_arcmin,
        expires_at=now + LIFETIME,
    )


def source_now(source_id: uuid.UUID) -> Source | None:
    """The source of this id, unless its day is over; one whose fetch was lost has failed."""
    source = selectors.source_now(source_id)
    if source is not None and source.state == Source.State.FETCHING and lost_fetches_fail():
        return selectors.source_now(source_id)
    return source


def lost_fetches_fail() -> int:
    """A fetch that ended without a word (workers died, it was cancelled or deleted) has failed; returns how many."""
    return selectors.lost_fetches().update(
        state=Source.State.FAILED,
        error_code=FETCH_FAILED,
        error_detail="Fetching the pictures was broken off. Try again.",
    )


def source_of_galaxy(galaxy: Galaxy, *, into: Source | None = None) -> Source:
    """A source of the catalogue's own pictures; `into` turns one that was to be fetched into it."""
    images = selectors.current_images(galaxy)
    shape = selectors.measured_shape(galaxy)
    now = timezone.now()
    values = {
        "kind": Source.Kind.CATALOGUE,
        "state": Source.State.READY,
        "galaxy": galaxy,
        "pgc": galaxy.pgc,
        "name": galaxy.name,
        "ra_deg": galaxy.ra_deg,
        "dec_deg": galaxy.dec_deg,
        "size_arcmin": FIELD_D25 * galaxy.d25_arcsec / 60 if galaxy.d25_arcsec else None,
        "position_angle_deg": galaxy.position_angle_deg,
        "bands": [band for band in BAND_ORDER if band in images],
        "size_px": min(max(image.sizes_px) for image in images.values()),
        "shape": shape and {"x": shape.x, "y": shape.y, "semi_major": shape.semi_major, "angle_deg": shape.angle_deg},
    }
    if into is not None:
        for name, value in values.items():
            setattr(into, name, value)
        into.save(update_fields=list(values))
        return into
    key = f"galaxy {galaxy.pk}"
    shared = Source.objects.filter(wanted_key=key, bands=values["bands"], expires_at__gt=now + SHARED_UNTIL)
    return shared.select_related("galaxy").first() or Source.objects.create(
        **values, wanted_key=key, expires_at=now + LIFETIME
    )


def source_of_upload(pictures: Mapping[str, Pixels]) -> Source:
    """Keep uploaded pictures for a day. Refuses (``busy``) where disk or rows would run out."""
    now = timezone.now()
    sources_folder().mkdir(parents=True, exist_ok=True, mode=0o700)
    is_full = shutil.disk_usage(sources_folder()).free < LEAST_FREE_BYTES
    if is_full or Source.objects.filter(kind=Source.Kind.UPLOAD, expires_at__gt=now).count() >= MOST_UPLOADS:
        raise Refused("busy", "No more uploads fit here just now. Try again later.", status=503, retry_after=600)
    source_id = uuid.uuid4()
    pictures_write(source_id, pictures)
    return Source.objects.create(
        id=source_id, kind=Source.Kind.UPLOAD, expires_at=now + LIFETIME, **picture_columns(pictures)
    )


def picture_columns(pictures: Mapping[str, Pixels]) -> dict[str, Any]:
    """The columns of a source that follow from its pictures."""
    return {
        "bands": [band for band in BAND_ORDER if band in pictures],
        "size_px": min(pixels.shape[0] for pixels in pictures.values()),
        "shape": picture_ellipse(pictures),
    }


def source_pictures(source: Source) -> dict[str, Pixels]:
    """The full pictures of a source by band.

    Raises
    ------
    Refused
        409 ``not_ready`` while they are fetched; what the fetch failed with; 404 ``picture_missing``;
        503 ``media_unreadable`` where the storage does not answer.
    """
    refuse_not_ready(source)
    try:
        if source.kind == Source.Kind.CATALOGUE and source.galaxy is not None:
            return galaxy_pictures(source.galaxy)
        return {band: picture_read(source.id, band) for band in source.bands}
    except StorageError:
        why = "The storage of the pictures does not answer. Ask again in a minute."
        raise Refused("media_unreadable", why, status=503, retry_after=STORAGE_REST_S) from None
    except OSError:
        raise Refused("picture_missing", "The pictures of this galaxy are not here any more.", status=404) from None


def galaxy_pictures(galaxy: Galaxy) -> dict[str, Pixels]:
    """The largest display files of a galaxy by band."""
    images = selectors.current_images(galaxy)
    return {
        band: display_read(images[band].stem, max(images[band].sizes_px), is_colour=band == "gri")
        for band in BAND_ORDER
        if band in images
    }


def refuse_not_ready(source: Source) -> None:
    if source.state == Source.State.FETCHING:
        raise Refused("not_ready", "The pictures are being fetched. Ask again in a moment.", status=409, retry_after=2)
    if source.state == Source.State.FAILED:
        status = failure_status(source.error_code)
        rest_s = int(FAILED_REST.total_seconds()) if status == 503 else None
        raise Refused(source.error_code, source.error_detail, status=status, retry_after=rest_s)


def failure_status(code: str) -> int:
    """The status that goes with why a fetch failed."""
    if code in ("not_found", "not_covered", "no_size"):
        return 404
    return 400 if code in ("bad_name", "bad_place") else 503


def sources_sweep() -> int:
    """Forget sources whose day is over, and folders that no source knows; returns how many rows went."""
    over = list(Source.objects.filter(expires_at__lte=Now()).values_list("id", flat=True))
    for source_id in over:
        pictures_forget(source_id)
    Source.objects.filter(id__in=over).delete()
    _folders_sweep()
    return len(over)


def _folders_sweep() -> None:
    """Folders without a row: a process died between writing the one and the other."""
    if not sources_folder().is_dir():
        return
    young = timezone.now().timestamp() - 3600
    old = [path.name for path in sources_folder().iterdir() if path.is_dir() and path.stat().st_mtime < young]
    for name in set(old) - _known(old):
        pictures_forget(name)


def _known(names: Sequence[str]) -> set[str]:
    ids = []
    for name in names:
        try:
            ids.append(uuid.UUID(name))
        except ValueError:
            continue
    return {str(source_id) for source_id in Source.objects.filter(id__in=ids).values_list("id", flat=True)}
