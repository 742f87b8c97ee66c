"""manage.py import_galaxies FILE"""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from giz.catalog.jobs import galaxies_import_job
from giz.catalog.management.paths import existing_file
from giz.core.command import GizCommand
from giz.core.terminal import run_job_with_bar
from giz.core.words import counted

DESCRIPTION = """\
Import galaxies from a table: VOTable, FITS, Parquet, or text (comma, semicolon, tab or pipe, with one header line).

Columns that become fields (names in any case):
  pgc        whole number; needed, unless --match-arcsec finds galaxies of the catalogue by ra and dec
  ra, dec    degrees
  d25        arcmin (or d25_arcsec in arcsec); 0 means not measured
  b_a        axial ratio b/a, 0 to 1; 0 means not measured
  pa         degrees, north through east
  type, ty   morphological type as text, as a number (or t)
  name       shown to people (or objname)
HyperLEDA's al2000 (hours), de2000, logd25 (log of 0.1 arcmin) and logr25 (log of a/b) are understood, too.
Units that a VOTable, FITS or Parquet file gives win over these and are converted; one that can't be is refused.
Other names: --map ra=RAJ2000 dec=DEJ2000. Every other column is kept as it is. What changes of a galaxy that was known
stays as its history; galaxies within 3 arcsec of each other are named. Bad rows are reported with line number (row
number in VOTable, FITS and Parquet) and reason, the others imported.
The same file again changes nothing; after an interruption the same command goes on where it stopped.
"""


class Command(GizCommand):
    help = DESCRIPTION

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE", help="the table")
        parser.add_argument(
            "--match-arcsec",
            type=float,
            metavar="ARCSEC",
            help="for a table without pgc: find its galaxies in the catalogue by position, at most so far away",
        )
        parser.add_argument("--map", nargs="+", default=[], metavar="WHAT=COLUMN", help="which column holds what")

    def handle(self, *, file: str, **options: Any) -> None:
        path = existing_file(file)
        wrong = [pair for pair in options["map"] if not all(pair.partition("=")[::2])]
        if wrong:
            raise CommandError(f"--map takes WHAT=COLUMN, such as ra=RAJ2000; got {wrong[0]!r}.")
        job = galaxies_import_job(
            path, column_map=dict(pair.split("=", 1) for pair in options["map"]), match_arcsec=options["match_arcsec"]
        )
        counts = run_job_with_bar(job, title=f"Galaxies of {path.name}").result
        self.stdout.write(
            f"Galaxies: {counts['new']:,} new, {counts['changed']:,} changed, {counts['unchanged']:,} unchanged; "
            f"{counted(counts['bad'], 'bad row')}."
            + (f" {counts['near']:,} near others (above)." if counts["near"] else "")
        )
