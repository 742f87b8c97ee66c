"""manage.py import_votes FILE --campaign NAME"""

from argparse import ArgumentParser
from typing import Any

from giz.catalog.management.arguments import add_map_argument, column_map, existing_file
from giz.core.command import GizCommand, run_job_with_bar
from giz.core.words import counted, n_galaxies
from labeling.jobs import votes_import_job
from labeling.services.campaigns import campaign_named

DESCRIPTION = """\
Import votes from elsewhere: a table such as that of the original site, pipe separated (or comma, semicolon, tab), one
header line.

Columns (names in any case):
  pgcID        needed; the galaxy's number. Unknown galaxies are created
  volunteer    needed; name or number of the person. Never stored: only a keyed hash of it, with a random number
  flag         needed; 1 for a rejection, for which inc is ignored
  inc          needed; inclination in degrees, 45 to 90
  pgcID1 pgcID2                    the standards left and right of the galaxy; unknown ones are put into a separate set
  not_sure better_image bad_TF ambiguous disturbed HI face_on not_spiral multiple    reasons: 0 or 1
  checkoutTime checkinTime         such as 2018-03-03 15:06:36, UTC
  note or comment, id              id identifies the row, so that it is imported only once
A table of export_votes (which has standing, verdict, superseded_at, flags and shown_s, too) gives the same consensus:
undone and late votes are kept as history.
Columns of other names: --map inc=inclination face_on=faceon. Unused columns are listed.

A person's first vote on a galaxy is counted; later ones are kept as repeats, and the person counts once, with their
median. Bad rows are reported with line number and reason, the others imported. Importing the same file again changes
nothing; after an interruption the same command continues where it stopped.
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
            help="where the votes come from: people are recognised in all tables of one source (default: %(default)s)",
        )
        add_map_argument(parser)

    def handle(self, *, file: str, campaign: str, source: str, **options: Any) -> None:
        path = existing_file(file)
        job = votes_import_job(
            campaign=campaign_named(campaign), path=path, source=source, column_map=column_map(options["map"])
        )
        counts = run_job_with_bar(job, title=f"Votes of {path.name}").result
        self.stdout.write(
            f"Votes: {counts['counted']:,} counted, {counted(counts['repeat'], 'repeat')} kept as history, "
            f"{counts['known']:,} imported before; {counted(counts['bad'], 'bad row')}. "
            f"Made: {n_galaxies(counts['galaxies'])}, "
            f"{counted(counts['volunteers'], 'volunteer')}, {counted(counts['standards'], 'standard')}."
        )
        if counts["counted"] or counts["repeat"]:
            self.stdout.write(f"Next: manage.py aggregate --campaign {campaign}")
