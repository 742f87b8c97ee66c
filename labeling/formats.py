"""The vote table of the original Galaxy Inclination Zoo: one judgement per row."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from giz.catalog.formats.galaxies import read_number
from giz.catalog.formats.identifiers import GALAXY_IDS, Identifier, read_identifiers
from giz.catalog.formats.numbers import read_pgc
from giz.core.vocabulary import REASONS, Verdict
from giz.labelset.tables import unguard_formula
from giz.tables.lines import is_spreadsheet_error
from giz.tables.table import PGC_NAMES, RowError, first_column, require_columns
from standards import grid

MAX_COMMENT, MAX_ROW_ID, MAX_SHOWN_S = 500, 20, 86_400
# Typed tables have booleans, or floats if a value is missing in the column.
_FLAGS = {"0": False, "1": True, "0.0": False, "1.0": True, "false": False, "true": True}
_TIME = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d", re.ASCII)
_CODE = re.compile(r"[a-z_]{1,20}")
_TOO_FINE = re.compile(r"(\.\d{6})\d+", re.ASCII)
_VOLUNTEER_NAMES = ("volunteer", "email", "user")
# The original calls it "note".
_COMMENT_NAMES = ("comment", "note", "notes", "comments")
_STANDARDS, _TIMES = ("pgcid1", "pgcid2"), ("checkouttime", "checkintime")
# Columns by which the export of a GIZ (labeling/services/vote_exports.py) says more than the original's table.
_EXPORTED = ("standing", "verdict", "superseded_at", "flags", "shown_s")
_STANDINGS = ("counted", "repeat", "superseded", "surplus")
# Names for --map.
VOTE_COLUMNS = (
    *("pgcid", "volunteer", "inc", "flag", "comment", "id", *_STANDARDS, *_TIMES),
    *(name.lower() for name in REASONS),
)


@dataclass(frozen=True, slots=True)
class ExportedState:
    """What the export of a GIZ says about a vote besides the original's columns."""

    standing: str
    superseded_at: datetime | None
    flags: tuple[str, ...]
    shown_ms: int | None


@dataclass(frozen=True, slots=True)
class VoteEntry:
    """One row. ``left_pgc`` and ``right_pgc`` are the standards on either side of the galaxy, if there were any.

    ``volunteer`` is the table's name for a person, perhaps an e-mail address: it must not be stored. ``state`` is None
    where the table is not an export of a GIZ.
    """

    row: str
    pgc: int
    volunteer: str
    verdict: Verdict
    inclination_deg: float | None
    left_pgc: int | None
    right_pgc: int | None
    reasons: tuple[str, ...]
    comment: str
    checked_out_at: datetime | None
    checked_in_at: datetime | None
    # Not in the representation, by whose hash rows of earlier imports are known.
    state: ExportedState | None = field(default=None, repr=False)
    identifiers: tuple[Identifier, ...] = field(default=(), repr=False)

    def standards(self) -> dict[int, int]:
        """Return the standards on either side of the galaxy, with the bins in degrees that follow from this vote."""
        found = {}
        if self.verdict == "A" and self.inclination_deg is not None:
            left, right = _neighbours(self.inclination_deg)
            found = {self.left_pgc: left, self.right_pgc: right}
        elif self.right_pgc is not None and self.left_pgc is None:
            # Left of the first standard: face-on.
            found = {self.right_pgc: grid.GRID_BINS[0]}
        return {pgc: bin_deg for pgc, bin_deg in found.items() if pgc is not None}


def _neighbours(inclination_deg: float) -> tuple[int, int]:
    """Return the bins on either side of an answer; a whole number is the end of the grid or lies within a gap."""
    low = int(inclination_deg)
    if inclination_deg > low:
        return low, low + 1
    if low == grid.GRID_BINS[-1]:
        return low, low
    return max(low - 1, grid.GRID_BINS[0]), low + 1


class VoteColumns:
    """Finds the columns of a table by their names."""

    def __init__(self, columns: Sequence[str]) -> None:
        self._pgc = first_column(PGC_NAMES, columns)
        self._volunteer = first_column(_VOLUNTEER_NAMES, columns)
        needed = {"pgcID": self._pgc, "volunteer": self._volunteer}
        needed |= {name: name if name in columns else "" for name in ("inc", "flag")}
        require_columns(needed, columns)
        self._reasons = {name.lower(): name for name in REASONS if name.lower() in columns}
        self._comment = first_column(_COMMENT_NAMES, columns)
        self._is_export = set(_EXPORTED) <= set(columns)
        self._names = GALAXY_IDS if GALAXY_IDS in columns else ""
        known = {*needed.values(), self._names, *self._reasons, self._comment, "id", *_STANDARDS, *_TIMES}
        known |= set(_EXPORTED) if self._is_export else set()
        self.unused = [name for name in columns if name and name not in known]

    def entry(self, cells: Mapping[str, str], line: int) -> VoteEntry:
        """Read one row; raises RowError with the value and the rule that it breaks."""
        volunteer = cells[self._volunteer].strip().casefold()
        if not volunteer:
            raise RowError("volunteer is empty")
        is_rejected = _flag("flag", cells["flag"])
        reasons = tuple(code for name, code in self._reasons.items() if _flag(name, cells[name] or "0"))
        out, back = _time(cells, "checkouttime"), _time(cells, "checkintime")
        if out and back and back < out:
            raise RowError(f"checkinTime is {cells['checkintime']}, before checkoutTime {cells['checkouttime']}")
        verdict: Verdict = ("F" if "face_on" in reasons else "J") if is_rejected else "A"
        if self._is_export:
            verdict = _verdict(cells["verdict"], is_rejected=is_rejected)
        comment = cells.get(self._comment, "")
        if self._is_export:
            comment = unguard_formula(comment)
        if is_spreadsheet_error(comment):
            raise RowError(f"{self._comment} is {comment}, an error value of a spreadsheet")
        if len(comment) > MAX_COMMENT:
            raise RowError(f"comment has {len(comment)} characters, at most {MAX_COMMENT} are kept")
        return VoteEntry(
            row=_row_id(cells.get("id", "")) or f"line {line}",
            pgc=read_pgc(cells[self._pgc]),
            volunteer=volunteer,
            verdict=verdict,
            inclination_deg=None if is_rejected else _inclination(cells["inc"]),
            left_pgc=_standard(cells, "pgcid1"),
            right_pgc=_standard(cells, "pgcid2"),
            reasons=reasons,
            comment=comment,
            checked_out_at=out,
            checked_in_at=back,
            state=_state(cells, back) if self._is_export else None,
            identifiers=tuple(read_identifiers(cells[self._names])) if self._names else (),
        )


def _verdict(text: str, *, is_rejected: bool) -> Verdict:
    verdicts: tuple[Verdict, ...] = ("F", "J") if is_rejected else ("A",)
    found = next((verdict for verdict in verdicts if verdict == text), None)
    if found is None:
        raise RowError(f"verdict is {text[:40]!r}, must be {' or '.join(verdicts)} where flag is {int(is_rejected)}")
    return found


def _state(cells: Mapping[str, str], checked_in_at: datetime | None) -> ExportedState:
    standing = cells["standing"]
    if standing not in _STANDINGS:
        raise RowError(f"standing is {standing[:40]!r}, must be one of {', '.join(_STANDINGS)}")
    flags = tuple(cells["flags"].split())
    if not all(_CODE.fullmatch(flag) for flag in flags):
        raise RowError(f"flags are {cells['flags'][:40]!r}, must be words of up to 20 small letters and underscores")
    superseded_at = None
    if standing == "superseded":
        superseded_at = _time(cells, "superseded_at") or checked_in_at
        if superseded_at is None:
            raise RowError("superseded_at is empty although the vote was undone")
    shown_s = read_number("shown_s", cells["shown_s"]) if cells["shown_s"] else None
    if shown_s is not None and not 0 <= shown_s <= MAX_SHOWN_S:
        raise RowError(f"shown_s is {cells['shown_s'][:40]}, must lie in 0 to {MAX_SHOWN_S:,} seconds")
    return ExportedState(standing, superseded_at, flags, None if shown_s is None else round(1000 * shown_s))


def _row_id(text: str) -> str:
    """Return the id of a row as it is stored: a long one (such as a UUID) as a hash, so that ids stay distinct."""
    return text if len(text) <= MAX_ROW_ID else hashlib.sha256(text.encode()).hexdigest()[:MAX_ROW_ID]


def _flag(name: str, text: str) -> bool:
    said = _FLAGS.get(text.lower())
    if said is None:
        raise RowError(f"{name} is {text[:40]!r}, must be 0 or 1")
    return said


def _inclination(text: str) -> float:
    value = read_number("inc", text)
    if not grid.GRID_BINS[0] <= value <= grid.GRID_BINS[-1]:
        raise RowError(f"inc is {text}, must lie in 45 to 90 degrees where flag is 0")
    return value


def _standard(cells: Mapping[str, str], name: str) -> int | None:
    text = cells.get(name, "")
    # 0 means no standard; programs that represent missing numbers as floats write 0.0.
    return read_pgc(text) if text.strip("0.") else None


def _time(cells: Mapping[str, str], name: str) -> datetime | None:
    text = cells.get(name, "")
    if not text:
        return None
    try:
        if not _TIME.match(text):
            raise ValueError
        # Python keeps microseconds; Parquet may have more digits.
        time = datetime.fromisoformat(_TOO_FINE.sub(r"\1", text))
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):
        raise RowError(f"{name} is {text[:40]!r}, must be a time such as 2018-03-03 15:06:36 (UTC)") from None
