"""What ``--targets`` of create_campaign may be: all, a standard set, files, PGC numbers."""

import re
from dataclasses import dataclass, field
from pathlib import Path

from giz.catalog.formats.galaxies import PGC_NAMES, read_pgc
from giz.catalog.formats.table import RowError, table_or_refusal
from giz.catalog.management.paths import existing_file
from giz.core.errors import Refused
from giz.core.words import counted
from labeling import selectors
from standards.models import StandardSet
from standards.selectors import standard_set_named

MAX_REPORTED = 20
_NUMBER = re.compile(r"\d+(,\d+)*,?")


@dataclass
class ChosenTargets:
    """Ids of galaxies, and a line about everything that could not be used."""

    galaxy_ids: list[int] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def read_targets(words: list[str], standard_set: StandardSet) -> ChosenTargets:
    """Find the galaxies that the words name; raises Refused where a word names nothing at all."""
    ids: set[int] = set()
    numbers: dict[int, None] = {}
    problems: list[str] = []
    for word in words:
        if word == "all":
            ids.update(selectors.galaxies_beside(standard_set))
        elif word.startswith("set:"):
            ids.update(selectors.galaxies_of_set(standard_set_named(word.removeprefix("set:"))))
        elif _NUMBER.fullmatch(word):
            numbers.update(dict.fromkeys(int(part) for part in word.split(",") if part))
        else:
            found, bad = _read_file(existing_file(word.removeprefix("@")))
            numbers.update(dict.fromkeys(found))
            problems += bad
    known = selectors.galaxies_by_pgc(list(numbers))
    unknown = [str(pgc) for pgc in numbers if pgc not in known]
    if unknown:
        problems.append(
            f"Not in the catalogue, so left out: PGC {', '.join(unknown[:MAX_REPORTED])}"
            + (f" and {len(unknown) - MAX_REPORTED} more." if len(unknown) > MAX_REPORTED else ".")
        )
    ids.update(known.values())
    if words and not ids:
        raise Refused("no_targets", " ".join([f"No galaxy is named by {' '.join(words)}.", *problems]))
    return ChosenTargets(sorted(ids), problems)


def _read_file(path: Path) -> tuple[list[int], list[str]]:
    """PGC numbers of a table with a column for them, or of a plain list with one a line."""
    table = table_or_refusal(path)
    column = next((name for name in PGC_NAMES if name in table.columns), "")
    numbers: list[int] = []
    problems: list[str] = []
    if not column:
        if len(table.columns) > 1 or not _is_pgc(table.columns[0]):
            raise Refused("bad_table", f"{path.name} has neither a column pgc nor one PGC number a line.")
        column = table.columns[0]
        numbers.append(read_pgc(column, may_be_synthetic=True))
    for row in table.rows():
        try:
            if row.problem:
                raise RowError(row.problem)
            numbers.append(read_pgc(row.cells[column], may_be_synthetic=True))
        except RowError as error:
            problems.append(f"{path.name} line {row.line}: {error}")
    if len(problems) > MAX_REPORTED:
        problems[MAX_REPORTED:] = [f"… and {counted(len(problems) - MAX_REPORTED, 'more line')} that can't be used"]
    return numbers, problems


def _is_pgc(text: str) -> bool:
    try:
        read_pgc(text, may_be_synthetic=True)
    except RowError:
        return False
    return True
