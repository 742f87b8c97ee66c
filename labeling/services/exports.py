"""Exports: the published rows of a campaign, streamed to a file with a manifest beside it.

The same votes give the same bytes. A file appears under its name only when it is whole (temporary file, fsync,
rename), and holds volunteers' remarks but never an e-mail address.
"""

import csv
import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from django.db import transaction

from giz.core.errors import Refused
from labeling.aggregation.published import PublishedRow, is_published, published_row
from labeling.comparison import COMPARISON_RULE
from labeling.models import Campaign, Consensus, Vote
from labeling.services.consensus import consensus_refresh, estimator_for

CHUNK = 2000
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")

OnProgress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class ExportRow:
    """The published row and, beside it, the exact figures (degrees)."""

    published: PublishedRow
    inclination_deg: float | None
    sigma_deg: float | None
    verdict: str
    status: str
    rule_version: str

    def columns(self) -> dict[str, Any]:
        figures = {
            "inclination_deg": self.inclination_deg,
            "sigma_deg": None if self.sigma_deg is None else round(self.sigma_deg, 4),
            "verdict": self.verdict,
            "status": self.status,
        }
        return {**asdict(self.published), **figures}


COLUMNS = ("pgc", "inc", "inc_e", "inc_flg", "inc_n", "inc_note", "inclination_deg", "sigma_deg", "verdict", "status")
EDD_WIDTHS = {"pgc": 7, "inc": 3, "inc_e": 5, "inc_flg": 7, "inc_n": 5, "inc_note": 100}


def guard_formula(text: str) -> str:
    """Put an apostrophe before text that a spreadsheet would run as a formula (`unguard_formula` takes it off)."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) or _is_guarded(text) else text


def unguard_formula(text: str) -> str:
    """Return the text that `guard_formula` was given."""
    return text[1:] if _is_guarded(text) else text


def _is_guarded(text: str) -> bool:
    """Apostrophes before a formula; text that begins so by itself gets one more, so that the way back is exact."""
    bare = text.lstrip("'")
    return bare != text and bare.startswith(_FORMULA_STARTS)


class _HashedFile:
    """Text written as UTF-8 and hashed on the way."""

    def __init__(self, binary: IO[bytes]) -> None:
        self._binary = binary
        self.digest = hashlib.sha256()

    def write(self, text: str) -> int:
        data = text.encode()
        self.digest.update(data)
        return self._binary.write(data)


def _write_csv(rows: Iterator[ExportRow], out: _HashedFile) -> None:
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        columns = row.columns()
        writer.writerow({**columns, "inc_note": guard_formula(columns["inc_note"])})


def _write_json(rows: Iterator[ExportRow], out: _HashedFile) -> None:
    out.write("[")
    for number, row in enumerate(rows):
        out.write(",\n" if number else "\n")
        out.write(json.dumps(row.columns(), ensure_ascii=False))
    out.write("\n]\n")


def _write_edd(rows: Iterator[ExportRow], out: _HashedFile) -> None:
    """The original's pipe table. As there, a galaxy that is not accepted has inc and inc_e 0 beside inc_flg 1."""
    out.write(" | ".join(name.rjust(width) for name, width in EDD_WIDTHS.items()) + "\n")
    for row in rows:
        columns = row.columns()
        note = columns["inc_note"].replace("|", "/")
        cells = {**columns, "inc": columns["inc"] or 0, "inc_e": columns["inc_e"] or 0, "inc_note": note}
        out.write(" | ".join(str(cells[name]).rjust(width) for name, width in EDD_WIDTHS.items()) + "\n")


FORMATS: dict[str, Callable[[Iterator[ExportRow], _HashedFile], None]] = {
    "csv": _write_csv,
    "json": _write_json,
    "edd": _write_edd,
}


def labels_export(
    *,
    campaign: Campaign,
    format_name: str,
    path: Path,
    estimator: str | None = None,
    on_progress: OnProgress | None = None,
) -> dict[str, Any]:
    """Write the campaign's labels to ``path`` and its manifest beside it; returns the manifest.

    Votes that came after the last aggregation are aggregated first.
    """
    refuse_unknown_format(format_name)
    chosen = estimator_for(estimator or campaign.estimator)
    refuse_bad_path(path, force=True)
    consensus_refresh(campaign=campaign)
    counts = {"rows": 0, "published": 0, "accepted": 0, "face_on": 0, "rejected": 0, "split": 0, "retired": 0}
    versions: set[str] = set()
    with transaction.atomic():
        # Rows come through a cursor on the server, which lives as long as a transaction.
        total = _consensuses(campaign, chosen.name).count()
        found = _rows(campaign, chosen.name, only_published=format_name == "edd")
        rows = _counted(found, counts, versions, total, on_progress)
        digest = _write_file(path, lambda out: FORMATS[format_name](rows, out))
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
        "columns": list(EDD_WIDTHS if format_name == "edd" else COLUMNS),
        "counts": counts,
    }
    text = json.dumps(manifest, indent=2, ensure_ascii=False) + "\n"
    _write_file(manifest_path(path), lambda out: out.write(text))
    return manifest


def manifest_path(path: Path) -> Path:
    return path.with_name(path.name + ".manifest.json")


def refuse_unknown_format(format_name: str) -> None:
    if format_name not in FORMATS:
        raise Refused("unknown_format", f"There is no format {format_name!r}. Known: {', '.join(FORMATS)}.")


def refuse_bad_path(path: Path, *, force: bool) -> None:
    """Refuse a place that can't be written, and (without ``force``) a file that is there already."""
    if path.is_dir():
        raise Refused("bad_path", f"{path} is a folder; name the file to write.")
    if not path.parent.is_dir():
        raise Refused("bad_path", f"The folder {path.parent} does not exist; make it first or choose another.")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise Refused("bad_path", f"The folder {path.parent} can't be written to; choose another.")
    there = next((file for file in (path, manifest_path(path)) if file.exists()), None)
    if there is not None and not force:
        raise Refused("file_exists", f"{there} exists already; choose another name, or overwrite it with --force.")


def _consensuses(campaign: Campaign, estimator: str) -> Any:
    return Consensus.objects.filter(
        target__campaign=campaign, estimator=estimator, is_current=True, volunteer_count__gt=0
    )


def _rows(campaign: Campaign, estimator: str, *, only_published: bool) -> Iterator[ExportRow]:
    found = _consensuses(campaign, estimator).order_by("target__galaxy__pgc").values_list(
        "target__galaxy__pgc", "inclination_published_deg", "inclination_deg", "sigma_deg", "verdict", "is_split",
        "status", "volunteer_count", "note", "rule_version",
    )  # fmt: skip
    for pgc, inc, inclination_deg, sigma_deg, verdict, is_split, status, count, note, version in found.iterator(CHUNK):
        if only_published and not is_published(count):
            continue
        row = published_row(
            pgc=pgc,
            verdict=verdict or None,
            inclination_published_deg=inc,
            sigma_deg=sigma_deg,
            volunteer_count=count,
            note=note,
        )
        yield ExportRow(row, inclination_deg, sigma_deg, "split" if is_split else verdict, status, version)


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


def _write_file(path: Path, write: Callable[[_HashedFile], Any]) -> str:
    """Write through a temporary file in the same folder; nothing half-written ever bears the name."""
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as binary:
            out = _HashedFile(binary)
            write(out)
            binary.flush()
            os.fsync(binary.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return out.digest.hexdigest()
