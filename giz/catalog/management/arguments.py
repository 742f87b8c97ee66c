"""Arguments that several commands share: galaxies (by number, file, name, or what they lack), paths, --map."""

import difflib
from argparse import ArgumentParser
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from giz.catalog.formats.numbers import read_pgc, read_pgc_list
from giz.catalog.selectors import number_named
from giz.tables.table import RowError


@dataclass(frozen=True)
class GalaxySource:
    """Galaxies that another app knows by a name: ``--<option> NAME`` of commands stands for their numbers."""

    option: str
    help: str
    numbers: Callable[[str], list[int]]


_sources: dict[str, GalaxySource] = {}


def register_galaxy_source(source: GalaxySource) -> None:
    """Let commands of the catalogue take galaxies from an app that they can't import."""
    _sources[source.option] = source


def add_galaxy_arguments(parser: ArgumentParser, *, of_missing: str, required: bool = True) -> None:
    """Add --pgc, --list, --missing and registered options: at most one may be given, exactly one if `required`."""
    group: Any = parser.add_mutually_exclusive_group(required=required)
    group.add_argument("--pgc", nargs="+", metavar="NUMBER", help="PGC numbers, separated by blanks or commas")
    group.add_argument(
        "--id", dest="ids", nargs="+", metavar="IDENTIFIER", help="identifiers, such as ls-dr10:9011-123-45 or NGC4258"
    )
    group.add_argument(
        "--list",
        dest="list_file",
        metavar="FILE",
        help="a list of PGC numbers or identifiers (# begins a remark), or a table with a column pgc",
    )
    group.add_argument("--missing", action="store_true", help=of_missing)
    for source in _sources.values():
        group.add_argument(f"--{source.option}", metavar="NAME", help=source.help)


def given_galaxies(**options: Any) -> tuple[bool, list[str]]:
    """Return whether one of these arguments was given, and the names of all."""
    others = list(_sources)
    given = any(options[name] for name in ("pgc", "ids", "list_file", "missing", *others))
    return given, ["--pgc", "--id", "--list", "--missing", *(f"--{name}" for name in others)]


def reasons_in_words(why: dict[str, int]) -> str:
    """Return why galaxies failed, the most frequent reason first: "2 not covered, 1 not known"."""
    return ", ".join(f"{count:,} {reason}" for reason, count in sorted(why.items(), key=lambda pair: -pair[1]))


def chosen_galaxies(
    of_missing: Callable[[], list[int]],
    *,
    pgc: list[str] | None,
    ids: list[str] | None,
    list_file: str | None,
    missing: bool,
    **others: Any,
) -> list[int]:
    """Return the PGC numbers given by the options; a wrong one ends the command with the word and the line.

    `of_missing` returns those of ``--missing``.
    """
    if missing:
        return of_missing()
    for option, source in _sources.items():
        if others.get(option):
            return source.numbers(others[option])
    if list_file is not None:
        numbers, problems = read_pgc_list(existing_file(list_file), named=number_named)
        if problems:
            raise CommandError(f"{problems[0]}.")
        return numbers
    try:
        if ids:
            return [number_named(word) for word in ids]
        return [read_pgc(word) for group in pgc or [] for word in group.split(",") if word]
    except RowError as error:
        raise CommandError(f"{'--id' if ids else '--pgc'}: {error}.") from None


def existing_file(text: str) -> Path:
    """Return the path of a file; a missing one ends the command with a hint."""
    path = Path(text).expanduser()
    if path.is_dir():
        raise CommandError(f"{path} is a folder; a file is needed.")
    if not path.exists():
        raise CommandError(f"No such file: {path}.{_hint(path, folders=False)}")
    return path.resolve()


def existing_folder(text: str) -> Path:
    """Return the path of a folder; a missing one ends the command with a hint."""
    path = Path(text).expanduser()
    if path.is_file():
        raise CommandError(f"{path} is a file; a folder is needed. Did you mean {path.parent}?")
    if not path.exists():
        raise CommandError(f"No such folder: {path}.{_hint(path, folders=True)}")
    return path.resolve()


def _hint(path: Path, *, folders: bool) -> str:
    """Name the most similar entry of the folder, or the part of the path that exists."""
    parent = path.parent
    if not parent.is_dir():
        while not parent.is_dir() and parent != parent.parent:
            parent = parent.parent
        return f" The path exists up to {parent.resolve()}."
    names = [entry.name for entry in parent.iterdir() if entry.is_dir() == folders]
    by_lower = {name.lower(): name for name in names}
    close = difflib.get_close_matches(path.name.lower(), list(by_lower), n=1, cutoff=0.5)
    return f" Did you mean {parent / by_lower[close[0]]}?" if close else ""


def add_map_argument(parser: ArgumentParser) -> None:
    """Add ``--map``, which tells the contents of columns whose names don't."""
    parser.add_argument(
        "--map", nargs="+", default=[], metavar="WHAT=COLUMN", help="which column holds what, such as ra=RAJ2000"
    )


def column_map(pairs: list[str]) -> dict[str, str]:
    """Return the pairs of ``--map``; one without = ends the command."""
    wrong = [pair for pair in pairs if not all(pair.partition("=")[::2])]
    if wrong:
        raise CommandError(f"--map takes WHAT=COLUMN, such as ra=RAJ2000; got {wrong[0]!r}.")
    return dict(pair.split("=", 1) for pair in pairs)
