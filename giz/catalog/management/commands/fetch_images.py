"""manage.py fetch_images --pgc 4 12 | --list FILE | --missing | --campaign NAME, --name "NGC 1" alone or beside them"""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from giz.catalog.jobs import images_fetch_job
from giz.catalog.management.arguments import add_galaxy_arguments, chosen_galaxies, given_galaxies, reasons_in_words
from giz.catalog.services.lacking import numbers_to_fetch
from giz.core.command import GizCommand, run_job_with_bar
from giz.core.words import counted

DESCRIPTION = """\
Fetch frames of galaxies in g, r, i from surveys and make their pictures: the galaxy in the middle, its major axis
level, the field twice its D25. Position, D25 and position angle come from the catalogue, or from HyperLEDA where the
catalogue lacks them. The surveys are tried in their order until one covers the field. Frames stay in SURVEY_FOLDER,
so that pictures can be remade offline. After an interruption or a failure run it again: nothing that exists is
fetched or made twice.
"""


class Command(GizCommand):
    help = DESCRIPTION

    def add_arguments(self, parser: ArgumentParser) -> None:
        # Names may stand beside any of these, or alone.
        of_missing = "every galaxy of the catalogue without a picture, or without one that its frames give"
        add_galaxy_arguments(parser, of_missing=of_missing, required=False)
        parser.add_argument(
            "--name", nargs="+", dest="names", metavar="NAME", help='names, each in quotes: "NGC 3521" "M 101"'
        )
        parser.add_argument(
            "--surveys", metavar="NAMES", help="surveys in order, e.g. sdss,panstarrs,hips (the default)"
        )

    def handle(self, *, surveys: str | None, **options: Any) -> None:
        names = [name.strip() for name in surveys.split(",")] if surveys else list(settings.SURVEY_ORDER)
        named = options["names"] or []
        given, written = given_galaxies(**options)
        if not named and not given:
            raise CommandError(f"one of the arguments {' '.join(written)} --name is required")
        numbers = chosen_galaxies(numbers_to_fetch, **options)
        if not numbers and not named:
            self.stdout.write(
                "Every galaxy of the catalogue has a picture." if options["missing"] else "No galaxies given."
            )
            return
        job = images_fetch_job(numbers, names, names=named)
        counts = run_job_with_bar(job, title="Frames").result
        for name, pgc in counts["names"].items():
            self.stdout.write(f"{name} is PGC {pgc}.")
        self.stdout.write(
            f"Galaxies: {counts['fetched']:,} fetched, {counts['unchanged']:,} unchanged, {counts['failed']:,} failed; "
            f"{counted(counts['pictures'], 'picture')} made."
        )
        if counts["failed"]:
            why = reasons_in_words(counts["why"])
            raise CommandError(
                f"Some galaxies have no frames ({why}); see the reasons above. Run the command again to retry."
            )
