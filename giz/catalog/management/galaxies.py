"""Which galaxies a command is to work on: numbers, a file of numbers, all that lack something, or what others name."""

from argparse import ArgumentParser
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.core.management.base import CommandError

from giz.catalog.formats.galaxies import read_pgc
from giz.catalog.formats.table import RowError
from giz.catalog.management.paths import existing_file


@dataclass(frozen=True)
class GalaxySource:
    """Galaxies that an upper floor knows by a name: ``--<option> NAME`` of commands stands for their numbers."""

    option: str
    help: str
    numbers: Callable[[str], list[int]]


_sources: dict[str, GalaxySource] = {}


def register_galaxy_source(source: GalaxySource) -> None:
    """Let commands of the catalogue take galaxies from a floor that they can't see."""
    _sources[source.option] = source


def add_galaxy_arguments(parser: ArgumentParser, *, of_missing: str, required: bool = True) -> None:
    """Add --pgc, --list, --missing and what others registered: at most one is given, and one must be if `required`."""
    group: Any = parser.add_mutually_exclusive_group(required=required)
    group.add_argument("--pgc", nargs="+", metavar="NUMBER", help="PGC numbers, separated by blanks or commas")
    group.add_argument(
        "--list", dest="list_file", metavar="FILE", help="a file with one PGC number a line; # begins a remark"
    )
    group.add_argument("--missing", action="store_true", help=of_missing)
    for source in _sources.values():
        group.add_argument(f"--{source.option}", metavar="NAME", help=source.help)


def given_galaxies(**options: Any) -> tuple[bool, list[str]]:
    """Whether one of these arguments was given, and how all of them are written."""
    others = list(_sources)
    given = any(options[name] for name in ("pgc", "list_file", "missing", *others))
    return given, ["--pgc", "--list", "--missing", *(f"--{name}" for name in others)]


def reasons_in_words(why: dict[str, int]) -> str:
    """Say why galaxies failed, the most frequent reason first: "2 not covered, 1 not known"."""
    return ", ".join(f"{count:,} {reason}" for reason, count in sorted(why.items(), key=lambda pair: -pair[1]))


def chosen_galaxies(
    of_missing: Callable[[], list[int]], *, pgc: list[str] | None, list_file: str | None, missing: bool, **others: Any
) -> list[int]:
    """Return the PGC numbers that the options name; a wrong one ends the command with the word and the line.

    `of_missing` finds those that ``--missing`` stands for.
    """
    if missing:
        return of_missing()
    for option, source in _sources.items():
        if others.get(option):
            return source.numbers(others[option])
    if list_file is not None:
        path = existing_file(list_file)
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        words = [
            (f"{path.name}, line {number}", line.partition("#")[0].strip()) for number, line in enumerate(lines, 1)
        ]
    else:
        words = [("--pgc", word) for group in pgc or [] for word in group.split(",")]
    numbers = []
    for where, word in words:
        if word:
            try:
                numbers.append(read_pgc(word))
            except RowError as error:
                raise CommandError(f"{where}: {error}.") from None
    return numbers
