"""manage.py import_images FOLDER"""

from argparse import ArgumentParser
from typing import Any

from giz.catalog.jobs import images_import_job
from giz.catalog.management.arguments import existing_folder
from giz.core.command import GizCommand, run_job_with_bar
from giz.core.words import counted, n_galaxies

DESCRIPTION = """\
Import the pictures of a folder (and the folders in it) by their names:
  pgc<number>_d25x2_rot_<gri|g|r|i>.png or .jpg     one picture per galaxy and band
  pgc<number>_d25x2_rot_gri.sdss.jpg                used where the plain gri picture is missing or damaged

Each picture is checked (PNG and JPEG by content, at most 40 megapixels), made square and written in the display sizes.
Galaxies that the catalogue does not know are created. What can't be used is reported with the reason.
Importing the same folder again changes nothing; after an interruption the same command continues where it stopped.
"""


class Command(GizCommand):
    help = DESCRIPTION

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", metavar="FOLDER", help="the folder of pictures")

    def handle(self, *, folder: str, **_options: Any) -> None:
        path = existing_folder(folder)
        job = images_import_job(path)
        counts = run_job_with_bar(job, title=f"Pictures of {path.name}").result
        spare = f" ({counted(counts['spare'], 'spare copy', 'spare copies')} left aside)" if counts["spare"] else ""
        self.stdout.write(
            f"Pictures: {counts['new']:,} new, {counts['replaced']:,} replaced, {counts['unchanged']:,} unchanged; "
            f"{counts['bad']:,} damaged, {counted(counts['unusable'], 'file')} not used{spare}; "
            f"{n_galaxies(counts['galaxies'])} created."
        )
        if counts["spare"]:
            more = counts["spare"] - len(counts["spare_files"])
            names = ", ".join(counts["spare_files"]) + (f" and {more:,} more" if more > 0 else "")
            self.stdout.write(f"Spare copies serve only where the plain picture is damaged: {names}.")
