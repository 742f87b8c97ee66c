"""Export a campaign's votes, one row each, streamed to a file or to files of a fixed number of rows.

People appear under a pseudonym that holds for one release only; two releases with the same votes can be joined by the
votes' ids and times (docs/reference/exports.md says so). Since a vote can be undone for some minutes and votes
are committed in another order than they are numbered, an export that will be continued (``since``) stops before the
first vote that can still change: the next one begins there, so that none is lost and none comes twice.
"""

import json
import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain, islice
from pathlib import Path
from typing import Any

from django.db import connection
from django.db.models import Count, QuerySet, TextField
from django.db.models.functions import Cast
from django.utils import timezone
from django.utils.crypto import salted_hmac

from giz.catalog.selectors import rows_identified
from giz.core.database import plan_for_whole_tables, reading_snapshot
from giz.core.errors import Refused
from giz.core.vocabulary import REASONS
from giz.labelset import Column
from giz.labelset.tables import write_table
from labeling.aggregation.published import without_addresses
from labeling.models import Campaign, Vote
from labeling.rules import UNDO_TIME
from labeling.services.exports import IDENTIFIERS, OnProgress, manifest_write, refuse_bad_path, rows_reported
from standards import grid
from standards.models import Standard
from standards.selectors import DrawOrders, ShownStandards, set_standards

VOTE_FORMATS = ("csv", "parquet", "json", "votable", "fits")
START = "start"
_CURSOR = re.compile(r"votes-1:(?P<campaign>[^:]+):(?P<after>\d{1,18})")
_RELEASE = re.compile(r"[A-Za-z0-9_.-]{1,60}")
CHUNK = 2_000
# Transactions that vote or import take seconds at most.
LONGEST_WAIT_S = 60.0

COLUMNS = (
    Column("id", "string", "the vote's key (UUID)", ucd="meta.id;meta.main", nullable=False),
    Column("pgc", "int64", "number in the Principal Galaxies Catalogue; synthetic galaxies count from 90,000,001, "
           "galaxies without a PGC number have 15 digits", ucd="meta.id", nullable=False),
    Column("purpose", "string", "label, golden (inclination known), calibration (judged by everybody)", nullable=False),
    Column("volunteer", "string", "pseudonym of the person within this release", ucd="meta.id", nullable=False),
    Column("standing", "string", "counted, repeat, superseded (undone), surplus (late)", nullable=False),
    Column("verdict", "string", "A accepted, F face-on, J rejected", ucd="meta.code.class", nullable=False),
    Column("flag", "int64", "0 where the verdict is accepted, else 1", ucd="meta.code", nullable=False),
    Column("inc", "float64", "inclination as judged; empty unless accepted", unit="deg", ucd="src.orbital.inclination"),
    Column("inc_rounded", "int64", "the same by seeded random rounding", unit="deg", ucd="src.orbital.inclination"),
    Column("pgcID1", "int64", "the standard left of the galaxy in its final place", ucd="meta.id"),
    Column("pgcID2", "int64", "the standard right of it", ucd="meta.id"),
    *(Column(name.lower(), "int64", f"1 where the reason {name} was given", nullable=False) for name in REASONS),
    Column("comment", "string", "the person's comment without addresses", ucd="meta.note"),
    Column("checkoutTime", "string", "when the galaxy was handed out (UTC)", ucd="time.start"),
    Column("checkinTime", "string", "when the vote was stored (UTC)", ucd="time.end", nullable=False),
    Column("superseded_at", "string", "when the vote was undone (UTC)", ucd="time.end"),
    Column("shown_s", "float64", "time on screen", unit="s", ucd="time.duration"),
    Column("flags", "string", "too_fast, late, implausible …, separated by spaces"),
    Column("standard_set", "string", "name and version of the standards that it was compared with"),
    Column("rule_version", "string", "the rule that read the trace"),
    Column("field_guide", "string", "name and version of the field guide that the person was offered"),
    Column("imported", "bool", "whether the vote was imported from a table", nullable=False),
    Column("trace", "string", "panels, draws and places as the page sent them (JSON); empty for imported votes"),
)  # fmt: skip
SHOWN = Column("shown", "string", "PGC numbers of the standards on screen, for each step of the trace (JSON)")

_READ = (
    "key", "target__galaxy__pgc", "target__purpose", "volunteer_id", "standing", "verdict", "inclination_deg",
    "inclination_rounded_deg", "trace_text", "reasons", "comment", "checked_out_at", "created_at", "superseded_at",
    "shown_ms", "flags", "standard_set_id", "standard_set__name", "standard_set__version", "rule_version",
    "guide__name", "guide__number", "is_imported", "task__seed", "target__galaxy_id",
)  # fmt: skip
_GALAXY_PLACE = _READ.index("target__galaxy_id")


@dataclass(frozen=True, slots=True)
class VoteExport:
    """What to export. ``since`` is the cursor of the export before, `START`, or empty for all votes of this moment.

    release : people have the same pseudonym in all exports of one release, and others in every other release.
    part_rows : rows of each file in the folder ``path``; 0 for one file.
    with_shown : add the column of standards that were on screen, which takes several times as long.
    undo_time : for how long a vote can change.
    """

    campaign: Campaign
    format_name: str
    path: Path
    release: str
    since: str = ""
    part_rows: int = 0
    with_shown: bool = False
    undo_time: timedelta = UNDO_TIME

    @property
    def columns(self) -> tuple[Column, ...]:
        return (*COLUMNS, *([SHOWN] if self.with_shown else []), IDENTIFIERS)

    @property
    def after(self) -> int:
        """The id of the last vote that was exported before."""
        if not self.since or self.since == START:
            return 0
        found = _CURSOR.fullmatch(self.since)
        if found is None or found["campaign"] != self.campaign.name:
            raise Refused(
                "bad_cursor",
                f"{self.since!r} is no cursor of the campaign {self.campaign.name}. Give {START}, or the cursor that "
                "the export before printed and its manifest holds.",
            )
        return int(found["after"])

    def check(self, *, force: bool) -> None:
        """Raise Refused for what can't be exported."""
        if self.format_name not in VOTE_FORMATS:
            raise Refused(
                "unknown_format", f"There is no format {self.format_name!r}. Known: {', '.join(VOTE_FORMATS)}."
            )
        if not _RELEASE.fullmatch(self.release):
            raise Refused(
                "bad_release", "A release's name has up to 60 letters, digits, points, hyphens and underscores."
            )
        if self.part_rows < 0:
            raise Refused("bad_number", "The number of rows of a file must be 1 or more.")
        refuse_bad_path(self.path, force=force, is_folder=self.part_rows > 0)
        _ = self.after


def votes_export(*, plan: VoteExport, on_progress: OnProgress | None = None) -> dict[str, Any]:
    """Write the votes by rising id, and a manifest beside them; return the manifest.

    Without ``since`` the same votes give the same bytes. ``on_progress`` is called inside a transaction.
    """
    plan.check(force=True)
    upto = _last_settled(plan) if plan.since else None
    with reading_snapshot():
        plan_for_whole_tables()
        votes = Vote.objects.filter(target__campaign=plan.campaign, id__gt=plan.after)
        votes = votes if upto is None else votes.filter(id__lte=upto)
        counts = _counts(votes)
        rows = _Rows(plan)
        read = votes.annotate(trace_text=Cast("trace", TextField())).order_by("id").values_list(*_READ).iterator(CHUNK)
        made = (
            (*rows.cells(tuple(row)), names) for (*row, names) in rows_identified(read, lambda row: row[_GALAXY_PLACE])
        )
        files = _written(plan, rows_reported(made, counts["votes"], on_progress))
    manifest = {
        "file": plan.path.name,
        "format": plan.format_name,
        **files,
        "campaign": plan.campaign.name,
        "release": plan.release,
        "since": plan.since or None,
        "cursor": None if upto is None else f"votes-1:{plan.campaign.name}:{max(upto, plan.after)}",
        "columns": [column.name for column in plan.columns],
        "rule_versions": sorted(rows.rule_versions),
        "standard_sets": sorted(rows.sets),
        "counts": counts,
    }
    manifest_write(plan.path, manifest)
    return manifest


def _counts(votes: QuerySet[Vote]) -> dict[str, int]:
    by_standing = dict(votes.order_by().values_list("standing").annotate(number=Count("id")))
    people = votes.order_by().aggregate(people=Count("volunteer_id", distinct=True))["people"]
    standings = {standing.value: by_standing.get(standing.value, 0) for standing in Vote.Standing}
    return {"votes": sum(standings.values()), **standings, "volunteers": people}


def _last_settled(plan: VoteExport) -> int:
    """Return the highest id up to which every vote is committed or lost for good, and none can be undone any more.

    A writer has a transaction number before it takes a number for its vote (`vote_record` locks rows first, an import
    asks for it). So once all transactions have ended that were running after the highest number was read, no vote with
    a lower one can appear.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT last_value, is_called FROM labeling_vote_id_seq")
        highest, is_used = cursor.fetchone()
        # A number of our own is higher than that of every transaction that runs now.
        cursor.execute("SELECT pg_current_xact_id()::text::bigint")
        running_before = cursor.fetchone()[0]
        began = time.monotonic()
        while True:
            cursor.execute("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
            if cursor.fetchone()[0] >= running_before:
                break
            if time.monotonic() - began > LONGEST_WAIT_S:
                raise Refused(
                    "busy",
                    "A transaction that writes has been running for a minute (a migration?), so it is not certain "
                    "which votes are complete. Try again when it has ended.",
                    status=503,
                )
            time.sleep(0.05)
    recent = Vote.objects.filter(
        target__campaign=plan.campaign,
        created_at__gt=timezone.now() - plan.undo_time,
        is_imported=False,
        id__gt=plan.after,
    )
    first = recent.order_by("id").values_list("id", flat=True).first()
    newest = highest if is_used else 0
    return newest if first is None else min(newest, first - 1)


def _written(plan: VoteExport, rows: Iterator[tuple[Any, ...]]) -> dict[str, Any]:
    """Write one file, or a folder that appears when all its files are complete; return what the manifest says of it."""
    if not plan.part_rows:
        return {"sha256": write_table(plan.format_name, plan.columns, rows, plan.path).sha256}
    folder = plan.path.with_name(f".{plan.path.name}.unfinished")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    parts: list[dict[str, Any]] = []
    while (first := next(rows, None)) is not None or not parts:
        part = () if first is None else chain([first], islice(rows, plan.part_rows - 1))
        path = folder / f"votes-{len(parts):05d}.{plan.format_name}"
        table = write_table(plan.format_name, plan.columns, part, path)
        parts.append({"file": path.name, "rows": table.rows, "sha256": table.sha256})
    folder.rename(plan.path)
    return {"parts": parts}


class _Rows:
    """Makes the cells of votes, and remembers what the manifest says about them."""

    def __init__(self, plan: VoteExport) -> None:
        self._plan = plan
        self._pseudonyms: dict[int, str] = {}
        self._pgc_of: dict[int, dict[int, int]] = {}
        self.rule_versions: set[str] = set()
        self.sets: set[str] = set()

    def cells(self, row: tuple[Any, ...]) -> tuple[Any, ...]:
        """Return the cells of a vote, read as `_READ`, in the order of the columns."""
        (
            key, pgc, purpose, volunteer_id, standing, verdict, inclination_deg, rounded_deg, trace_text, reasons,
            comment, checked_out_at, created_at, superseded_at, shown_ms, flags, set_id, set_name, set_version, rule,
            guide_name, guide_number, is_imported, seed, galaxy_id,
        ) = row  # fmt: skip
        set_text = f"{set_name}:{set_version}" if set_id else None
        self.rule_versions.add(rule)
        if set_text:
            self.sets.add(set_text)
        trace = json.loads(trace_text)
        steps = trace.get("steps", ()) if set_id else ()
        beside: tuple[int | None, int | None] = (None, None)
        shown = None
        if "standards_pgc" in trace:
            beside = trace["standards_pgc"][0], trace["standards_pgc"][1]
        elif steps:
            standards = set_standards(set_id).for_target(galaxy_id)
            panels = _Panels(standards, standards.orders(seed), self._numbers(set_id))
            beside = panels.beside(steps[-1]) if verdict != "J" else beside
            if self._plan.with_shown:
                shown = json.dumps([panels.shown(step) for step in steps], separators=(",", ":"))
        found = (
            str(key), pgc, purpose, self._pseudonym(volunteer_id), standing, verdict, int(verdict != "A"),
            inclination_deg, rounded_deg, *beside, *(int(name in reasons) for name in REASONS),
            without_addresses(comment) if comment else None, _utc(checked_out_at), _utc(created_at),
            _utc(superseded_at), None if shown_ms is None else shown_ms / 1000, " ".join(flags) or None, set_text,
            rule or None, f"{guide_name}:{guide_number}" if guide_name else None, is_imported,
            trace_text if steps else None,
        )  # fmt: skip
        return (*found, shown) if self._plan.with_shown else found

    def _numbers(self, set_id: int) -> dict[int, int]:
        """Return the PGC numbers of a set's standards by id."""
        if set_id not in self._pgc_of:
            standards = Standard.objects.filter(standard_set_id=set_id)
            self._pgc_of[set_id] = dict(standards.values_list("id", "galaxy__pgc"))
        return self._pgc_of[set_id]

    def _pseudonym(self, volunteer_id: int) -> str:
        if volunteer_id not in self._pseudonyms:
            name = f"{self._plan.release}/{volunteer_id}"
            digest = salted_hmac("labeling.vote_exports", name, algorithm="sha256").hexdigest()
            self._pseudonyms[volunteer_id] = f"v{digest[:16]}"
        return self._pseudonyms[volunteer_id]


@dataclass(frozen=True, slots=True)
class _Panels:
    """Which standards a task's panels showed. Stored traces were checked by `replay` when they came."""

    standards: ShownStandards
    orders: DrawOrders
    pgc_of: dict[int, int]

    def shown(self, step: dict[str, Any]) -> list[int]:
        """Return the PGC numbers in the visible panels of a step, from the left."""
        return [self._pgc(*panel) for panel in self._visible(step)]

    def beside(self, step: dict[str, Any]) -> tuple[int | None, int | None]:
        """Return the standards left and right of the place where a step ended."""
        panels, slot = self._visible(step), step["slot"]
        left = self._pgc(*panels[slot - 1]) if slot > 0 else None
        return left, self._pgc(*panels[slot]) if slot < len(panels) else None

    def _visible(self, step: dict[str, Any]) -> list[tuple[int, int]]:
        bins = grid.STEP_A_BINS if step["step"] == "A" else grid.window_bins(step["window"])
        return [(bin_deg, draw) for bin_deg, draw in zip(bins, step["draws"], strict=True) if draw is not None]

    def _pgc(self, nominal_deg: int, draw: int) -> int:
        return self.pgc_of[grid.shown_standard(self.orders[self.standards.sources[nominal_deg]], draw)]


def _utc(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(" ", "microseconds")[:26]
