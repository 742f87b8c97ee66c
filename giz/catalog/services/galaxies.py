"""Add galaxies to the catalogue: a table, in batches and resumable, or a rendered synthetic galaxy."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from django.db import transaction
from django.db.models.functions import Now

from giz.catalog.formats.galaxies import GalaxyColumns, GalaxyEntry
from giz.catalog.formats.identifiers import PGC, Identifier
from giz.catalog.formats.numbers import number_in_words
from giz.catalog.models import Galaxy, GalaxyIdentifier, GalaxyImage, GalaxyRevision, SyntheticTruth
from giz.catalog.selectors import GalaxyPlaces, identifiers_of, near_duplicates
from giz.catalog.services.crossmatch import NEAR_ARCSEC, CrossMatch, Found, Matched, Problems
from giz.tables.table import Row, RowError, Table

BATCH_ROWS = 1000
MAX_REPORTED = 1000
MAX_NEAR = 200
SYNTHETIC_ORIGIN = "synthetic"

Report = Callable[[list[str]], None]
AfterBatch = Callable[[int, dict[str, int]], None]


@dataclass
class _Run:
    """State of one run over a table: counts, the line of each identifier, and the numbers of the galaxies so far."""

    counts: Counter[str] = field(default_factory=Counter)
    first_line_of: dict[Identifier | int, int] = field(default_factory=dict)
    numbers: set[int] = field(default_factory=set)

    def as_dict(self, *, is_matched: bool) -> dict[str, int]:
        names = ("new", "changed", "unchanged", "bad", *(("by_id", "by_position", "ambiguous") if is_matched else ()))
        return {name: self.counts[name] for name in names}


def galaxies_import(
    *,
    table: Table,
    column_map: Mapping[str, str] | None = None,
    identifiers: Sequence[str] = (),
    match_arcsec: float | None = None,
    newest_id: int | None = None,
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
    identifiers : the words of ``--id``; with them, rows are matched as `CrossMatch` says.
    match_arcsec : how far a row may lie from its galaxy. For a table without numbers and identifiers: each row is the
        catalogue's galaxy nearest to its position within this distance; rows without a match are reported. In both
        cases the position itself is not imported.
    newest_id : galaxies that came later are never matched by position (`selectors.newest_galaxy_id` before the first
        batch), so that an interrupted run ends like one that was not.
    report : called with lines about bad rows, and about galaxies at nearly the same position.
    after_batch : called inside the transaction of each batch with the last line and the counts so far, so that a
        checkpoint always agrees with the rows.
    resume_line, resume_counts : where an interrupted run stopped.
    """

    def columns_read() -> GalaxyColumns:
        is_by_position = match_arcsec is not None
        return GalaxyColumns(
            *(table.columns, column_map), by_position=is_by_position, units=table.units, identifiers=identifiers
        )

    columns = columns_read()
    places = match = None
    if columns.identifiers:
        match = CrossMatch(NEAR_ARCSEC if match_arcsec is None else match_arcsec, newest_id)
        match.look(_read_batch(batch, columns_read(), _Run())[0] for batch in _batches(table))
    elif not columns.pgc and match_arcsec is not None:
        places = GalaxyPlaces(match_arcsec)
    run = _Run(Counter(resume_counts or {}))
    for batch in _batches(table):
        last_line = batch[-1].line
        entries, problems = _read_batch(batch, columns, run)
        with transaction.atomic():
            found = match.find(entries) if match else _numbered(entries, places, run)
            run.numbers |= {one.number for one in found.rows}
            if last_line <= resume_line:
                continue
            problems = sorted(problems + found.problems)
            run.counts["bad"] += len(problems)
            run.counts["ambiguous"] += len(found.ambiguous)
            run.counts.update(found.counts)
            run.counts.update(_write_batch(found.rows, columns, table.path.name))
            problems = sorted(problems + found.ambiguous)
            room = MAX_REPORTED - (run.counts["bad"] + run.counts["ambiguous"] - len(problems))
            if problems and room > 0:
                report([f"line {line}: {why}" for line, why in problems[:room]])
            after_batch(last_line, run.as_dict(is_matched=match is not None))
    near = near_duplicates(run.numbers) if "ra_deg" in columns.fields and not places else []
    report(
        [
            f"{number_in_words(one)} and {number_in_words(two)} lie {away:.1f}″ apart: perhaps one galaxy"
            for one, two, away in near[:MAX_NEAR]
        ]
    )
    counts = run.as_dict(is_matched=match is not None)
    return counts | {"near": len(near), "unmeasured": columns.unmeasured.total()}


def _batches(table: Table) -> Iterator[list[Row]]:
    rows = table.rows()
    while batch := list(islice(rows, BATCH_ROWS)):
        yield batch


def _read_batch(batch: list[Row], columns: GalaxyColumns, run: _Run) -> tuple[list[tuple[int, GalaxyEntry]], Problems]:
    """Return the rows that can be used, and why others can't; both with their lines."""
    entries: list[tuple[int, GalaxyEntry]] = []
    problems: Problems = []
    for row in batch:
        try:
            if row.problem:
                raise RowError(row.problem)
            entry = columns.entry(row.cells)
            for name in entry.names:
                first = run.first_line_of.setdefault(name if name.scheme != PGC else entry.pgc, row.line)
                if first != row.line:
                    called = number_in_words(entry.pgc) if name.scheme == PGC else name
                    raise RowError(f"{called} already appears on line {first}")
            entries.append((row.line, entry))
        except RowError as error:
            problems.append((row.line, str(error)))
    return entries, problems


def _numbered(entries: list[tuple[int, GalaxyEntry]], places: GalaxyPlaces | None, run: _Run) -> Found:
    """Return rows that have a number, or that of the galaxy at their position: they lose the position itself."""
    found = Found()
    for line, entry in entries:
        if places is None:
            found.rows.append(Matched(entry.pgc, entry))
            continue
        try:
            entry = _found(entry, places)
            first = run.first_line_of.setdefault(entry.pgc, line)
            if first != line:
                raise RowError(f"{number_in_words(entry.pgc)} already appears on line {first}")
            found.rows.append(Matched(entry.pgc, entry))
        except RowError as error:
            found.problems.append((line, str(error)))
    return found


def _found(entry: GalaxyEntry, places: GalaxyPlaces) -> GalaxyEntry:
    """Return the entry with the number of the galaxy at its position, and without the position."""
    ra_deg, dec_deg = entry.fields["ra_deg"], entry.fields["dec_deg"]
    if ra_deg is None or dec_deg is None:
        raise RowError("it has no position")
    pgc = places.nearest(ra_deg, dec_deg)
    if pgc is None:
        raise RowError(f"no galaxy of the catalogue lies within {places.within_arcsec:g}″ of {ra_deg:g} {dec_deg:+g}")
    return replace(entry, pgc=pgc, fields={**entry.fields, "ra_deg": None, "dec_deg": None})


def _write_batch(rows: list[Matched], columns: GalaxyColumns, source: str) -> dict[str, int]:
    source = source[:120]
    known = {
        galaxy.pgc: galaxy
        for galaxy in Galaxy.objects.select_for_update(no_key=True)
        .filter(pgc__in=[row.number for row in rows])
        .order_by("pgc")
    }
    named = identifiers_of([galaxy.pk for galaxy in known.values()])
    new: list[Galaxy] = []
    changed: dict[int, Galaxy] = {}
    revisions: list[GalaxyRevision] = []
    added: dict[Identifier, int] = {}
    fields = {"source", "updated_at"}
    count = 0
    for row in rows:
        galaxy = known.get(row.number)
        had = named.get(galaxy.pk, []) if galaxy else []
        more = [name for name in row.entry.identifiers if name not in had]
        added |= dict.fromkeys(more, row.number)
        if galaxy is None:
            new.append(_new_galaxy(row, source))
            continue
        changes = _apply(galaxy, row)
        if more:
            changes["identifiers"] = [list(map(str, had)), list(map(str, had + more))]
        if changes:
            before, galaxy.source = galaxy.source, source
            revisions.append(GalaxyRevision(galaxy=galaxy, source=source, source_before=before, changes=changes))
            galaxy.updated_at = Now()  # bulk_update does not apply auto_now
            changed[galaxy.pk] = galaxy
            fields |= changes.keys() & {*columns.fields, "extra"}
            count += 1
    Galaxy.objects.bulk_create(new, ignore_conflicts=True)
    if changed:
        Galaxy.objects.bulk_update(changed.values(), sorted(fields))
        GalaxyRevision.objects.bulk_create(revisions)
    ids = dict(Galaxy.objects.filter(pgc__in=set(added.values())).values_list("pgc", "id")) if added else {}
    GalaxyIdentifier.objects.bulk_create(
        GalaxyIdentifier(galaxy_id=ids[number], scheme=name.scheme, value=name.value, source=source)
        for name, number in added.items()
    )
    return {"new": len(new), "changed": count, "unchanged": len(rows) - len(new) - count}


def _new_galaxy(row: Matched, source: str) -> Galaxy:
    """Return the galaxy of a row that matches none; without a name or a PGC number it is called by its identifier."""
    galaxy = Galaxy(pgc=row.number, **row.entry.fields, extra=row.entry.extra, source=source)
    if not row.entry.pgc and not galaxy.name:
        galaxy.name = row.entry.identifiers[0].in_words[:80]
    return galaxy


def _apply(galaxy: Galaxy, row: Matched) -> dict[str, list[Any]]:
    """Set the row's values on the galaxy; return the changes, as [before, after].

    The position of a galaxy is that of the catalogue in which it was found first; another one only fills a blank.
    """
    entry = row.entry
    values = {name: value for name, value in entry.fields.items() if value not in (None, "")}
    is_own = galaxy.pgc in [name.number for name in entry.names]
    if not is_own and None not in (galaxy.ra_deg, galaxy.dec_deg):
        values = {name: value for name, value in values.items() if name not in ("ra_deg", "dec_deg")}
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
