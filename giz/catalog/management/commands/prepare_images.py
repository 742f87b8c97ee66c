"""manage.py prepare_images --pgc 4 12 | --list FILE | --missing | --campaign NAME"""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from giz.catalog.jobs import images_prepare_job
from giz.catalog.management.arguments import add_galaxy_arguments, chosen_galaxies, reasons_in_words
from giz.catalog.services.lacking import numbers_to_prepare
from giz.core.command import GizCommand, run_job_with_bar
from giz.core.words import counted


class Command(GizCommand):
    help = (
        "Make the pictures of galaxies from the frames that fetch_images has kept, offline. Use it after the way "
        "pictures are made has changed, or when display files were lost (--missing finds these; for pictures "
        "imported from files use import_images). Only missing or outdated pictures are made."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        of_missing = (
            "every galaxy of the catalogue without a picture, without one that its frames give, or whose display "
            "files were lost"
        )
        add_galaxy_arguments(parser, of_missing=of_missing)

    def handle(self, **options: Any) -> None:
        numbers = chosen_galaxies(numbers_to_prepare, **options)
        if not numbers:
            self.stdout.write(
                "Every galaxy of the catalogue has a picture." if options["missing"] else "No galaxies given."
            )
            return
        job = images_prepare_job(numbers)
        counts = run_job_with_bar(job, title="Pictures").result
        self.stdout.write(
            f"Galaxies: {counts['fetched']:,} made, {counts['unchanged']:,} unchanged, {counts['failed']:,} failed; "
            f"{counted(counts['pictures'], 'picture')} made."
        )
        if counts["failed"]:
            why = reasons_in_words(counts["why"])
            raise CommandError(f"Some galaxies could not be made ({why}); see the reasons above.")
