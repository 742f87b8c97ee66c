"""Which galaxies a command is to work on: numbers, a file of numbers, or all that lack something."""

from argparse import ArgumentParser

from django.core.management.base import CommandError

from giz.catalog.formats.galaxies import read_pgc
from giz.catalog.formats.table import RowError
from giz.catalog.management.paths import existing_file
from giz.catalog.models import Galaxy


def add_galaxy_arguments(parser: ArgumentParser, *, of_missing: str) -> None:
    """Add --pgc, --list and --missing, of which one must be given."""
    group = parser.add_mutually_exclusive_group(required=True)
    group.add_argument("--pgc", nargs="+", metavar="NUMBER", help="PGC numbers, separated by blanks or commas")
    group.add_argument(
        "--list", dest="list_file", metavar="FILE", help="a file with one PGC number a line; # begins a remark"
    )
    group.add_argument("--missing", action="store_true", help=of_missing)


def chosen_galaxies(*, pgc: list[str] | None, list_file: str | None, missing: bool) -> list[int]:
    """Return the PGC numbers that the options name; a wrong one ends the command with the word and the line."""
    if missing:
        found = Galaxy.objects.filter(is_synthetic=False).exclude(images__is_current=True)
        return list(found.values_list("pgc", flat=True).order_by("pgc"))
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
