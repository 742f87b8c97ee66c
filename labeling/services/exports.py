"""Export a campaign's labels as a table, streamed to a file with a manifest beside it.

The same votes give the same bytes. The file appears under its name only once it is complete (temporary file, fsync,
rename). It holds volunteers' comments but never an e-mail address.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from django.db.models import F, FilteredRelation, Q

from giz.catalog.formats.identifiers import GALAXY_IDS
from giz.catalog.selectors import rows_identified
from giz.core.database import plan_for_whole_tables, reading_snapshot
from giz.core.errors import Refused
from giz.core.vocabulary import VERDICT_NAMES
from giz.labelset import Column
from giz.labelset.files import whole_file
from giz.labelset.manifest import dumps
from giz.labelset.tables import TABLE_FORMATS, write_table
from giz.labelset.tables.text import EDD_WIDTHS
from labeling.aggregation.estimators import ESTIMATORS
from labeling.aggregation.published import is_published, published_row
from labeling.comparison import COMPARISON_RULE
from labeling.models import Campaign, Consensus, Target, Vote
from labeling.services.consensus import consensus_refresh, estimator_for

CHUNK = 2000

OnProgress = Callable[[int, int], None]

COLUMNS = (
    Column("pgc", "int64", "number in the Principal Galaxies Catalogue; of 15 digits where a galaxy has none",
           ucd="meta.id;meta.main", nullable=False),
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
# Every table has the columns of both estimators, whichever of them the campaign publishes.
ESTIMATOR_COLUMNS = tuple(
    column
    for name in ESTIMATORS
    for column in (
        Column(f"{name}_deg", "float64", f"what the estimator {name} gives", unit="deg", ucd="src.orbital.inclination"),
        Column(f"{name}_sigma_deg", "float64", f"standard error of {name}_deg", unit="deg",
               ucd="stat.error;src.orbital.inclination"),
    )
)  # fmt: skip
SIGMA_COMMON = Column("sigma_common_deg", "float64", "error that all labels share; empty where none was measured",
                      unit="deg", ucd="stat.error.sys;src.orbital.inclination")  # fmt: skip
IDENTIFIERS = Column(GALAXY_IDS, "string", "what other catalogues call the galaxy, scheme:value, separated by spaces",
                     ucd="meta.id.cross")  # fmt: skip
TABLE_COLUMNS = (*COLUMNS, *ESTIMATOR_COLUMNS, SIGMA_COMMON, IDENTIFIERS)
PICTURE_FORMATS = ("npz", "folder")
FORMATS = (*TABLE_FORMATS, *PICTURE_FORMATS)

_VERDICT_COUNTS = {**VERDICT_NAMES, "split": "split"}


def labels_export(
    *,
    campaign: Campaign,
    format_name: str,
    path: Path,
    estimator: str | None = None,
    on_progress: OnProgress | None = None,
) -> dict[str, Any]:
    """Write the campaign's labels to ``path`` and a manifest beside it; return the manifest.

    Consensuses that are out of date are recomputed first. Table formats only: formats with pictures are written from
    a label set (`labeling.services.labelsets`). ``on_progress`` is called inside a transaction, so a job must report
    by `JobContext.progress_aside` for others to see it.
    """
    if format_name not in TABLE_FORMATS:
        raise Refused("unknown_format", f"{format_name!r} is not a table format. Known: {', '.join(TABLE_FORMATS)}.")
    chosen = estimator_for(estimator or campaign.estimator)
    refuse_bad_path(path, force=True)
    consensus_refresh(campaign=campaign)
    counts = dict.fromkeys(("rows", "published", *_VERDICT_COUNTS.values(), "retired"), 0)
    versions: set[str] = set()
    # One snapshot for the rows and for what the manifest counts; the rows come through a server-side cursor.
    with reading_snapshot():
        plan_for_whole_tables()
        found = _consensuses(campaign, chosen.name)
        total = found.count()
        only_published = format_name == "edd"
        rows = _rows(found, counts, versions, campaign.sigma_common_deg, only_published=only_published)
        digest = write_table(format_name, TABLE_COLUMNS, rows_reported(rows, total, on_progress), path).sha256
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
        **({"common_error": campaign.common_error} if campaign.common_error else {}),
    }
    manifest_write(path, manifest)
    return manifest


def manifest_path(path: Path) -> Path:
    """Return where the manifest of an exported file or folder lies."""
    return path.with_name(path.name + ".manifest.json")


def manifest_write(path: Path, manifest: dict[str, Any]) -> None:
    """Write the manifest of the export at ``path`` beside it."""
    with whole_file(manifest_path(path)) as out:
        out.write(dumps(manifest))


def refuse_unknown_format(format_name: str) -> None:
    """Raise Refused for an export format that does not exist."""
    if format_name not in FORMATS:
        raise Refused("unknown_format", f"There is no format {format_name!r}. Known: {', '.join(FORMATS)}.")


def refuse_bad_path(path: Path, *, force: bool, is_folder: bool = False) -> None:
    """Refuse a path that can't be written and, without ``force``, an existing file; an existing folder always."""
    if is_folder and path.exists():
        raise Refused("file_exists", f"{path} already exists. Choose another name: a folder is never overwritten.")
    if path.is_dir():
        raise Refused("bad_path", f"{path} is a folder; name the file to write.")
    if not path.parent.is_dir():
        raise Refused("bad_path", f"The folder {path.parent} does not exist; make it first or choose another.")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise Refused("bad_path", f"The folder {path.parent} can't be written to; choose another.")
    there = next((file for file in (path, manifest_path(path)) if file.exists()), None)
    if there is not None and not force:
        raise Refused("file_exists", f"{there} already exists. Choose another name, or overwrite it with --force.")


def _rows(
    found: Any, counts: dict[str, int], versions: set[str], sigma_common_deg: float | None, *, only_published: bool
) -> Iterator[tuple[Any, ...]]:
    """Yield the cells of `TABLE_COLUMNS` by rising PGC number; add each row to ``counts`` and ``versions``."""

    def labels() -> Iterator[tuple[Any, ...]]:
        for consensus in found.order_by("pgc").only(*_READ).annotate(**_by_estimator()).iterator(CHUNK):
            enough = is_published(consensus.volunteer_count)
            if only_published and not enough:
                continue
            cells = label_cells(consensus.pgc, consensus)
            counts["rows"] += 1
            counts["published"] += enough
            counts["retired"] += consensus.status == Consensus.Status.RETIRED
            if (verdict := cells[_VERDICT_PLACE]) in _VERDICT_COUNTS:
                counts[_VERDICT_COUNTS[verdict]] += 1
            versions.add(consensus.rule_version)
            for name in ESTIMATORS:
                cells += (getattr(consensus, f"{name}_deg"), _four_digits(getattr(consensus, f"{name}_sigma_deg")))
            common_deg = None if consensus.inclination_deg is None else sigma_common_deg
            yield consensus.galaxy_id, (*cells, common_deg)

    for _galaxy, cells, names in rows_identified(labels(), lambda row: row[0]):
        yield (*cells, names)


def rows_reported(
    rows: Iterator[tuple[Any, ...]], total: int, on_progress: OnProgress | None
) -> Iterator[tuple[Any, ...]]:
    """Pass rows on and report every `CHUNK` of them."""
    for number, row in enumerate(rows, start=1):
        yield row
        if on_progress and number % CHUNK == 0:
            on_progress(number, total)
    if on_progress:
        on_progress(total, total)


def label_cells(pgc: int, consensus: Consensus) -> tuple[Any, ...]:
    """Return a galaxy's label as tables and label sets hold it, in the order of `COLUMNS`."""
    row = published_row(
        pgc=pgc,
        verdict=consensus.verdict or None,
        inclination_published_deg=consensus.inclination_published_deg,
        sigma_deg=consensus.sigma_deg,
        volunteer_count=consensus.volunteer_count,
        note=consensus.note,
    )
    verdict = "split" if consensus.is_split else consensus.verdict
    exact = (consensus.inclination_deg, _four_digits(consensus.sigma_deg), verdict, consensus.status)
    return (row.pgc, row.inc, row.inc_e, row.inc_flg, row.inc_n, row.inc_note, *exact)


_VERDICT_PLACE = [column.name for column in COLUMNS].index("verdict")


def _four_digits(degrees: float | None) -> float | None:
    return None if degrees is None else round(degrees, 4)


def measures_people(prefix: str = "") -> Q:
    """Match synthetic golden targets: they measure people, and are not labels of the sky.

    ``prefix`` is the lookup from the queried model to the target, such as ``target__``.
    """
    return Q(**{f"{prefix}purpose": Target.Purpose.GOLDEN, f"{prefix}galaxy__truth__isnull": False})


def _consensuses(campaign: Campaign, estimator: str) -> Any:
    current = Consensus.objects.filter(
        target__campaign=campaign, estimator=estimator, is_current=True, volunteer_count__gt=0
    )
    return current.exclude(measures_people("target__")).annotate(
        pgc=F("target__galaxy__pgc"), galaxy_id=F("target__galaxy_id")
    )


def _by_estimator() -> dict[str, Any]:
    """Return annotations that join each estimator's current consensus, for `ESTIMATOR_COLUMNS`."""
    joined: dict[str, Any] = {}
    for name in ESTIMATORS:
        is_current = Q(target__consensuses__estimator=name, target__consensuses__is_current=True)
        joined[f"by_{name}"] = FilteredRelation("target__consensuses", condition=is_current)
        joined[f"{name}_deg"] = F(f"by_{name}__inclination_deg")
        joined[f"{name}_sigma_deg"] = F(f"by_{name}__sigma_deg")
    return joined


_READ = (
    "inclination_published_deg", "inclination_deg", "sigma_deg", "verdict", "is_split", "status", "volunteer_count",
    "note", "rule_version",
)  # fmt: skip
