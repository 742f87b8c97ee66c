"""``manage.py export_person PERSON``: everything that the site holds about one person, as JSON."""

import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from giz.accounts.models import User
from giz.accounts.own_data import own_data
from giz.core.command import GizCommand


class Command(GizCommand):
    help = (
        "Write all data that the site holds about a person as JSON: the same file that they can download under My data."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("person", metavar="PERSON", help="an e-mail address, or a volunteer number (v123456789)")
        parser.add_argument(
            "--out", type=Path, metavar="FILE", help="a new file (mode 0600); printed to the terminal if omitted"
        )

    def handle(self, *args: Any, person: str, out: Path | None, **options: Any) -> None:
        user = User.objects.named(person)
        if out is None:
            for piece in own_data(user):
                self.stdout.write(piece, ending="")
            return
        with os.fdopen(os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.writelines(own_data(user))
        self.stdout.write(f"Wrote {out}.")
