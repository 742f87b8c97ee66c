"""manage.py import_votes FILE --campaign NAME"""

from argparse import ArgumentParser
from typing import Any

from giz.catalog.management.paths import existing_file
from giz.core.command import GizCommand
from giz.core.terminal import run_job_with_bar
from giz.core.words import counted, n_galaxies
from labeling.jobs import votes_import_job
from labeling.services.campaigns import campaign_named

DESCRIPTION = """\
Import votes given elsewhere: the original's vote table, pipe separated (or comma, semicolon, tab), one header line.

Columns (names in any case):
  pgcID        needed; the galaxy's number. Galaxies that the catalogue does not know are made
  volunteer    needed; whatever the table names people by. Never stored: only a keyed hash of it, beside a random number
  flag         needed; 1 for a rejection, which has no inclination, whatever stands in inc
  inc          needed; inclination in degrees, 45 to 90
  pgcID1 pgcID2                    the standards left and right of the galaxy; unknown ones get a set of their own
  not_sure better_image bad_TF ambiguous disturbed HI face_on not_spiral multiple    reasons: 0 or 1
  checkoutTime checkinTime         such as 2018-03-03 15:06:36, UTC
  comment, id                      id names the row, so that it is imported once

The first vote of a person on a galaxy is counted; further ones are kept as repeats, and the person counts once, with
their median. Bad rows are reported with line number and reason, the others imported. The same file again changes
nothing; after an interruption the same command goes on where it stopped.
"""


class Command(GizCommand):
    help = DESCRIPTION

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE", help="the table")
        parser.add_argument("--campaign", required=True, metavar="NAME", help="the campaign that the votes go into")
        parser.add_argument(
            "--source",
            default="original",
            metavar="NAME",
            help="where the votes come from: people of one source are known again in each of its tables "
            "(default: %(default)s)",
        )

    def handle(self, *, file: str, campaign: str, source: str, **_options: Any) -> None:
        path = existing_file(file)
        job = votes_import_job(campaign=campaign_named(campaign), path=path, source=source)
        counts = run_job_with_bar(job, title=f"Votes of {path.name}").result
        self.stdout.write(
            f"Votes: {counts['counted']:,} counted, {counted(counts['repeat'], 'repeat')} kept as history, "
            f"{counts['known']:,} known already; {counted(counts['bad'], 'bad row')}. "
            f"Made: {n_galaxies(counts['galaxies'])}, "
            f"{counted(counts['volunteers'], 'volunteer')}, {counted(counts['standards'], 'standard')}."
        )
        if counts["counted"] or counts["repeat"]:
            self.stdout.write(f"Next: manage.py aggregate --campaign {campaign}")
