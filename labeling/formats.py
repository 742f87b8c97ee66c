"""The original's vote table: one judgement a row, as it came out of the original Galaxy Inclination Zoo."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from giz.catalog.formats.galaxies import PGC_NAMES, read_number, read_pgc
from giz.catalog.formats.table import RowError, TableError
from standards import grid

REASON_COLUMNS = (
    "not_sure", "better_image", "bad_TF", "ambiguous", "disturbed", "HI", "face_on", "not_spiral", "multiple",
)  # fmt: skip
MAX_COMMENT = 500
_TIME_FORMATS = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S")
_VOLUNTEER_NAMES = ("volunteer", "email", "user")

VerdictCode = Literal["A", "F", "J"]


@dataclass(frozen=True, slots=True)
class VoteEntry:
    """What one row says. ``left_pgc`` and ``right_pgc`` are the standards beside the galaxy, where there were some.

    ``volunteer`` is whatever the table names people by, perhaps an e-mail address: it must not be stored.
    """

    row: str
    pgc: int
    volunteer: str
    verdict: VerdictCode
    inclination_deg: float | None
    left_pgc: int | None
    right_pgc: int | None
    reasons: tuple[str, ...]
    comment: str
    checked_out_at: datetime | None
    checked_in_at: datetime | None

    def standards(self) -> dict[int, int]:
        """The standards beside the galaxy with the bin in degrees that this vote says they stand in."""
        found = {}
        if self.verdict == "A" and self.inclination_deg is not None:
            left, right = _neighbours(self.inclination_deg)
            found = {self.left_pgc: left, self.right_pgc: right}
        elif self.right_pgc is not None and self.left_pgc is None:
            # Left of the first standard: face-on.
            found = {self.right_pgc: grid.GRID_BINS[0]}
        return {pgc: bin_deg for pgc, bin_deg in found.items() if pgc is not None}


def _neighbours(inclination_deg: float) -> tuple[int, int]:
    """The bins beside an answer; a whole number comes from the end of the grid, or from two degrees around a gap."""
    low = int(inclination_deg)
    if inclination_deg > low:
        return low, low + 1
    if low == grid.GRID_BINS[-1]:
        return low, low
    return max(low - 1, grid.GRID_BINS[0]), low + 1


class VoteColumns:
    """Which column of one table is which; made once from its header."""

    def __init__(self, columns: Sequence[str]) -> None:
        self._pgc = _find(columns, PGC_NAMES)
        self._volunteer = _find(columns, _VOLUNTEER_NAMES)
        needed = {"pgcID": self._pgc, "volunteer": self._volunteer}
        needed |= {name: name if name in columns else "" for name in ("inc", "flag")}
        missing = [name for name, found in needed.items() if not found]
        if missing:
            shown = ", ".join(name for name in columns[:12] if name)
            raise TableError(f"The table has no column named {' and none named '.join(missing)}. Its columns: {shown}.")
        self._reasons = {name.lower(): name for name in REASON_COLUMNS if name.lower() in columns}

    def entry(self, cells: Mapping[str, str], line: int) -> VoteEntry:
        """Read one row. Raises RowError with the value and the rule that it breaks."""
        volunteer = cells[self._volunteer].strip().casefold()
        if not volunteer:
            raise RowError("volunteer is empty")
        is_rejected = _flag("flag", cells["flag"])
        reasons = tuple(code for name, code in self._reasons.items() if _flag(name, cells[name] or "0"))
        out, back = _time(cells, "checkouttime"), _time(cells, "checkintime")
        if out and back and back < out:
            raise RowError(f"checkinTime is {cells['checkintime']}, before checkoutTime {cells['checkouttime']}")
        comment = cells.get("comment", "")
        if len(comment) > MAX_COMMENT:
            raise RowError(f"comment has {len(comment)} characters, at most {MAX_COMMENT} are kept")
        return VoteEntry(
            row=cells.get("id", "")[:20] or f"line {line}",
            pgc=read_pgc(cells[self._pgc]),
            volunteer=volunteer,
            verdict=("F" if "face_on" in reasons else "J") if is_rejected else "A",
            inclination_deg=None if is_rejected else _inclination(cells["inc"]),
            left_pgc=_standard(cells, "pgcid1"),
            right_pgc=_standard(cells, "pgcid2"),
            reasons=reasons,
            comment=comment,
            checked_out_at=out,
            checked_in_at=back,
        )


def _find(columns: Sequence[str], names: Sequence[str]) -> str:
    return next((name for name in names if name in columns), "")


def _flag(name: str, text: str) -> bool:
    if text not in ("0", "1"):
        raise RowError(f"{name} is {text[:40]!r}, must be 0 or 1")
    return text == "1"


def _inclination(text: str) -> float:
    value = read_number("inc", text)
    if not grid.GRID_BINS[0] <= value <= grid.GRID_BINS[-1]:
        raise RowError(f"inc is {text}, must lie in 45 to 90 degrees where flag is 0")
    return value


def _standard(cells: Mapping[str, str], name: str) -> int | None:
    text = cells.get(name, "")
    return read_pgc(text) if text.strip("0") else None


def _time(cells: Mapping[str, str], name: str) -> datetime | None:
    text = cells.get(name, "")
    if not text:
        return None
    for form in _TIME_FORMATS:
        try:
            return datetime.strptime(text, form).replace(tzinfo=UTC)
        except ValueError:
            continue
    raise RowError(f"{name} is {text[:40]!r}, must be a time such as 2018-03-03 15:06:36 (UTC)")
