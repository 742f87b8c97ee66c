"""manage.py show_augmentation LABELSET --html FILE"""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from giz.core.command import GizCommand
from giz.core.errors import Refused
from giz.training.services.augmentation import augmentation_page

MOST_PICTURES = 2000


class Command(GizCommand):
    help = (
        "Write a page of augmented training pictures (rotated, zoomed, changed in tone) with their labels, and "
        "the distribution of labels in the label set and in the batches."
    )
    needs_database = False
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("labelset", metavar="LABELSET", help="folder of the label set")
        parser.add_argument("--html", required=True, metavar="FILE", help="the page to write")
        parser.add_argument("--network", default="ours", metavar="NAME", help="for which network (default ours)")
        parser.add_argument("--count", type=int, default=96, metavar="N", help="how many pictures (default 96)")
        parser.add_argument("--seed", type=int, default=1, metavar="N", help="of the run (default 1)")

    def handle(self, *, labelset: str, html: str, network: str, count: int, seed: int, **_options: Any) -> None:
        if not 1 <= count <= MOST_PICTURES:
            raise Refused("bad_number", f"--count must be from 1 to {MOST_PICTURES:,}; got {count:,}.")
        page = augmentation_page(labelset=Path(labelset).expanduser(), network=network, seed=seed, count=count)
        try:
            Path(html).expanduser().write_text(page, encoding="utf-8")
        except OSError as error:
            raise Refused("bad_path", f"{html} can't be written ({error.strerror}).") from None
        self.stdout.write(html)
