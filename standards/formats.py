"""Tables of standards: ``pgc, inc`` and, where a set was tuned by eye, the original's ``dPA`` and ``zoom``."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from giz.catalog.formats.galaxies import read_number
from giz.catalog.formats.numbers import number_in_words, read_pgc
from giz.tables.table import PGC_NAMES, RowError, Table, first_column, require_columns
from standards.grid import bin_of

# Default magnification of a picture in its panel: the galaxy fills only half of a field of 2 × D25.
DEFAULT_CROP = 1.45
MIN_ZOOM, MAX_ZOOM = 0.2, 20

_INCLINATION_NAMES = ("inc", "inclination", "inclination_deg", "i")
_ROTATION_NAMES = ("dpa", "rotation_deg", "d_pa")
_ZOOM_NAMES = ("zoom",)
# What --map can name.
STANDARD_COLUMNS = ("pgc", "inc", "dpa", "zoom")


@dataclass(frozen=True)
class StandardEntry:
    """One standard of a set. ``rotation_deg`` is clockwise; ``zoom`` 1 is the panel's default crop."""

    pgc: int
    inclination_deg: float
    rotation_deg: float = 0.0
    zoom: float = 1.0


class StandardColumns:
    """The meaning of each column of one table, from its header."""

    def __init__(self, columns: Sequence[str]) -> None:
        self._pgc = first_column(PGC_NAMES, columns)
        self._inclination = first_column(_INCLINATION_NAMES, columns)
        self._rotation = first_column(_ROTATION_NAMES, columns)
        self._zoom = first_column(_ZOOM_NAMES, columns)
        require_columns({"pgc": self._pgc, "inc": self._inclination}, columns)
        known = {self._pgc, self._inclination, self._rotation, self._zoom}
        self.unused = [name for name in columns if name and name not in known]

    def entry(self, cells: dict[str, str]) -> StandardEntry:
        """Read one row. Raises RowError with the value and the rule that it breaks."""
        pgc = read_pgc(cells[self._pgc])
        inclination_deg = read_number("inc", cells[self._inclination])
        try:
            bin_of(inclination_deg)
        except ValueError as error:
            raise RowError(f"{number_in_words(pgc)}: {error}") from None
        rotation_deg = read_number("dPA", cells.get(self._rotation, "") or "0")
        picture_zoom = read_number("zoom", cells.get(self._zoom, "") or str(DEFAULT_CROP))
        if not MIN_ZOOM <= picture_zoom <= MAX_ZOOM:
            raise RowError(f"zoom is {picture_zoom:g}, must lie in {MIN_ZOOM} to {MAX_ZOOM}")
        return StandardEntry(pgc, inclination_deg, half_turn(rotation_deg), round(picture_zoom / DEFAULT_CROP, 5))


def half_turn(angle_deg: float) -> float:
    """Return the same rotation within −180 (excluded) to 180 degrees."""
    return -((-angle_deg + 180) % 360 - 180)


def read_standards(
    table: Table, on_line: Callable[[int], None] = lambda _line: None
) -> tuple[list[StandardEntry], list[str]]:
    """Return the usable rows of a table in order, and a sentence about each of the others."""
    columns = StandardColumns(table.columns)
    entries: list[StandardEntry] = []
    problems: list[str] = []
    first_line_of: dict[int, int] = {}
    for row in table.rows():
        on_line(row.line)
        try:
            if row.problem:
                raise RowError(row.problem)
            entry = columns.entry(row.cells)
            first = first_line_of.setdefault(entry.pgc, row.line)
            if first != row.line:
                raise RowError(f"{number_in_words(entry.pgc)} already appears on line {first}")
            entries.append(entry)
        except RowError as error:
            problems.append(f"line {row.line}: {error}")
    return entries, problems
