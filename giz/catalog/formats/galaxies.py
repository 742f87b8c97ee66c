"""Columns of galaxy tables: which ones become fields of a galaxy, in which unit, and what counts as missing."""

import difflib
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from giz.catalog.formats.table import RowError, TableError
from giz.catalog.formats.units import Conversion, conversion
from giz.surveys.hyperleda import ARCSEC_PER_TENTH_ARCMIN, HOURS_TO_DEG

FIRST_SYNTHETIC_PGC = 90_000_001
ARCSEC_PER_ARCMIN = 60

# The field's marks for "not measured"; a column that becomes a field of the galaxy holds NULL instead.
SENTINELS = frozenset({-9.99, -9.9, -99.0, -99.9, -99.99, -100.0, -999.0, -999.9, -999.99, -9999.0, 999.0, 9999.0})

_PGC = re.compile(r"(?:pgc\s*)?0*(\d{1,12})(?:\.0*)?", re.IGNORECASE | re.ASCII)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)


def read_pgc(text: str, *, may_be_synthetic: bool = False) -> int:
    """Return a PGC number, written as 4, 0004 or PGC 4.

    Raises
    ------
    RowError
        Not such a number, or one of those kept for synthetic galaxies where only the real sky is meant.
    """
    found = _PGC.fullmatch(text)
    if not found or int(found[1]) == 0:
        raise RowError(f"pgc is {text[:40]!r}, must be a whole number above 0")
    pgc = int(found[1])
    if pgc >= FIRST_SYNTHETIC_PGC and not may_be_synthetic:
        raise RowError(f"pgc is {pgc}; numbers from {FIRST_SYNTHETIC_PGC} are kept for synthetic galaxies")
    return pgc


def read_number(name: str, text: str) -> float:
    """Return a finite number in plain or exponent notation."""
    if not _NUMBER.fullmatch(text) or not math.isfinite(float(text)):
        raise RowError(f"{name} is {text[:40]!r}, must be a number")
    return float(text)


# Name and text of a cell, and what its column's unit asks for.
Reader = Callable[[str, str, Conversion | None], Any]
NumberReader = Callable[[str, str, Conversion | None], float | None]


def _in_range(low: float, high: float, rule: str, *, sentinels_first: bool = False) -> NumberReader:
    def read(name: str, text: str, given: Conversion | None) -> float | None:
        written = read_number(name, text)
        value = given.turn(written) if given else written
        if low <= value <= high and not (sentinels_first and written in SENTINELS):
            return value
        if written in SENTINELS:
            return None
        raise RowError(f"{name} is {text}{' ' + given.unit if given else ''}, must lie in {rule}")

    return read


def _ra(name: str, text: str, given: Conversion | None) -> float | None:
    value = _in_range(0, 360, "0 to 360 degrees")(name, text, given)
    return 0.0 if value == 360 else value


def _ra_from_hours(name: str, text: str, given: Conversion | None) -> float | None:
    value = _in_range(0, 24, "0 to 24 hours")(name, text, given)
    return None if value is None else round(value % 24 * HOURS_TO_DEG, 9)


def _positive(low: float, high: float, rule: str) -> NumberReader:
    """Zero means "not measured" in a size and in an axial ratio."""

    def read(name: str, text: str, given: Conversion | None) -> float | None:
        return _in_range(low, high, rule)(name, text, given) or None

    return read


def _d25_from_arcmin(name: str, text: str, given: Conversion | None) -> float | None:
    value = _positive(0, 1000, "0 to 1000 arcmin")(name, text, given)
    return None if value is None else round(value * ARCSEC_PER_ARCMIN, 6)


def _d25_from_log(name: str, text: str, given: Conversion | None) -> float | None:
    value = _in_range(-2, 4, "-2 to 4 (log of 0.1 arcmin)", sentinels_first=True)(name, text, given)
    return None if value is None else round(ARCSEC_PER_TENTH_ARCMIN * 10**value, 6)


def _axial_ratio_from_log(name: str, text: str, given: Conversion | None) -> float | None:
    value = _in_range(0, 2, "0 to 2 (log of a/b)", sentinels_first=True)(name, text, given)
    return None if value is None else round(10**-value, 6)


def _words(limit: int) -> Reader:
    def read(name: str, text: str, _given: Conversion | None) -> str:
        if len(text) > limit:
            raise RowError(f"{name} has {len(text)} characters, at most {limit} are kept")
        return text

    return read


@dataclass(frozen=True)
class Column:
    """A field of the galaxy, the header names it is known by (in order of preference) and its reader.

    unit : in which it is read where the file says none; ``1`` for a plain number, nothing for text.
    holds : what such names always hold, whatever a map calls them; a logarithm where `is_log`.
    """

    field: str
    names: tuple[str, ...]
    read: Reader
    missing: Any = None
    unit: str = ""
    holds: str = ""
    is_log: bool = False

    def given(self, name: str, unit: str) -> Conversion | None:
        """What the unit that a file gives asks for. Raises TableError for one of another kind."""
        if not self.unit:
            return None
        return conversion(name, unit, self.unit, is_log=self.is_log, is_clock=self.field == "ra_deg")


PGC_NAMES = ("pgc", "pgc_id", "pgcid", "pgc_no")
COLUMNS = (
    Column("name", ("name", "objname", "galaxy", "common_name"), _words(80), ""),
    Column("ra_deg", ("ra", "ra_deg", "raj2000", "ra_j2000", "ra2000"), _ra, unit="deg"),
    Column(
        "dec_deg",
        ("dec", "dec_deg", "dej2000", "decj2000", "de2000"),
        _in_range(-90, 90, "-90 to 90 degrees"),
        unit="deg",
    ),
    Column("d25_arcsec", ("d25_arcsec",), _positive(0, 60_000, "0 to 60000 arcsec"), unit="arcsec"),
    Column("d25_arcsec", ("d25", "d25_arcmin"), _d25_from_arcmin, unit="arcmin"),
    Column("axial_ratio", ("b_a", "ba", "b/a", "axial_ratio"), _positive(0, 1, "0 to 1"), unit="1"),
    Column(
        "position_angle_deg",
        ("pa", "pa_deg", "position_angle", "position_angle_deg"),
        _in_range(-180, 360, "-180 to 360 degrees", sentinels_first=True),
        unit="deg",
    ),
    Column("morphological_type", ("type", "morphological_type", "morphology", "objtype"), _words(40), ""),
    Column(
        "type_code",
        ("ty", "t", "ttype", "t_type", "type_code"),
        _in_range(-10, 20, "-10 to 20", sentinels_first=True),
        unit="1",
    ),
    # HyperLEDA's own.
    Column("ra_deg", ("al2000",), _ra_from_hours, unit="hourangle", holds="right ascension in hours"),
    Column("d25_arcsec", ("logd25",), _d25_from_log, unit="0.1 arcmin", holds="the logarithm of D25", is_log=True),
    Column("axial_ratio", ("logr25",), _axial_ratio_from_log, unit="1", holds="the logarithm of a/b", is_log=True),
)
# Names that tell by themselves in what form a column is.
OWN_FORM = {name: column for column in COLUMNS if column.holds for name in column.names}


@dataclass(frozen=True)
class GalaxyEntry:
    """What one row says: the fields of its table, and every further cell that is not blank, as it was."""

    pgc: int
    fields: dict[str, Any]
    extra: dict[str, str]


def _chosen(columns: Sequence[str], column_map: Mapping[str, str]) -> dict[str, str]:
    """The columns of a map by the first name of what they hold."""
    first_names = {name: column.names[0] for column in COLUMNS for name in column.names}
    first_names |= dict.fromkeys(PGC_NAMES, "pgc")
    chosen = {}
    for wanted, given in column_map.items():
        name = given.strip().lower()
        if wanted.lower() not in first_names:
            known = ", ".join(
                ("pgc", *dict.fromkeys(first_names[name] for name in first_names if name not in PGC_NAMES))
            )
            raise TableError(f"A map can't name {wanted!r}; it can name {known}.")
        if name not in columns:
            close = difflib.get_close_matches(name, columns, n=1)
            hint = f" Did you mean {close[0]!r}?" if close else f" Its columns: {', '.join(columns[:12])}."
            raise TableError(f"The table has no column {given!r}.{hint}")
        chosen[first_names[wanted.lower()]] = name
    return chosen


def _in_own_form(column: Column, name: str) -> Column:
    """How a column is read that a map calls ``d25``, say: HyperLEDA's logd25 stays a logarithm."""
    own = OWN_FORM.get(name, column)
    if own.field != column.field:
        raise TableError(f"{name} holds {own.holds}; it can't be {column.names[0]}.")
    # A map that names a form itself (al2000=ra) means it.
    return column if column.holds else own


class GalaxyColumns:
    """How the columns of one table map to fields; made once from its header."""

    def __init__(
        self,
        columns: Sequence[str],
        column_map: Mapping[str, str] | None = None,
        *,
        by_position: bool = False,
        units: Mapping[str, str] | None = None,
    ) -> None:
        """`column_map` tells which column holds what, such as ``{"ra": "RAJ2000"}``, where names alone don't.

        `by_position` lets a table without numbers pass if it has positions; its entries have the number 0. `units` are
        those that the file gives, by column: they win over what names stand for.
        """
        chosen = _chosen(columns, column_map or {})
        self.pgc = chosen.pop("pgc", "") or next((name for name in PGC_NAMES if name in columns), "")
        if not self.pgc and not by_position:
            shown = ", ".join(name for name in columns[:12] if name) + (", …" if len(columns) > 12 else "")
            raise TableError(
                f"The table has no column named pgc. Its columns: {shown or '(none)'}. With ra and dec, "
                "--match-arcsec 3 finds its galaxies in the catalogue by their position."
            )
        self.known: dict[str, Column] = {}
        taken: set[str] = set()
        for column in sorted(COLUMNS, key=lambda column: column.names[0] not in chosen):
            name = chosen.get(column.names[0]) or next((name for name in column.names if name in columns), "")
            if name and column.field not in taken:
                self.known[name] = _in_own_form(column, name)
                taken.add(column.field)
        if not self.pgc and not {"ra_deg", "dec_deg"} <= set(self.fields):
            raise TableError("A table without pgc needs the columns ra and dec, in degrees.")
        self._given = {name: column.given(name, (units or {}).get(name, "")) for name, column in self.known.items()}
        self.extra = tuple(name for name in columns if name and name != self.pgc and name not in self.known)

    @property
    def fields(self) -> tuple[str, ...]:
        return tuple(column.field for column in self.known.values())

    def entry(self, cells: dict[str, str]) -> GalaxyEntry:
        """Read one row. Raises RowError with the value and the rule that it breaks."""
        fields = {
            column.field: column.read(name, cells[name], self._given[name]) if cells[name] else column.missing
            for name, column in self.known.items()
        }
        pgc = read_pgc(cells[self.pgc]) if self.pgc else 0
        return GalaxyEntry(pgc, fields, {name: cells[name] for name in self.extra if cells[name]})
