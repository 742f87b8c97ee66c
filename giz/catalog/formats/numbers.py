"""The numbers of galaxies: PGC numbers, those of synthetic galaxies, and our own where a galaxy has no PGC number."""

import re
from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path

from giz.core.errors import Refused
from giz.tables.table import PGC_NAMES, RowError, shown_columns
from giz.tables.text import TextTable, table_or_refusal

# Up to here: the Principal Galaxies Catalogue. Our own numbers have 15 digits, which spreadsheets and JavaScript keep.
FIRST_SYNTHETIC_PGC = 90_000_001
FIRST_OWN_NUMBER, LAST_OWN_NUMBER = 10**14, 10**15 - 1

_LISTED = re.compile(r"(?:pgc\s*)?[^\s,;]+", re.IGNORECASE)
_PGC = re.compile(r"(?:pgc\s*)?0*(\d{1,15})(?:\.0*)?", re.IGNORECASE | re.ASCII)


def is_synthetic_number(number: int) -> bool:
    """Whether the number is one of those kept for synthetic galaxies."""
    return FIRST_SYNTHETIC_PGC <= number < FIRST_OWN_NUMBER


def number_in_words(number: int) -> str:
    """Return "PGC 4", or "galaxy 482913746102938" for our own number of a galaxy without a PGC number."""
    return f"galaxy {number}" if number >= FIRST_OWN_NUMBER else f"PGC {number}"


def read_pgc(text: str, *, may_be_synthetic: bool = False) -> int:
    """Return a PGC number, written as 4, 0004 or PGC 4, or our own number of a galaxy without one.

    Raises
    ------
    RowError
        Not such a number, or one of those kept for synthetic galaxies where only the real sky is meant.
    """
    found = _PGC.fullmatch(text)
    if not found or int(found[1]) == 0:
        raise RowError(f"pgc is {text[:40]!r}, must be a whole number above 0")
    pgc = int(found[1])
    if is_synthetic_number(pgc) and not may_be_synthetic:
        raise RowError(f"pgc is {pgc}; numbers from {FIRST_SYNTHETIC_PGC} are kept for synthetic galaxies")
    return pgc


def read_pgc_list(
    path: Path, *, may_be_synthetic: bool = False, named: Callable[[str], int] | None = None
) -> tuple[list[int], list[str]]:
    """Return the PGC numbers in a table's column of them, or in a list, and a sentence about each wrong line.

    A list has one number on each line, or several separated by commas or blanks; # starts a comment anywhere. A line
    with anything else is wrong as a whole: the 4258 of NGC 4258 is not a PGC number. `named` returns the number of an
    identifier, a word with a colon (``ls-dr10:9011-123-45``), and may raise RowError.

    Raises
    ------
    Refused
        Neither text nor a table, or without a column pgc and without a single number.
    """
    table = table_or_refusal(path)
    column = next((name for name in PGC_NAMES if name in table.columns), "")
    lines: Iterable[tuple[int, list[str], str]]
    if column:
        lines = ((row.line, [row.cells.get(column, "")], row.problem) for row in table.rows())
    else:
        first = _LISTED.findall(" ".join(table.columns))
        is_of_words = len(first) > 1 and not any(_PGC.fullmatch(word) or (named and ":" in word) for word in first)
        if not isinstance(table, TextTable) or is_of_words or _is_headed(table):
            raise Refused(
                "bad_table",
                f"{path.name} has no column named pgc (its columns: {shown_columns(table.columns)}), and is not a "
                "list of PGC numbers.",
            )
        lines = ((line, _LISTED.findall(text.partition("#")[0]), "") for line, text in table.text.lines())
    numbers, problems = [], []
    for line, words, problem in lines:
        try:
            if problem:
                raise RowError(problem)
            numbers += [
                named(word) if named and ":" in word else read_pgc(word, may_be_synthetic=may_be_synthetic)
                for word in words
            ]
        except RowError as error:
            problems.append(f"{path.name}, line {line}: {error}")
    if not numbers and not column:
        raise Refused("bad_table", f"{path.name} has neither a column pgc nor a list of PGC numbers. {problems[0]}.")
    return numbers, problems


def _is_headed(table: TextTable) -> bool:
    """Whether the comment above the first line names columns: ``# pgc ra``."""
    above = [text for _line, text in islice(table.text.lines(), table.header_line - 1)][-1:]
    words = {word.lower() for text in above for word in text.strip("\ufeff# \r\n").split()}
    return len(words) == len(_LISTED.findall(" ".join(table.columns))) > 1 and not words.isdisjoint(PGC_NAMES)
