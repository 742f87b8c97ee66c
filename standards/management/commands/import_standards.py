"""manage.py import_standards FILE --set NAME"""

from argparse import ArgumentParser
from difflib import get_close_matches
from typing import Any

from giz.catalog.management.arguments import add_map_argument, column_map, existing_file
from giz.core.command import GizCommand, run_job_with_bar
from standards import grid
from standards.jobs import standards_import_job
from standards.models import StandardSet
from standards.selectors import set_coverage, set_names

DESCRIPTION = """\
Publish a table of standards (galaxies of known inclination) as the next version of a set.

Columns (names in any case; comma, semicolon, tab or pipe between the cells):
  pgc    needed; number of the galaxy. Galaxies that the catalogue does not know are created
  inc    needed; inclination from face-on in degrees, 44.5 to 90
  dPA    turn the picture clockwise by this many degrees before it is shown; 0 where missing
  zoom   magnification of the 2 x D25 field; the page's usual 1.45 where missing
Columns of other names: --map inc=inclination_deg. Unused columns are listed.

A standard is shown if its galaxy has pictures at the time of import, so import the pictures first. A published set
never changes, because votes are replayed on it: the same content changes nothing, other content (or new pictures)
makes a new version. Bad rows are reported with line number and reason; the others are used, unless more than a tenth
are bad.
"""


class Command(GizCommand):
    help = DESCRIPTION

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE", help="the table")
        parser.add_argument(
            "--set",
            required=True,
            metavar="NAME",
            dest="set_name",
            help="name of the set: letters, digits, hyphens, underscores",
        )
        add_map_argument(parser)

    def handle(self, *, file: str, set_name: str, **options: Any) -> None:
        path = existing_file(file)
        known_names = set_names()
        job = standards_import_job(path, name=set_name, column_map=column_map(options["map"]))
        result = run_job_with_bar(job, title=f"Standards of {path.name}").result
        standard_set = StandardSet.objects.get(pk=result["set_id"])
        bad = f" Rows not used: {result['bad']}." if result["bad"] else ""
        if not result["is_new"]:
            self.stdout.write(f"Nothing changed: {_named(standard_set)} holds exactly these standards already.{bad}")
            return
        self._tell(standard_set, bad, result["galaxies"])
        alike = get_close_matches(set_name, known_names, n=1, cutoff=0.8)
        if set_name not in known_names and alike:
            self.stdout.write(
                f"{set_name!r} is a new set. If you meant {alike[0]!r}, run this again with --set {alike[0]}."
            )

    def _tell(self, standard_set: StandardSet, bad: str, galaxies_created: int) -> None:
        coverage = set_coverage(standard_set)
        standards = sum(entry.standards for entry in coverage.bins)
        shown = sum(entry.shown for entry in coverage.bins)
        filled = len(grid.GRID_BINS) - len(coverage.empty_bins)
        self.stdout.write(
            f"Published {_named(standard_set)}. Standards: {standards}; with pictures: {shown}; bins that these fill: "
            f"{filled} of {len(grid.GRID_BINS)}.{bad} Galaxies created: {galaxies_created}."
        )
        if shown < standards:
            self.stdout.write(
                "Standards without pictures are never shown: import_images brings pictures in, "
                "then this command makes a version that shows them."
            )
        self.stdout.write(f"Look at the bins: manage.py standards_coverage --set {standard_set.name}")


def _named(standard_set: StandardSet) -> str:
    return f"{standard_set.name} version {standard_set.version}"
