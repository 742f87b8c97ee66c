"""manage.py freeze_labels --campaign NAME"""

from argparse import ArgumentParser
from typing import Any

from giz.core.command import GizCommand, run_job_with_bar
from giz.core.words import n_galaxies
from labeling.jobs import labels_freeze_job
from labeling.services.campaigns import campaign_named
from labeling.services.labelsets import SIZES_PX, labelset_root


class Command(GizCommand):
    help = (
        "Freeze the labels of a campaign, with pictures, into a label set: a folder of files that never change, for "
        "networks and for publication. Freezing unchanged labels gives the same set. Staff can download it from its "
        "staff page."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--campaign", required=True, metavar="NAME", help="the campaign")
        parser.add_argument(
            "--size",
            type=int,
            default=128,
            metavar="PX",
            help=f"side of the pictures: {', '.join(map(str, SIZES_PX))}, or 0 for labels alone (default 128)",
        )

    def handle(self, *, campaign: str, size: int, **_options: Any) -> None:
        job = labels_freeze_job(campaign=campaign_named(campaign), size_px=size or None)
        result = run_job_with_bar(job, title=f"Labels of {campaign}").result
        folder = labelset_root() / result["label_set"]
        self.stdout.write(f"{folder}: {n_galaxies(result['galaxies'])}. What is in it: {folder / 'README.md'}")
        if result["was_lost"]:
            self.stdout.write("Its folder was missing or damaged, so it was written again.")
        if result["was_there"]:
            self.stdout.write("It already exists: no label has changed since it was frozen.")
