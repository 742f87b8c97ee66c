"""Add galaxies to the catalogue: a table, in batches and resumable, or a rendered synthetic galaxy."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from django.db import transaction
from django.db.models.functions import Now

from giz.catalog.formats.galaxies import GalaxyColumns, GalaxyEntry
from giz.catalog.models import Galaxy, GalaxyImage, GalaxyRevision, SyntheticTruth
from giz.catalog.selectors import GalaxyPlaces, near_duplicates
from giz.tables.table import Row, RowError, Table

BATCH_ROWS = 1000
MAX_REPORTED = 1000
MAX_NEAR = 200
SYNTHETIC_ORIGIN = "synthetic"

Report = Callable[[list[str]], None]
AfterBatch = Callable[[int, dict[str, int]], None]


@dataclass
class _Run:
    """State of one run over a table: counts, and the line of each number."""

    counts: Counter[str] = field(default_factory=Counter)
    first_line_of: dict[int, int] = field(default_factory=dict)

    def as_dict(self) -> dict[str, int]:
        return {name: self.counts[name] for name in ("new", "changed", "unchanged", "bad")}


def galaxies_import(
    *,
    table: Table,
    column_map: Mapping[str, str] | None = None,
    match_arcsec: float | None = None,
    report: Report,
    after_batch: AfterBatch,
    resume_line: int = 0,
    resume_counts: dict[str, int] | None = None,
) -> dict[str, int]:
    """Import a table of galaxies and return how many were new, changed, unchanged, bad. Repeating it changes nothing.

    Missing columns, blank cells and marks for "not measured" change nothing. Bad rows are reported with line number and
    reason; all others are imported.

    Parameters
    ----------
    column_map : contents of columns, if their names don't tell (`GalaxyColumns`).
    match_arcsec : for a table without numbers: each row is the catalogue's galaxy nearest to its position within this
        distance; the position itself is not imported. Rows without a match are reported.
    report : called with lines about bad rows, and about galaxies at nearly the same position.
    after_batch : called inside the transaction of each batch with the last line and the counts so far, so that a
        checkpoint always agrees with the rows.
    resume_line, resume_counts : where an interrupted run stopped.
    """
    columns = GalaxyColumns(table.columns, column_map, by_position=match_arcsec is not None, units=table.units)
    places = None if columns.pgc or match_arcsec is None else GalaxyPlaces(match_arcsec)
    run = _Run(Counter(resume_counts or {}))
    rows = table.rows()
    while batch := list(islice(rows, BATCH_ROWS)):
        last_line = batch[-1].line
        done_before = last_line <= resume_line
        entries, problems = _read_batch(batch, columns, places, run)
        if done_before:
            continue
        with transaction.atomic():
            run.counts["bad"] += len(problems)
            run.counts.update(_write_batch(entries, columns, table.path.name))
            room = MAX_REPORTED - (run.counts["bad"] - len(problems))
            if problems and room > 0:
                report(problems[:room])
            after_batch(last_line, run.as_dict())
    near = near_duplicates(run.first_line_of) if "ra_deg" in columns.fields and not places else []
    report([f"PGC {one} and PGC {two} lie {away:.1f}″ apart: perhaps one galaxy" for one, two, away in near[:MAX_NEAR]])
    return run.as_dict() | {"near": len(near), "unmeasured": columns.unmeasured.total()}


def _read_batch(
    batch: list[Row], columns: GalaxyColumns, places: GalaxyPlaces | None, run: _Run
) -> tuple[list[GalaxyEntry], list[str]]:
    entries: list[GalaxyEntry] = []
    problems: list[str] = []
    for row in batch:
        try:
            if row.problem:
                raise RowError(row.problem)
            entry = columns.entry(row.cells)
            if places is not None:
                entry = _found(entry, places)
            first = run.first_line_of.setdefault(entry.pgc, row.line)
            if first != row.line:
                raise RowError(f"PGC {entry.pgc} already appears on line {first}")
            entries.append(entry)
        except RowError as error:
            problems.append(f"line {row.line}: {error}")
    return entries, problems


def _found(entry: GalaxyEntry, places: GalaxyPlaces) -> GalaxyEntry:
    """Return the entry with the number of the galaxy at its position, and without the position."""
    ra_deg, dec_deg = entry.fields["ra_deg"], entry.fields["dec_deg"]
    if ra_deg is None or dec_deg is None:
        raise RowError("it has no position")
    pgc = places.nearest(ra_deg, dec_deg)
    if pgc is None:
        raise RowError(f"no galaxy of the catalogue lies within {places.within_arcsec:g}″ of {ra_deg:g} {dec_deg:+g}")
    fields = {name: value for name, value in entry.fields.items() if name not in ("ra_deg", "dec_deg")}
    return GalaxyEntry(pgc, fields, entry.extra)


def _write_batch(entries: list[GalaxyEntry], columns: GalaxyColumns, source: str) -> dict[str, int]:
    known = {
        galaxy.pgc: galaxy
        for galaxy in Galaxy.objects.select_for_update(no_key=True)
        .filter(pgc__in=[entry.pgc for entry in entries])
        .order_by("pgc")
    }
    new: list[Galaxy] = []
    changed: list[Galaxy] = []
    revisions: list[GalaxyRevision] = []
    for entry in entries:
        galaxy = known.get(entry.pgc)
        if galaxy is None:
            new.append(Galaxy(pgc=entry.pgc, **entry.fields, extra=entry.extra, source=source[:120]))
        elif changes := _apply(galaxy, entry):
            before, after = galaxy.source, source[:120]
            revisions.append(GalaxyRevision(galaxy=galaxy, source=after, source_before=before, changes=changes))
            galaxy.source = source[:120]
            galaxy.updated_at = Now()  # bulk_update does not apply auto_now
            changed.append(galaxy)
    Galaxy.objects.bulk_create(new, ignore_conflicts=True)
    if changed:
        fields = [name for name in columns.fields if name in entries[0].fields]
        Galaxy.objects.bulk_update(changed, [*fields, "extra", "source", "updated_at"])
        GalaxyRevision.objects.bulk_create(revisions)
    return {"new": len(new), "changed": len(changed), "unchanged": len(entries) - len(new) - len(changed)}


def _apply(galaxy: Galaxy, entry: GalaxyEntry) -> dict[str, list[Any]]:
    """Set the row's values on the galaxy; return the changes, as [before, after]."""
    values = {name: value for name, value in entry.fields.items() if value not in (None, "")}
    values["extra"] = {**galaxy.extra, **entry.extra}
    changes = {name: [getattr(galaxy, name), value] for name, value in values.items() if getattr(galaxy, name) != value}
    for name, (_, value) in changes.items():
        setattr(galaxy, name, value)
    return changes


@dataclass(frozen=True, slots=True)
class RenderedPicture:
    """A rendered picture whose display files exist."""

    band: str
    stem: str
    sizes_px: list[int]
    content_sha256: str
    source_px: int


def synthetic_galaxy_store(
    *, pgc: int, name: str, d25_arcsec: float, pictures: Sequence[RenderedPicture], truth: dict[str, Any]
) -> Galaxy:
    """Save a rendered galaxy, its pictures and its truth in one transaction; repeating it changes nothing.

    ``truth`` holds inclination_deg, reject_reason, galaxy_type, seed and parameters.
    """
    with transaction.atomic():
        Galaxy.objects.get_or_create(
            pgc=pgc,
            defaults={"name": name, "d25_arcsec": d25_arcsec, "is_synthetic": True, "source": SYNTHETIC_ORIGIN},
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
                origin=SYNTHETIC_ORIGIN,
                source_width_px=picture.source_px,
                source_height_px=picture.source_px,
            )
            for picture in new
        )
    return galaxy
