"""Exports: the published rows of a campaign, streamed to a file with a manifest beside it.

The same votes give the same bytes. A file appears under its name only when it is whole (temporary file, fsync,
rename), and holds volunteers' remarks but never an e-mail address.
"""

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from django.db import connection, transaction
from django.db.models import F, FilteredRelation, Q

from giz.core.errors import Refused
from giz.labelset import Column
from giz.labelset.files import whole_file
from giz.labelset.tables import TABLE_FORMATS, write_table
from giz.labelset.tables.text import EDD_WIDTHS
from labeling.aggregation.estimators import ESTIMATORS
from labeling.aggregation.published import PublishedRow, is_published, published_row
from labeling.comparison import COMPARISON_RULE
from labeling.models import Campaign, Consensus, Target, Vote
from labeling.services.consensus import consensus_refresh, estimator_for

CHUNK = 2000

OnProgress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class ExportRow:
    """The published row and, beside it, the exact figures (degrees); ``by_estimator`` as in `ESTIMATOR_COLUMNS`."""

    published: PublishedRow
    inclination_deg: float | None
    sigma_deg: float | None
    verdict: str
    status: str
    rule_version: str
    by_estimator: tuple[float | None, ...] = ()

    def cells(self) -> tuple[Any, ...]:
        """The row in the order of `COLUMNS`."""
        row = self.published
        figures = (self.inclination_deg, _short(self.sigma_deg), self.verdict, self.status)
        return (row.pgc, row.inc, row.inc_e, row.inc_flg, row.inc_n, row.inc_note, *figures)


COLUMNS = (
    Column("pgc", "int64", "number in the Principal Galaxies Catalogue", ucd="meta.id;meta.main", nullable=False),
    Column("inc", "int64", "inclination in whole degrees by seeded random rounding; empty unless accepted by three",
           unit="deg", ucd="src.orbital.inclination"),
    Column("inc_e", "int64", "its standard error, rounded up", unit="deg", ucd="stat.error;src.orbital.inclination"),
    Column("inc_flg", "int64", "0 where the verdict is accepted, else 1", ucd="meta.code", nullable=False),
    Column("inc_n", "int64", "how many different volunteers judged", ucd="meta.number", nullable=False),
    Column("inc_note", "string", "reasons in brackets, then comments", ucd="meta.note", nullable=False),
    Column("inclination_deg", "float64", "the estimator's exact value; empty where nobody gave an inclination",
           unit="deg", ucd="src.orbital.inclination"),
    Column("sigma_deg", "float64", "its standard error, exact", unit="deg", ucd="stat.error;src.orbital.inclination"),
    Column("verdict", "string", "A accepted, F face-on, J rejected, split where people disagree evenly",
           ucd="meta.code.class", nullable=False),
    Column("status", "string", "open, retired, expert", ucd="meta.code.status", nullable=False),
)  # fmt: skip
# Both estimators stand in every table, whichever of them the campaign publishes.
ESTIMATOR_COLUMNS = tuple(
    column
    for name in ESTIMATORS
    for column in (
        Column(f"{name}_deg", "float64", f"what the estimator {name} gives", unit="deg", ucd="src.orbital.inclination"),
        Column(f"{name}_sigma_deg", "float64", f"standard error of {name}_deg", unit="deg",
               ucd="stat.error;src.orbital.inclination"),
    )
)  # fmt: skip
TABLE_COLUMNS = (*COLUMNS, *ESTIMATOR_COLUMNS)
PICTURE_FORMATS = ("npz", "folder")
FORMATS = (*TABLE_FORMATS, *PICTURE_FORMATS)


def labels_export(
    *,
    campaign: Campaign,
    format_name: str,
    path: Path,
    estimator: str | None = None,
    on_progress: OnProgress | None = None,
) -> dict[str, Any]:
    """Write the campaign's labels to ``path`` and its manifest beside it; returns the manifest.

    Votes that came after the last aggregation are aggregated first. Formats of tables only: those with pictures are
    made from a label set (`labeling.services.labelsets`). ``on_progress`` is called within a transaction: what it
    writes is seen by nobody before the end, so a job reports by `JobContext.progress_aside`.
    """
    if format_name not in TABLE_FORMATS:
        raise Refused("unknown_format", f"{format_name!r} is no table. Known: {', '.join(TABLE_FORMATS)}.")
    chosen = estimator_for(estimator or campaign.estimator)
    refuse_bad_path(path, force=True)
    consensus_refresh(campaign=campaign)
    counts = {"rows": 0, "published": 0, "accepted": 0, "face_on": 0, "rejected": 0, "split": 0, "retired": 0}
    versions: set[str] = set()
    with transaction.atomic():
        # Rows come through a cursor on the server, which lives as long as a transaction.
        _all_rows_are_read()
        total = _consensuses(campaign, chosen.name).count()
        found = _rows(campaign, chosen.name, only_published=format_name == "edd")
        rows = _counted(found, counts, versions, total, on_progress)
        cells = ((*row.cells(), *row.by_estimator) for row in rows)
        digest = write_table(format_name, TABLE_COLUMNS, cells, path).sha256
        votes = Vote.objects.filter(target__campaign=campaign)
        counts["votes"] = votes.exclude(standing=Vote.Standing.SUPERSEDED).count()
        counts["volunteers"] = votes.values("volunteer_id").distinct().count()
    manifest = {
        "file": path.name,
        "format": format_name,
        "sha256": digest,
        "campaign": campaign.name,
        "estimator": chosen.name,
        "rule_versions": sorted(versions),
        "comparison_rule": COMPARISON_RULE,
        "standard_set": {
            "name": campaign.standard_set.name,
            "version": campaign.standard_set.version,
            "digest": campaign.standard_set.digest,
        },
        "overlap": campaign.overlap,
        "columns": list(EDD_WIDTHS) if format_name == "edd" else [column.name for column in TABLE_COLUMNS],
        "counts": counts,
    }
    with whole_file(manifest_path(path)) as out:
        out.write((json.dumps(manifest, indent=2, ensure_ascii=False) + "\n").encode())
    return manifest


def manifest_path(path: Path) -> Path:
    return path.with_name(path.name + ".manifest.json")


def refuse_unknown_format(format_name: str) -> None:
    if format_name not in FORMATS:
        raise Refused("unknown_format", f"There is no format {format_name!r}. Known: {', '.join(FORMATS)}.")


def refuse_bad_path(path: Path, *, force: bool, is_folder: bool = False) -> None:
    """Refuse a place that can't be written, and (without ``force``) a file that is there already; a folder always."""
    if is_folder and path.exists():
        raise Refused("file_exists", f"{path} exists already; choose another name: a folder is never overwritten.")
    if path.is_dir():
        raise Refused("bad_path", f"{path} is a folder; name the file to write.")
    if not path.parent.is_dir():
        raise Refused("bad_path", f"The folder {path.parent} does not exist; make it first or choose another.")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise Refused("bad_path", f"The folder {path.parent} can't be written to; choose another.")
    there = next((file for file in (path, manifest_path(path)) if file.exists()), None)
    if there is not None and not force:
        raise Refused("file_exists", f"{there} exists already; choose another name, or overwrite it with --force.")


# A synthetic galaxy of known answer, mixed in to measure people: it is no label of the sky.
MEASURES_PEOPLE = Q(target__purpose=Target.Purpose.GOLDEN, target__galaxy__truth__isnull=False)


def _all_rows_are_read() -> None:
    """Tell the database that this transaction reads whole tables, however long that takes: row by row through an index
    takes minutes where it guesses that there are few, as it does of tables that have just been filled.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute("SET LOCAL cursor_tuple_fraction = 1")
        cursor.execute("SET LOCAL enable_nestloop = off")


def _consensuses(campaign: Campaign, estimator: str) -> Any:
    current = Consensus.objects.filter(
        target__campaign=campaign, estimator=estimator, is_current=True, volunteer_count__gt=0
    )
    return current.exclude(MEASURES_PEOPLE)


def _rows(campaign: Campaign, estimator: str, *, only_published: bool) -> Iterator[ExportRow]:
    found = _consensuses(campaign, estimator).annotate(pgc=F("target__galaxy__pgc"), **_by_estimator())
    for consensus in found.order_by("pgc").only(*_READ).iterator(CHUNK):
        if not only_published or is_published(consensus.volunteer_count):
            figures = [
                (getattr(consensus, f"{name}_deg"), getattr(consensus, f"{name}_sigma_deg")) for name in ESTIMATORS
            ]
            by_estimator = tuple(cell for degrees, sigma in figures for cell in (degrees, _short(sigma)))
            yield replace(export_row(consensus.pgc, consensus), by_estimator=by_estimator)


def _by_estimator() -> dict[str, Any]:
    """Annotations that join the current consensus of each estimator, for `ESTIMATOR_COLUMNS`."""
    joined: dict[str, Any] = {}
    for name in ESTIMATORS:
        is_its = Q(target__consensuses__estimator=name, target__consensuses__is_current=True)
        joined[f"by_{name}"] = FilteredRelation("target__consensuses", condition=is_its)
        joined[f"{name}_deg"] = F(f"by_{name}__inclination_deg")
        joined[f"{name}_sigma_deg"] = F(f"by_{name}__sigma_deg")
    return joined


def _short(degrees: float | None) -> float | None:
    return None if degrees is None else round(degrees, 4)


_READ = (
    "inclination_published_deg", "inclination_deg", "sigma_deg", "verdict", "is_split", "status", "volunteer_count",
    "note", "rule_version",
)  # fmt: skip


def export_row(pgc: int, consensus: Consensus) -> ExportRow:
    """The row of one galaxy."""
    row = published_row(
        pgc=pgc,
        verdict=consensus.verdict or None,
        inclination_published_deg=consensus.inclination_published_deg,
        sigma_deg=consensus.sigma_deg,
        volunteer_count=consensus.volunteer_count,
        note=consensus.note,
    )
    verdict = "split" if consensus.is_split else consensus.verdict
    return ExportRow(
        row, consensus.inclination_deg, consensus.sigma_deg, verdict, consensus.status, consensus.rule_version
    )


_VERDICT_COUNTS = {"A": "accepted", "F": "face_on", "J": "rejected", "split": "split"}


def _counted(
    rows: Iterator[ExportRow],
    counts: dict[str, int],
    versions: set[str],
    total: int,
    on_progress: OnProgress | None,
) -> Iterator[ExportRow]:
    for row in rows:
        counts["rows"] += 1
        counts["published"] += is_published(row.published.inc_n)
        counts["retired"] += row.status == Consensus.Status.RETIRED
        if row.verdict in _VERDICT_COUNTS:
            counts[_VERDICT_COUNTS[row.verdict]] += 1
        versions.add(row.rule_version)
        yield row
        if on_progress and counts["rows"] % CHUNK == 0:
            on_progress(counts["rows"], total)
    if on_progress:
        on_progress(total, total)
