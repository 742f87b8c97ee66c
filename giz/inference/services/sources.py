"""The pictures to measure: from the catalogue, a survey (fetched by a job) or an upload. A source exists for a day.

Pending fetches, stored pictures and their bytes are limited for each client, for each network of clients, and in total
(giz/inference/requests.py states who may use how much).
"""

from __future__ import annotations

import math
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import QuerySet, Sum
from django.db.models.functions import Now
from django.utils import timezone

from giz.catalog.formats.identifiers import scheme_and_value
from giz.catalog.formats.numbers import FIRST_OWN_NUMBER, is_synthetic_number
from giz.catalog.models import Galaxy
from giz.catalog.storage import StorageError
from giz.core.errors import Refused
from giz.core.requester import NETWORK_TIMES, Requester
from giz.core.vocabulary import BANDS
from giz.imaging.grid import FIELD_D25
from giz.inference import selectors
from giz.inference.models import Source
from giz.inference.services.queries import GalaxyQuery
from giz.inference.storage import (
    Pixels,
    disk_is_short,
    display_read,
    picture_read,
    pictures_forget,
    pictures_write,
    sources_folder,
)
from giz.inference.view import measured_ellipse

# The largest field that is fetched for visitors who are not signed in.
MOST_SIZE_ARCMIN = 20.0
LIFETIME = timedelta(days=1)
# A shared source is handed out again only while most of its day is left.
SHARED_UNTIL = timedelta(hours=2)
# How long a failed fetch is reported again before it is retried.
FAILED_REST = timedelta(seconds=30)
STORAGE_REST_S = 60
# In total, and for one client: pending fetches, uploads within a day.
MOST_FETCHES, MOST_UPLOADS = 20, 5_000
MOST_FETCHES_EACH, MOST_UPLOADS_EACH = 3, 200
# Disk space for all uploaded and fetched pictures; and the largest size of one source (three grey pictures and a colour
# picture of 1,024 pixels a side), which is reserved while it is fetched.
MOST_BYTES, MOST_BYTES_EACH = 6_000_000_000, 6 * 1024 * 1024
FULL_REST_S, FETCH_REST_S = 600, 15
FETCH_FAILED = "fetch_failed"
# The HTTP status of errors with which a fetch fails; 503 for all others.
FAILURE_STATUS = {
    **dict.fromkeys(("not_found", "not_covered", "no_size"), 404),
    **dict.fromkeys(("bad_name", "bad_place", "field_too_large", "too_much_data"), 400),
    "being_judged": 409,
}


def source_open(*, query: GalaxyQuery, requester: Requester) -> Source:
    """Return the source for a query: ready if the catalogue has pictures, else to be fetched (`source_fetch`).

    Equal queries share one source: it shows only what everybody may see.

    Raises
    ------
    Refused
        ``not_found`` for a synthetic number that is not in the catalogue; ``being_judged`` (`refuse_being_judged`);
        ``too_many_requests`` and ``busy`` if too many fetches are pending.
    """
    galaxy = None
    if query.pgc is not None:
        galaxy = selectors.galaxy_of_pgc(query.pgc)
    elif query.name:
        galaxy = selectors.galaxy_of_name(query.name)
    refuse_being_judged(galaxy, query.place)
    if galaxy is not None and selectors.current_images(galaxy):
        return source_of_galaxy(galaxy)
    # No survey or catalogue knows the numbers of synthetic galaxies, or our own.
    is_unknown = galaxy is None and (query.pgc or 0) >= FIRST_OWN_NUMBER
    if galaxy is None and scheme_and_value(query.name) is not None:
        raise Refused("not_found", f"No galaxy here has the identifier {query.name}.", status=404)
    if is_unknown or is_synthetic_number(query.pgc or 0) or (galaxy is not None and galaxy.is_synthetic):
        raise Refused("not_found", "There is no such galaxy here.", status=404)
    lost_fetches_fail()
    now = timezone.now()
    known = Source.objects.filter(wanted_key=query.key, kind=Source.Kind.SKY, expires_at__gt=now + SHARED_UNTIL)
    known = known.exclude(state=Source.State.FAILED, created_at__lt=now - FAILED_REST)
    found = known.first()
    if found is not None:
        return found
    with _one_at_a_time("predict fetches"):
        found = known.first()
        if found is not None:
            return found
        _refuse_fetch(query, requester)
        return Source.objects.create(
            kind=Source.Kind.SKY,
            state=Source.State.FETCHING,
            wanted=query.as_json(),
            wanted_key=query.key,
            pgc=query.pgc,
            name=query.name,
            ra_deg=query.ra_deg,
            dec_deg=query.dec_deg,
            size_arcmin=query.size_arcmin,
            asked_by=requester.one,
            asked_from=requester.network,
            byte_count=MOST_BYTES_EACH,
            expires_at=now + LIFETIME,
        )


@contextmanager
def _one_at_a_time(what: str) -> Iterator[None]:
    """A transaction that excludes other processes, so that no row is added between counting and inserting."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [what])
        yield


def _refuse_fetch(query: GalaxyQuery, requester: Requester) -> None:
    if requester.rank == "stranger" and (query.size_arcmin or 0.0) > MOST_SIZE_ARCMIN:
        why = f"A field may be at most {MOST_SIZE_ARCMIN:g} arcmin wide; after logging in you can load larger ones."
        raise Refused("field_too_large", why)
    fetching = Source.objects.filter(state=Source.State.FETCHING, expires_at__gt=Now())
    for mine, most in _counted(fetching, requester, MOST_FETCHES_EACH):
        if mine.count() >= most:
            raise Refused(
                "too_many_requests",
                "Several galaxies that you asked for are still being fetched. Try again when one of them has arrived.",
                status=429,
                retry_after=FETCH_REST_S,
            )
    if fetching.count() >= requester.most(MOST_FETCHES):
        raise Refused(
            "busy", "Many galaxies are being fetched at the moment. Try again in a minute.", status=503, retry_after=60
        )
    _refuse_full_disk(requester, MOST_BYTES_EACH)


def _counted(sources: QuerySet[Source], requester: Requester, most: int) -> Iterator[tuple[QuerySet[Source], int]]:
    """Yield the sources of this client, then of its network, each with its limit."""
    yield sources.filter(asked_by=requester.one), most
    if requester.network:
        yield sources.filter(asked_from=requester.network), NETWORK_TIMES * most


def _refuse_full_disk(requester: Requester, byte_count: int) -> None:
    kept = Source.objects.filter(expires_at__gt=Now()).exclude(state=Source.State.FAILED)
    total = kept.aggregate(total=Sum("byte_count"))["total"] or 0
    if disk_is_short() or total + byte_count > requester.most(MOST_BYTES):
        raise _no_room()


def _no_room() -> Refused:
    why = "There is no space for more pictures at the moment. Try again later."
    return Refused("busy", why, status=503, retry_after=FULL_REST_S)


def refuse_being_judged(galaxy: Galaxy | None, place: tuple[float, float] | None = None) -> None:
    """Refuse a galaxy of a campaign that contains golden or calibration targets (`selectors.judged_blind`).

    Volunteers who could tell these targets from the others would answer them with care and the rest at random. So all
    galaxies of such a campaign are refused alike, whether done or not, whether their inclination is known or not.

    Raises
    ------
    Refused
        409 ``being_judged``.
    """
    campaign = selectors.judged_blind(galaxy, place)
    if campaign is not None:
        raise Refused(
            "being_judged",
            f"This galaxy is being judged in the campaign {campaign.title}. The network's prediction is hidden until "
            "that campaign is over, so that everybody judges with their own eyes.",
            status=409,
        )


def source_now(source_id: uuid.UUID) -> Source | None:
    """Return the source with this id unless it has expired; a source whose fetch was lost becomes failed."""
    source = selectors.source_now(source_id)
    if source is not None and source.state == Source.State.FETCHING and lost_fetches_fail():
        return selectors.source_now(source_id)
    return source


def lost_fetches_fail() -> int:
    """Mark fetches as failed whose job has died or was cancelled or deleted; return how many."""
    return selectors.lost_fetches().update(
        state=Source.State.FAILED,
        error_code=FETCH_FAILED,
        error_detail="Fetching the pictures was interrupted. Try again.",
    )


def source_of_galaxy(galaxy: Galaxy, *, into: Source | None = None) -> Source:
    """Return a source of the catalogue's own pictures; `into` is a pending source that becomes it."""
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
        "bands": [band for band in BANDS if band in images],
        "byte_count": 0,
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


def source_of_upload(pictures: Mapping[str, Pixels], requester: Requester) -> Source:
    """Store uploaded pictures for a day.

    Raises
    ------
    Refused
        ``too_many_requests`` beyond the daily uploads of one client; ``busy`` if disk space or rows would run out.
    """
    byte_count = sum(pixels.nbytes for pixels in pictures.values())
    with _one_at_a_time("predict uploads"):
        _refuse_upload(requester, byte_count)
        source = Source.objects.create(
            kind=Source.Kind.UPLOAD,
            asked_by=requester.one,
            asked_from=requester.network,
            byte_count=byte_count,
            expires_at=timezone.now() + LIFETIME,
            **picture_columns(pictures),
        )
    try:
        pictures_write(source.id, pictures)
    except OSError:
        pictures_forget(source.id)
        source.delete()
        raise _no_room() from None
    return source


def _refuse_upload(requester: Requester, byte_count: int) -> None:
    uploads = Source.objects.filter(kind=Source.Kind.UPLOAD, expires_at__gt=Now())
    for mine, most in _counted(uploads, requester, MOST_UPLOADS_EACH):
        if mine.count() >= most:
            # Each upload is deleted after a day, and leaves room for another one.
            until = mine.order_by("expires_at").values_list("expires_at", flat=True)[mine.count() - most]
            wait_s = max(1, math.ceil((until - timezone.now()).total_seconds()))
            why = f"At most {most} uploads per day. For more, use `manage.py predict`."
            raise Refused("too_many_requests", why, status=429, retry_after=wait_s)
    if uploads.count() >= requester.most(MOST_UPLOADS):
        why = "The server's space for uploads is full. Try again later."
        raise Refused("busy", why, status=503, retry_after=FULL_REST_S)
    _refuse_full_disk(requester, byte_count)


def picture_columns(pictures: Mapping[str, Pixels]) -> dict[str, Any]:
    """Return the columns of a source that follow from its pictures."""
    return {
        "bands": [band for band in BANDS if band in pictures],
        "size_px": min(pixels.shape[0] for pixels in pictures.values()),
        "shape": measured_ellipse(pictures),
    }


def source_pictures(source: Source) -> dict[str, Pixels]:
    """Return the full pictures of a source by band.

    Raises
    ------
    Refused
        As `refuse_not_ready`; 404 ``picture_missing``; 503 ``media_unreadable`` if the storage is unavailable.
    """
    refuse_not_ready(source)
    try:
        if source.kind == Source.Kind.CATALOGUE and source.galaxy is not None:
            images = selectors.current_images(source.galaxy)
            return {
                band: display_read(images[band].stem, max(images[band].sizes_px), is_colour=band == "gri")
                for band in BANDS
                if band in images
            }
        return {band: picture_read(source.id, band) for band in source.bands}
    except StorageError:
        why = "The picture storage does not respond. Try again in a minute."
        raise Refused("media_unreadable", why, status=503, retry_after=STORAGE_REST_S) from None
    except OSError:
        raise Refused("picture_missing", "The pictures of this galaxy are no longer available.", status=404) from None


def refuse_not_ready(source: Source) -> None:
    """Raise Refused: 409 ``not_ready`` for a source that is being fetched, or the error with which its fetch failed."""
    if source.state == Source.State.FETCHING:
        raise Refused("not_ready", "The pictures are being fetched. Try again shortly.", status=409, retry_after=2)
    if source.state == Source.State.FAILED:
        status = FAILURE_STATUS.get(source.error_code, 503)
        rest_s = int(FAILED_REST.total_seconds()) if status == 503 else None
        raise Refused(source.error_code, source.error_detail, status=status, retry_after=rest_s)


def sources_sweep() -> int:
    """Delete expired sources with their pictures, and folders without a source; return the number of deleted rows."""
    over = list(Source.objects.filter(expires_at__lte=Now()).values_list("id", flat=True))
    for source_id in over:
        pictures_forget(source_id)
    Source.objects.filter(id__in=over).delete()
    if sources_folder().is_dir():
        # A process died between writing the folder and the row.
        young = timezone.now().timestamp() - 3600
        old = [path.name for path in sources_folder().iterdir() if path.is_dir() and path.stat().st_mtime < young]
        for name in set(old) - _known(old):
            pictures_forget(name)
    return len(over)


def _known(names: Sequence[str]) -> set[str]:
    ids = []
    for name in names:
        try:
            ids.append(uuid.UUID(name))
        except ValueError:
            continue
    return {str(source_id) for source_id in Source.objects.filter(id__in=ids).values_list("id", flat=True)}
