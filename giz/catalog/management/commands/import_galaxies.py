"""manage.py import_galaxies FILE"""

from argparse import ArgumentParser
from typing import Any

from giz.catalog.jobs import galaxies_import_job
from giz.catalog.management.arguments import add_map_argument, column_map, existing_file
from giz.core.command import GizCommand, run_job_with_bar
from giz.core.words import counted

DESCRIPTION = """\
Import galaxies from a table: VOTable, FITS, Parquet, ECSV, IPAC, or text (comma, semicolon, tab or pipe, with one
header line).

Columns that become fields (names in any case):
  pgc        whole number; needed, unless --id names another identifier, or --match-arcsec finds galaxies of the
             catalogue by ra and dec
  ra, dec    degrees, or hours and degrees with minutes and seconds (12 34 56.7, -00 00 47.8)
  d25        arcmin (or d25_arcsec in arcsec); 0 means not measured
  b_a        axial ratio b/a, 0 to 1; 0 means not measured
  pa         degrees, north through east
  type, ty   morphological type as text, as a number (or t)
  name       shown to people (or objname)
HyperLEDA's al2000 (hours), de2000, logd25 (log of 0.1 arcmin) and logr25 (log of a/b) are recognised, too.
Units stated in the file take precedence and are converted; a unit that can't be converted is an error. They may stand
in VOTable, FITS, Parquet, ECSV and IPAC files, in a row below the header, or after a name: D25 (arcsec). Other names:
--map ra=RAJ2000 dec=DEJ2000.
--id TARGETID=desi reads identifiers of other catalogues, --id RELEASE+BRICKID+OBJID=ls-dr10 joins columns by hyphens;
several may be given. A row is the galaxy that one of its identifiers names, else the only one within --match-arcsec
(3 if it is not given, 0 to match by identifiers alone) that has none of this catalogue, else a new one. A galaxy
without a PGC number gets a number of 15 digits that follows from its first identifier. Rows whose identifiers name
several galaxies, or whose place fits several galaxies or several rows, are listed and refused.
Every other column is kept unchanged, and listed. A blank cell or a mark for "not
measured" (999, -9.99 ...) never overwrites an existing value. Changes to a known galaxy are recorded as its history;
galaxies within 3 arcsec of each other are listed. Bad rows are reported with line number (row number in typed tables)
and reason, the others imported. Importing the same file again changes nothing; after an interruption the same command
continues where it stopped.
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
        parser.add_argument(
            "--id",
            dest="ids",
            action="extend",
            nargs="+",
            default=[],
            metavar="COLUMN[=SCHEME]",
            help="which column holds an identifier, and of which catalogue; the column's name if it is not said",
        )
        add_map_argument(parser)

    def handle(self, *, file: str, **options: Any) -> None:
        path = existing_file(file)
        job = galaxies_import_job(
            path,
            column_map=column_map(options["map"]),
            identifiers=options["ids"],
            match_arcsec=options["match_arcsec"],
        )
        counts = run_job_with_bar(job, title=f"Galaxies of {path.name}").result
        self.stdout.write(
            f"Galaxies: {counts['new']:,} new, {counts['changed']:,} changed, {counts['unchanged']:,} unchanged; "
            f"{counted(counts['bad'], 'bad row')}."
            + (
                f" Matched: {counts['by_id']:,} by identifier, {counts['by_position']:,} by position; "
                f"{counted(counts['ambiguous'], 'ambiguous row')} refused."
                if "by_id" in counts
                else ""
            )
            + (f" {counts['near']:,} near others (above)." if counts["near"] else "")
            + (
                f" {counted(counts['unmeasured'], 'cell')} with a mark for “not measured” (0, 999, -9.99 …) left aside."
                if counts["unmeasured"]
                else ""
            )
        )
