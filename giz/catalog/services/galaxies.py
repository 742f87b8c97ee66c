"""Import of a table of galaxies, in batches, resumable; the same table a second time changes nothing."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from django.db import transaction
from django.db.models.functions import Now

from giz.catalog.formats.galaxies import GalaxyColumns, GalaxyEntry
from giz.catalog.formats.table import Row, RowError, Table
from giz.catalog.models import Galaxy, GalaxyRevision
from giz.catalog.selectors import GalaxyPlaces, near_duplicates

BATCH_ROWS = 1000
MAX_REPORTED = 1000
MAX_NEAR = 200

Report = Callable[[list[str]], None]
AfterBatch = Callable[[int, dict[str, int]], None]


@dataclass
class _Run:
    """State of one run over a table: what was counted, which numbers were met."""

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
    """Bring the galaxies of a table into the catalogue and return how many were new, changed, unchanged, bad.

    Only columns that the table has are written: a second table with fewer columns takes nothing away. Bad rows are
    reported with line number and reason; all others are imported.

    Parameters
    ----------
    column_map : which column holds what, where its name does not tell (`GalaxyColumns`).
    match_arcsec : for a table without numbers: each row is the catalogue's galaxy nearest to its position, at most so
        far away; its own position is not taken over. Rows without one are reported.
    report : called with the lines that speak of bad rows, and of galaxies that lie nearly on each other.
    after_batch : called inside the transaction of each batch with the last line done and the counts so far, so that a
        checkpoint is as true as the rows.
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
    return run.as_dict() | {"near": len(near)}


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
                raise RowError(f"PGC {entry.pgc} stands on line {first} already")
            entries.append(entry)
        except RowError as error:
            problems.append(f"line {row.line}: {error}")
    return entries, problems


def _found(entry: GalaxyEntry, places: GalaxyPlaces) -> GalaxyEntry:
    """The entry under the number of the galaxy at its position, without the position."""
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
        elif changes := _apply(galaxy, entry, columns):
            before, after = galaxy.source, source[:120]
            revisions.append(GalaxyRevision(galaxy=galaxy, source=after, source_before=before, changes=changes))
            galaxy.source = source[:120]
            galaxy.updated_at = Now()  # bulk_update takes expressions, but does no auto_now
            changed.append(galaxy)
    Galaxy.objects.bulk_create(new, ignore_conflicts=True)
    if changed:
        fields = [name for name in columns.fields if name in entries[0].fields]
        Galaxy.objects.bulk_update(changed, [*fields, "extra", "source", "updated_at"])
        GalaxyRevision.objects.bulk_create(revisions)
    return {"new": len(new), "changed": len(changed), "unchanged": len(entries) - len(new) - len(changed)}


def _apply(galaxy: Galaxy, entry: GalaxyEntry, columns: GalaxyColumns) -> dict[str, list[Any]]:
    """Put the row's values into the galaxy; return what is different now, before and after."""
    values: dict[str, Any] = dict(entry.fields)
    kept = {name: value for name, value in galaxy.extra.items() if name not in columns.extra}
    values["extra"] = {**kept, **entry.extra}
    changes = {name: [getattr(galaxy, name), value] for name, value in values.items() if getattr(galaxy, name) != value}
    for name, (_, value) in changes.items():
        setattr(galaxy, name, value)
    return changes
