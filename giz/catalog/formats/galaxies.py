"""Tables of galaxies: which columns become fields of a galaxy, in which units, and what counts as missing."""

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from giz.catalog.formats.identifiers import PGC, Identifier, identifier_columns
from giz.catalog.formats.numbers import read_pgc
from giz.catalog.formats.positions import is_sexagesimal, read_sexagesimal
from giz.catalog.formats.units import Conversion, conversion
from giz.core.words import printable
from giz.surveys.hyperleda import ARCSEC_PER_TENTH_ARCMIN, HOURS_TO_DEG
from giz.tables.lines import is_number, is_spreadsheet_error
from giz.tables.table import PGC_NAMES, RowError, TableError, column_named, shown_columns

ARCSEC_PER_ARCMIN = 60

# Numbers that mean "not measured" in published tables; they are read like a blank cell.
SENTINELS = frozenset(
    {
        *(-9.99, -9.9, -99.0, -99.9, -99.99, -100.0, -999.0, -999.9, -999.99, -9999.0, -9999.9, -9999.99),
        *(999.0, 999.9, 999.99, 9999.0, 9999.9, 9999.99, 99999.0),
    }
)

# In a size in arcmin these mean "not measured", too: none of the few galaxies as large has one of these sizes.
UNMEASURED_ARCMIN = (99.9, 99.99, 99.999)

MAX_NAMED_COLUMNS = 40

# A name with its unit, as people write it in headers: D25 (arcmin), RA [deg]; or a part of a sky coordinate: coord.ra.
_WITH_UNIT = re.compile(r"(.+?)\s*[(\[]\s*([^()\[\]]+?)\s*[)\]]")
_PART = re.compile(r".+\.(\w+)")


def read_number(name: str, text: str) -> float:
    """Return a finite number in plain or exponent notation."""
    if not is_number(text) or not math.isfinite(float(text)):
        raise RowError(f"{name} is {text[:40]!r}, must be a number")
    return float(text)


# Takes the column's name, the text of a cell and the conversion of the column's unit.
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
    if is_sexagesimal(text):
        text, given = str(read_sexagesimal(name, text, is_hours=True)), None
    value = _in_range(0, 360, "0 to 360 degrees")(name, text, given)
    return 0.0 if value == 360 else value


def _ra_from_hours(name: str, text: str, given: Conversion | None) -> float | None:
    if is_sexagesimal(text):
        return _ra(name, text, None)
    value = _in_range(0, 24, "0 to 24 hours")(name, text, given)
    return None if value is None else round(value % 24 * HOURS_TO_DEG, 9)


def _dec(name: str, text: str, given: Conversion | None) -> float | None:
    if is_sexagesimal(text):
        text, given = str(read_sexagesimal(name, text, is_hours=False)), None
    return _in_range(-90, 90, "-90 to 90 degrees")(name, text, given)


def _positive(low: float, high: float, rule: str) -> NumberReader:
    """Zero means "not measured" in a size and in an axial ratio."""

    def read(name: str, text: str, given: Conversion | None) -> float | None:
        return _in_range(low, high, rule, sentinels_first=True)(name, text, given) or None

    return read


def _d25_from_arcmin(name: str, text: str, given: Conversion | None) -> float | None:
    value = _positive(0, 1000, "0 to 1000 arcmin")(name, text, given)
    return None if value is None or value in UNMEASURED_ARCMIN else round(value * ARCSEC_PER_ARCMIN, 6)


def _d25_from_log(name: str, text: str, given: Conversion | None) -> float | None:
    value = _in_range(-2, 4, "-2 to 4 (log of 0.1 arcmin)", sentinels_first=True)(name, text, given)
    return None if value is None else round(ARCSEC_PER_TENTH_ARCMIN * 10**value, 6)


def _axial_ratio_from_log(name: str, text: str, given: Conversion | None) -> float | None:
    value = _in_range(0, 2, "0 to 2 (log of a/b)", sentinels_first=True)(name, text, given)
    return None if value is None else round(10**-value, 6)


def _words(limit: int) -> Reader:
    def read(name: str, text: str, _given: Conversion | None) -> str:
        # One spelling of an accented letter, and plain blanks: names are looked up by what people type.
        words = " ".join(unicodedata.normalize("NFC", text).split())
        if is_spreadsheet_error(words):
            raise RowError(f"{name} is {words}, the mark of a failed formula in a spreadsheet")
        if not words.isprintable():
            raise RowError(f"{name} is {words[:40]!r}: it holds a character that can't be seen")
        if len(words) > limit:
            raise RowError(f"{name} has {len(words)} characters, at most {limit} are kept")
        return words

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
        """Return the conversion from a unit in the file. Raises TableError for a unit of another kind."""
        if not self.unit:
            return None
        return conversion(name, unit, self.unit, is_log=self.is_log, is_clock=self.field == "ra_deg")


COLUMNS = (
    Column("name", ("name", "objname", "galaxy", "common_name"), _words(80), ""),
    Column(
        "ra_deg", ("ra", "ra_deg", "raj2000", "ra_j2000", "ra2000", "ra_icrs", "_raj2000", "_ra.icrs"), _ra, unit="deg"
    ),
    Column(
        "dec_deg",
        ("dec", "dec_deg", "dej2000", "decj2000", "de2000", "de_icrs", "dec_icrs", "_dej2000", "_de.icrs"),
        _dec,
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
# Names that imply the form of a column by themselves.
OWN_FORM = {name: column for column in COLUMNS if column.holds for name in column.names}


@dataclass(frozen=True)
class GalaxyEntry:
    """One row: the fields that its table has (None or "" if blank), and all other cells that are not blank.

    ``pgc`` is the number, 0 where the row has none; ``identifiers`` are those of other catalogues.
    """

    pgc: int
    fields: dict[str, Any]
    extra: dict[str, str]
    identifiers: tuple[Identifier, ...] = ()

    @property
    def names(self) -> tuple[Identifier, ...]:
        """All identifiers of the row, the PGC number among them."""
        return (*([Identifier(PGC, str(self.pgc))] if self.pgc else []), *self.identifiers)


def _chosen(columns: Sequence[str], column_map: Mapping[str, str]) -> dict[str, str]:
    """Return the columns of a map by the first name of the field that they are mapped to."""
    first_names = {name: column.names[0] for column in COLUMNS for name in column.names}
    first_names |= dict.fromkeys(PGC_NAMES, "pgc")
    chosen = {}
    for wanted, given in column_map.items():
        if wanted.lower() not in first_names:
            known = ", ".join(
                ("pgc", *dict.fromkeys(first_names[name] for name in first_names if name not in PGC_NAMES))
            )
            raise TableError(f"A map can't name {printable(wanted)!r}; it can name {known}.")
        chosen[first_names[wanted.lower()]] = column_named(given, columns)
    return chosen


def _in_own_form(column: Column, name: str) -> Column:
    """Return how to read a column that a map calls ``d25``, say: HyperLEDA's logd25 stays a logarithm."""
    own = OWN_FORM.get(name, column)
    if own.field != column.field:
        raise TableError(f"{name} holds {own.holds}; it can't be {column.names[0]}.")
    # A map that names a form explicitly (al2000=ra) is followed.
    return column if column.holds else own


class GalaxyColumns:
    """The mapping of one table's columns to fields, from its header.

    Attributes
    ----------
    known : the columns that become fields, by their names in the table.
    extra : those that are kept as they are.
    unmeasured : cells so far, by column, that held a mark for "not measured".
    """

    def __init__(
        self,
        columns: Sequence[str],
        column_map: Mapping[str, str] | None = None,
        *,
        by_position: bool = False,
        units: Mapping[str, str] | None = None,
        identifiers: Sequence[str] = (),
    ) -> None:
        """Map the columns.

        `column_map` names the column of a field, such as ``{"ra": "RAJ2000"}``, where its name is not known.
        `by_position` accepts a table without numbers if it has positions; its entries have the number 0. `units` are
        those that the file states, by column; they take precedence over the units that names imply. `identifiers` are
        the words of ``--id``.
        """
        chosen = _chosen(columns, column_map or {})
        found = identifier_columns(identifiers, columns)
        for numbers in (one for one in found if one.scheme == PGC):
            chosen.setdefault(PGC, numbers.columns[0])
        self.identifiers = [one for one in found if one.scheme != PGC]
        self.pgc = chosen.pop("pgc", "") or next((name for name in PGC_NAMES if name in columns), "")
        if not self.pgc and not self.identifiers and not by_position:
            raise TableError(
                f"The table has no column named pgc. Its columns: {shown_columns(columns)}. If another one holds the "
                "numbers, name it: --map pgc=COLUMN. --id COLUMN=ls-dr10 reads identifiers of another catalogue; with "
                "ra and dec, --match-arcsec 3 finds its galaxies by their position."
            )
        self.known: dict[str, Column] = {}
        self._given: dict[str, Conversion | None] = {}
        self.unmeasured: Counter[str] = Counter()
        taken: set[str] = set()
        plain = _plain_names(columns, units or {})
        for column in sorted(COLUMNS, key=lambda column: column.names[0] not in chosen):
            name = chosen.get(column.names[0]) or next((plain[name] for name in column.names if name in plain), "")
            if name and column.field not in taken:
                self.known[name] = _in_own_form(column, name)
                unit = (units or {}).get(name, "") or _unit_in(name)
                self._given[name] = self.known[name].given(name, unit)
                taken.add(column.field)
        if not self.pgc and not self.identifiers and not {"ra_deg", "dec_deg"} <= set(self.fields):
            raise TableError("A table without pgc needs the columns ra and dec, in degrees.")
        self._names = tuple(column for one in self.identifiers for column in one.columns)
        used = {self.pgc, *self.known, *self._names}
        self.extra = tuple(name for name in columns if name and name not in used)

    @property
    def fields(self) -> tuple[str, ...]:
        return tuple(column.field for column in self.known.values())

    def entry(self, cells: dict[str, str]) -> GalaxyEntry:
        """Read one row. Raises RowError with the value and the rule that it breaks."""
        fields: dict[str, Any] = {}
        for name, column in self.known.items():
            value = column.read(name, cells[name], self._given[name]) if cells[name] else None
            self.unmeasured[name] += bool(cells[name]) and value is None
            fields[column.field] = column.missing if value is None else value
        names = dict.fromkeys(name for column in self.identifiers for name in column.read(cells))
        if self.identifiers and not names and not (self.pgc and cells[self.pgc]):
            raise RowError("it has no identifier")
        # A row with another identifier may lack the number.
        pgc = read_pgc(cells[self.pgc]) if self.pgc and (cells[self.pgc] or not names) else 0
        return GalaxyEntry(pgc, fields, {name: cells[name] for name in self.extra if cells[name]}, tuple(names))

    def in_words(self) -> list[str]:
        """Return sentences on which columns are read, which are only kept, and how to map those not recognized."""
        read = list(dict.fromkeys(name for name in (self.pgc, *self._names, *self.known) if name))
        lines = [f"Columns read: {', '.join(printable(name) for name in read)}."]
        if self.extra:
            kept = [printable(name) for name in self.extra[:MAX_NAMED_COLUMNS]]
            more = f" and {len(self.extra) - len(kept)} more" if len(self.extra) > len(kept) else ""
            lines[0] += f" Kept as they are, without effect: {', '.join(kept)}{more}."
        if hints := self._hints():
            lines.append(f"If these hold what their names say, run this again with --map {' '.join(hints)}")
        return lines

    def _hints(self) -> list[str]:
        """Return pairs for ``--map``: columns whose names contain that of a field that the table lacks otherwise."""
        hints, found = [], set(self.fields)
        for name in self.extra:
            words = set(re.split(r"[\W_]+", name)) | set(re.findall(r"[a-z]+", name))
            for column in COLUMNS:
                if column.field not in found and words & {column.names[0], *column.names[1:3]} - {"t", "ty", "galaxy"}:
                    hints.append(f"{column.names[0]}='{printable(name)}'")
                    found.add(column.field)
        return hints


def _unit_in(name: str) -> str:
    """Return the unit in a column's own name, such as ``d25 (arcmin)``; empty if there is none."""
    found = _WITH_UNIT.fullmatch(name)
    return found[2] if found else ""


def _plain_names(columns: Sequence[str], units: Mapping[str, str]) -> dict[str, str]:
    """Return the columns by their names without a unit and without the sky coordinate that they belong to.

    If the brackets contain something that is not a unit of such a column, as in ``ra (J2000)``, the meaning is unknown,
    and the column is read only if --map says so.
    """
    plain = {name: name for name in columns if name}
    for name in columns:
        bare, unit = name, ""
        if found := _WITH_UNIT.fullmatch(name):
            bare, unit = found[1], found[2]
        elif part := _PART.fullmatch(name):
            bare = part[1]
        column = next((column for column in COLUMNS if bare in column.names), None)
        if bare in plain or column is None or (unit and not _is_unit_of(column, name, unit)):
            continue
        plain[bare] = name
    return plain


def _is_unit_of(column: Column, name: str, unit: str) -> bool:
    try:
        column.given(name, unit)
    except TableError:
        return False
    return bool(column.unit)
