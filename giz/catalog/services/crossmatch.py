"""Which galaxy of the catalogue a row with identifiers is: the one that they name, else the only one at its place."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from django.db import connection

from giz.catalog.formats.galaxies import GalaxyEntry
from giz.catalog.formats.identifiers import Identifier
from giz.catalog.formats.numbers import FIRST_OWN_NUMBER, number_in_words
from giz.catalog.models import Galaxy, GalaxyIdentifier
from giz.catalog.selectors import GalaxyPlaces, galaxies_identified
from giz.tables.table import RowError

# How far a row may lie from its galaxy if nothing else is said.
NEAR_ARCSEC = 3.0

Rows = Sequence[tuple[int, GalaxyEntry]]
Problems = list[tuple[int, str]]


class AmbiguousError(RowError):
    """A row that may be more than one galaxy, or that contradicts the catalogue."""


@dataclass(frozen=True, slots=True)
class Matched:
    """A row and the number of its galaxy, which may be a new one."""

    number: int
    entry: GalaxyEntry


@dataclass
class Found:
    """The rows of a batch with their numbers, why others have none, and how many were matched by what."""

    rows: list[Matched] = field(default_factory=list)
    problems: Problems = field(default_factory=list)
    ambiguous: Problems = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)


class CrossMatch:
    """Finds the galaxies of a table's rows.

    1. A row whose identifiers (the PGC number among them) name one galaxy is this galaxy. If they name several, the row
       is refused.
    2. A row with a PGC number that is not in the catalogue is a new galaxy with that number.
    3. Any other row is the galaxy within ``within_arcsec``, unless that has another identifier of the same scheme: then
       its own catalogue lists two objects. If there are several such galaxies, or several such rows for one galaxy,
       the row is refused: which is which can't be told.
    4. Otherwise the row is a new galaxy, whose number follows from its first identifier.

    Neither the order of the rows nor an interruption changes what is found: `look` reads the whole table first, and
    only galaxies up to ``newest_id`` are matched by position.
    """

    def __init__(self, within_arcsec: float, newest_id: int | None) -> None:
        self._within_arcsec = within_arcsec
        self._places = GalaxyPlaces(within_arcsec, up_to_id=newest_id) if within_arcsec else None
        self._claims: Counter[int] = Counter()
        self._schemes: dict[int, set[str]] = {}

    def look(self, batches: Iterable[Rows]) -> None:
        """Count the rows that could be matched to each galaxy by position, before the first row is written."""
        waiting: list[tuple[GalaxyEntry, list[int]]] = []
        for rows in batches if self._places else ():
            known = galaxies_identified(name for _line, entry in rows for name in entry.names)
            for _line, entry in rows:
                said = {known[name] for name in entry.names if name in known}
                if len(said) == 1:
                    self._schemes.setdefault(said.pop(), set()).update(name.scheme for name in entry.identifiers)
            near = self._near(rows, known)
            waiting += [(entry, near[line]) for line, entry in rows if near.get(line)]
        for entry, numbers in waiting:
            self._claims.update(self._free(entry, numbers))

    def find(self, rows: Rows) -> Found:
        """Return the galaxies of these rows. Must be called in the transaction that writes them."""
        with connection.cursor() as cursor:
            # Two imports must not give one identifier to two galaxies.
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('galaxy identifiers', 0))")
        known = galaxies_identified(name for _line, entry in rows for name in entry.names)
        near = self._near(rows, known)
        taken = _taken({entry.identifiers[0].number for _line, entry in rows if _is_unknown(entry, known)})
        found = Found()
        for line, entry in rows:
            try:
                number, by = self._found(entry, known, near.get(line, []))
                if by == "new" and number in taken:
                    raise RowError(f"its number {number} already belongs to another galaxy, by a rare chance")
                if by == "new":
                    taken.add(number)
                found.rows.append(Matched(number, entry))
                if by != "new":
                    found.counts[f"by_{by}"] += 1
            except AmbiguousError as error:
                found.ambiguous.append((line, str(error)))
            except RowError as error:
                found.problems.append((line, str(error)))
        return found

    def _found(self, entry: GalaxyEntry, known: dict[Identifier, int], near: Sequence[int]) -> tuple[int, str]:
        """Return the number of the row's galaxy and by what it was found: id, position or new."""
        said = {name: known[name] for name in entry.names if name in known}
        if entry.pgc:
            said.setdefault(entry.names[0], entry.pgc)
        if len(set(said.values())) > 1:
            told = ", ".join(f"{name} {number_in_words(number)}" for name, number in said.items())
            raise AmbiguousError(f"its identifiers name several galaxies: {told}")
        if said:
            return next(iter(said.values())), "id" if any(name in known for name in said) else "new"
        if len(near) > 1:
            told = ", ".join(number_in_words(number) for number in near)
            raise AmbiguousError(f"several galaxies lie within {self._within_arcsec:g}″: {told}")
        if near and self._claims[near[0]] > 1:
            raise AmbiguousError(
                f"{number_in_words(near[0])} lies within {self._within_arcsec:g}″ of another row of this table, too"
            )
        if near:
            return near[0], "position"
        return entry.identifiers[0].number, "new"

    def _near(self, rows: Rows, known: dict[Identifier, int]) -> dict[int, list[int]]:
        """Return, by line, the galaxies that rows without a known identifier may be by their position."""
        placed = [
            (line, entry)
            for line, entry in rows
            if _is_unknown(entry, known) and None not in (entry.fields.get("ra_deg"), entry.fields.get("dec_deg"))
        ]
        if self._places is None or not placed:
            return {}
        found = self._places.within(*([entry.fields[name] for _, entry in placed] for name in ("ra_deg", "dec_deg")))
        named = GalaxyIdentifier.objects.filter(galaxy__pgc__in={number for near in found for number in near})
        for number, scheme in named.values_list("galaxy__pgc", "scheme"):
            self._schemes.setdefault(number, set()).add(scheme)
        return {line: self._free(entry, near) for (line, entry), near in zip(placed, found, strict=True)}

    def _free(self, entry: GalaxyEntry, numbers: Sequence[int]) -> list[int]:
        """Return those galaxies that have no identifier of the row's schemes yet."""
        schemes = {name.scheme for name in entry.identifiers}
        return [number for number in numbers if schemes.isdisjoint(self._schemes.get(number, ()))]


def _is_unknown(entry: GalaxyEntry, known: dict[Identifier, int]) -> bool:
    """Whether only the position can tell which galaxy this is."""
    return not entry.pgc and not any(name in known for name in entry.names)


def _taken(numbers: set[int]) -> set[int]:
    """Return those numbers of new galaxies that belong to galaxies with other identifiers.

    A number without identifiers belongs to the same galaxy: it came with an export that has no identifiers.
    """
    own = [number for number in numbers if number >= FIRST_OWN_NUMBER]
    return set(Galaxy.objects.filter(pgc__in=own, identifiers__isnull=False).values_list("pgc", flat=True))
