"""manage.py import_galaxies FILE"""

from argparse import ArgumentParser
from typing import Any

from giz.catalog.jobs import galaxies_import_job
from giz.catalog.management.paths import existing_file
from giz.core.command import GizCommand
from giz.core.terminal import run_job_with_bar

DESCRIPTION = """\
Import galaxies from a table: comma, semicolon, tab or pipe separated (the EDD's form), with one header line.

Columns that become fields (names in any case):
  pgc        needed; whole number
  ra, dec    degrees
  d25        arcmin (or d25_arcsec in arcsec); 0 means not measured
  b_a        axial ratio b/a, 0 to 1; 0 means not measured
  pa         degrees, north through east
  type, ty   morphological type as text, as a number
  name       shown to people
Every other column is kept as it is. Bad rows are reported with line number and reason, the others imported.
The same file again changes nothing; after an interruption the same command goes on where it stopped.
"""


class Command(GizCommand):
    help = DESCRIPTION

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE", help="the table")

    def handle(self, *, file: str, **_options: Any) -> None:
        path = existing_file(file)
        job = galaxies_import_job(path)
        counts = run_job_with_bar(job, title=f"Galaxies of {path.name}").result
        self.stdout.write(
            f"Galaxies: {counts['new']} new, {counts['changed']} changed, {counts['unchanged']} unchanged; "
            f"{counts['bad']} bad rows."
        )
