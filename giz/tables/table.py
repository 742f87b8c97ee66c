"""What a table is, whatever file it comes in: named columns and rows of text."""

import difflib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

from giz.core.words import printable

MAX_COLUMNS = 1000
MAX_CELL_CHARACTERS = 10_000
MAX_SHOWN_COLUMNS = 12
# Headings under which a table holds the number of a galaxy in PGC, in lower case.
PGC_NAMES = ("pgc", "pgc_id", "pgcid", "pgc_no")


class TableError(ValueError):
    """The file as a whole can't be read as a table; the message says why."""


class RowError(ValueError):
    """One row can't be used; the message says which value and which rule."""


@dataclass(frozen=True)
class Row:
    """One row: its line in the file (its number in a typed table), and its cells by column or the reason it is bad."""

    line: int
    cells: dict[str, str]
    problem: str = ""


@dataclass(frozen=True)
class Table(ABC):
    """An open table; ``rows`` reads it from the start each time.

    columns : names in lower case, otherwise as in the file.
    line_count : lines of text, or rows of a typed table, for progress.
    units : those that the file states, by column.
    notices : sentences for people about the file as a whole.
    """

    path: Path
    columns: tuple[str, ...]
    line_count: int
    sha256: str
    units: Mapping[str, str] = field(default_factory=dict, kw_only=True)
    notices: tuple[str, ...] = field(default=(), kw_only=True)

    @abstractmethod
    def rows(self) -> Iterator[Row]:
        """Yield every row from the start."""

    def renamed(self, column_map: Mapping[str, str], known: Sequence[str]) -> Self:
        """Return the table with columns under the names by which they are known: ``{"comment": "remark"}``.

        Raises
        ------
        TableError
            A name that is not known, or a column that the table does not have.
        """
        columns = list(self.columns)
        for wanted, given in column_map.items():
            if wanted.lower() not in known:
                raise TableError(f"A map can't name {printable(wanted)!r}; it can name {', '.join(known)}.")
            index = columns.index(column_named(given, self.columns))
            if wanted.lower() in columns and columns[index] != wanted.lower():
                raise TableError(f"The table has a column {wanted} of its own, so {given} can't be read as it.")
            columns[index] = wanted.lower()
        return replace(self, columns=tuple(columns))


def column_named(name: str, columns: Sequence[str]) -> str:
    """Return the column of this name; TableError, with a hint at a similar name, if there is none."""
    lower = name.strip().lower()
    if lower in columns:
        return lower
    close = difflib.get_close_matches(lower, columns, n=1)
    hint = f"Did you mean {printable(close[0])!r}?" if close else f"Its columns: {shown_columns(columns)}."
    raise TableError(f"The table has no column {printable(name)!r}. {hint}")


def first_column(names: Sequence[str], columns: Sequence[str]) -> str:
    """Return the first of the names that is a column; empty if none is."""
    return next((name for name in names if name in columns), "")


def require_columns(found: Mapping[str, str], columns: Sequence[str]) -> None:
    """Check that each of the columns wanted (the keys) was found under some name (the values, else empty).

    Raises
    ------
    TableError
        Names what is missing, what the table has, and how to map it.
    """
    missing = [wanted for wanted, name in found.items() if not name]
    if missing:
        raise TableError(
            f"The table has no column named {' and none named '.join(missing)}. Its columns: {shown_columns(columns)}. "
            f"If a column has another name, use --map {missing[0]}=COLUMN."
        )


def shown_columns(columns: Sequence[str]) -> str:
    """Return the names of the first columns, safe to show on a terminal."""
    named = [printable(name) for name in columns if name]
    return (", ".join(named[:MAX_SHOWN_COLUMNS]) or "(none)") + (", …" if len(named) > MAX_SHOWN_COLUMNS else "")


def unused_columns(unused: Sequence[str], known: Sequence[str]) -> list[str]:
    """Return a sentence that names the columns that are not read and how to map them; empty if all are read."""
    if not unused:
        return []
    return [
        f"Columns not read: {', '.join(printable(name) for name in unused)}. If one of them holds something that is "
        f"wanted, run this again with --map WHAT=COLUMN; WHAT is one of {', '.join(known)}."
    ]
