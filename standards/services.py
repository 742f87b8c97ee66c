"""Publishing standard sets: a new version for new content, none for the same."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.db.models.functions import Now

from giz.catalog.models import Galaxy, GalaxyImage
from giz.core.errors import Refused
from standards.formats import StandardEntry
from standards.grid import bin_of
from standards.models import Standard, StandardSet


@dataclass(frozen=True)
class Publication:
    """The version that now holds the content, whether it is new, and how many galaxies were unknown before."""

    standard_set: StandardSet
    is_new: bool
    galaxies_created: int


def standard_set_publish(*, name: str, entries: Sequence[StandardEntry], source: str = "") -> Publication:
    """Publish the standards as the next version of a set, unless its newest version holds exactly these.

    A standard is shown if its galaxy has pictures now. The content of a set is its standards, their display corrections
    and the names of their pictures. A database trigger keeps published sets from changing, because votes are replayed
    on them.

    Raises
    ------
    Refused
        ``no_standards`` where there are none, ``bad_name`` where the name is not a slug.
    """
    if not entries:
        raise Refused("no_standards", f"A standard set needs at least one standard; {source or 'the input'} has none.")
    set_name_check(name)
    with transaction.atomic():
        # One publication of a name at a time, or two could both become version 3.
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"standard set {name}"])
        galaxy_ids, created = _galaxies([entry.pgc for entry in entries], source)
        stems = _current_stems(list(galaxy_ids.values()))
        digest = _digest(entries, galaxy_ids, stems)
        newest = StandardSet.objects.filter(name=name).order_by("-version").first()
        if newest and newest.digest == digest and newest.state == StandardSet.State.PUBLISHED:
            return Publication(newest, False, created)
        made = StandardSet.objects.create(
            name=name, version=newest.version + 1 if newest else 1, digest=digest, source=source[:200]
        )
        Standard.objects.bulk_create(
            [
                Standard(
                    standard_set=made,
                    galaxy_id=galaxy_ids[entry.pgc],
                    inclination_deg=entry.inclination_deg,
                    bin_deg=bin_of(entry.inclination_deg),
                    rotation_deg=entry.rotation_deg,
                    zoom=entry.zoom,
                    is_shown=galaxy_ids[entry.pgc] in stems,
                )
                for entry in entries
            ],
            batch_size=1000,
        )
        StandardSet.objects.filter(pk=made.pk).update(state=StandardSet.State.PUBLISHED, published_at=Now())
        made.refresh_from_db()
    return Publication(made, True, created)


def standard_set_refresh(standard_set: StandardSet) -> StandardSet:
    """Return the newest version of the set with the pictures that its standards have now.

    Pictures often arrive after the table of standards. If pictures were added or replaced since the newest version was
    published, its standards are published again as the next version; otherwise that version is returned. A version
    that is not the newest is returned unchanged.
    """
    newest = StandardSet.objects.filter(name=standard_set.name).order_by("-version").first()
    if newest is None or newest.pk != standard_set.pk or newest.state != StandardSet.State.PUBLISHED:
        return standard_set
    rows = newest.standards.order_by("id").values_list("galaxy__pgc", "inclination_deg", "rotation_deg", "zoom")
    entries = [StandardEntry(*row) for row in rows]
    if not entries:
        return newest
    return standard_set_publish(name=newest.name, entries=entries, source=newest.source).standard_set


def set_name_check(name: str) -> None:
    """Refuse a name that is not a slug."""
    try:
        StandardSet._meta.get_field("name").clean(name, None)
    except ValidationError:
        raise Refused(
            "bad_name",
            f"The set's name {name!r} is invalid: use up to 60 letters, digits, hyphens and underscores.",
        ) from None


def _galaxies(numbers: list[int], source: str) -> tuple[dict[int, int], int]:
    """Return galaxy ids by PGC number; unknown galaxies are created."""
    known = set(Galaxy.objects.filter(pgc__in=numbers).values_list("pgc", flat=True))
    new = [Galaxy(pgc=pgc, source=source[:120]) for pgc in numbers if pgc not in known]
    Galaxy.objects.bulk_create(new, batch_size=1000, ignore_conflicts=True)
    return dict(Galaxy.objects.filter(pgc__in=numbers).values_list("pgc", "id")), len(new)


def _current_stems(galaxy_ids: list[int]) -> dict[int, list[str]]:
    stems: dict[int, list[str]] = {}
    images = GalaxyImage.objects.filter(galaxy_id__in=galaxy_ids, is_current=True).order_by("galaxy_id", "band")
    for galaxy_id, band, stem in images.values_list("galaxy_id", "band", "stem"):
        stems.setdefault(galaxy_id, []).append(f"{band}:{stem}")
    return stems


def _digest(entries: Sequence[StandardEntry], galaxy_ids: dict[int, int], stems: dict[int, list[str]]) -> str:
    lines = sorted(
        [
            entry.pgc,
            *(float(value) for value in (entry.inclination_deg, entry.rotation_deg, entry.zoom)),
            stems.get(galaxy_ids[entry.pgc], []),
        ]
        for entry in entries
    )
    return hashlib.sha256(json.dumps(lines, separators=(",", ":")).encode()).hexdigest()
